// SPDX-License-Identifier: MIT
import Tern
import TernNN
import Testing

@testable import TernBench

@Suite struct CaseTests {
  /// Work of one step, by hand: billions of operations or bytes, or samples.
  static let work: [(name: String, work: Double)] = [
    ("sgemm_256x256x256", 0.033_554_432), ("sgemm_64x784x512", 0.051_380_224),
    ("sgemm_512x64x784", 0.051_380_224), ("sgemm_2048x2048x2048", 17.179_869_184),
    ("conv3x3_3to64_32_fwd", 0.113_246_208), ("conv3x3_64to64_32_fwdbwd", 7.247_757_312),
    ("conv3x3_64to128_s2_fwd", 1.207_959_552), ("conv1x1_256to64_28_fwd", 0.411_041_792),
    ("conv5x5_6to16_14_fwd", 0.030_72), ("conv7x7_3to64_s2_112_fwd", 0.944_111_616),
    ("depthwise3x3_128_28_fwd", 0.028_901_376), ("add_16M", 0.201_326_592), ("chain7_16M", 0.201_326_592),
    ("softmax_4096x1000", 0.032_768), ("sum_16M", 0.067_108_864), ("layernorm_4096x1024", 0.033_554_432),
    ("maxpool2_32x64x56", 0.032_112_64),
    ("train_mlp_b128", 128), ("train_lenet5_b64", 64),
    ("train_resnet18_cifar_b32", 32), ("train_mobilenet_cifar_b32", 32),
    ("train_lstm_charlm_b32", 2048), ("train_transformer_b8", 1024),
  ]

  @Test(arguments: work) func workIsWhatTheShapesSay(name: String, work: Double) throws {
    let benchmark = try #require(Case.named(name))
    #expect(abs(benchmark.work - work) <= 1e-9 * work)
  }

  @Test func everyCaseHasOneName() {
    #expect(Case.all.count == 6 + 18 + 6 + 4 + 2)
    #expect(Set(Case.all.map(\.name)).count == Case.all.count)
  }

  @Test func onlyTakesPartsOfNames() {
    let names = Case.all.filter { $0.matches("sum_16M,lenet5") }.map(\.name)
    #expect(names == ["sum_16M", "train_lenet5_b64"])
  }

  @Test func trainedNetsHaveThePublishedSizes() {
    #expect(withDevice(.cpu) { Case.lenet5() }.parameterCount == 61_706)
    #expect(withDevice(.cpu) { Case.mlp() }.parameterCount == 669_706)
    #expect(withDevice(.cpu) { Case.resnet18() }.parameterCount == 11_173_962)
    #expect(withDevice(.cpu) { Case.mobileNet() }.parameterCount == 136_778)
    #expect(withDevice(.cpu) { Case.characterModel() }.parameterCount == 432_224)
    #expect(withDevice(.cpu) { Case.transformer() }.parameterCount == 3_208_288)
  }
}
