// SPDX-License-Identifier: MIT
import Tern
import TernModels
import TernNN
import Testing

@Suite struct ParameterCountTests {
  @Test(arguments: [("logistic", 7_850), ("mlp", 669_706), ("lenet5", 61_706), ("classic", 61_706)])
  func parametersAreAsManyAsPublished(name: String, count: Int) {
    let model = makeModel(name, seed: 0)
    #expect(model.parameterCount == count)
  }

  @Test func namesAreThoseOfTheProperties() {
    #expect(
      LeNet5().parameters().map(\.name) == [
        "convolution1.weight", "convolution1.bias", "convolution2.weight", "convolution2.bias", "linear1.weight",
        "linear1.bias", "linear2.weight", "linear2.bias", "output.weight", "output.bias",
      ])
    #expect(
      MLP([3, 2, 1]).parameters().map(\.name) == [
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias",
      ])
  }

  @Test(
    arguments: [11_689_512, 21_797_672, 25_557_032, 44_549_160, 60_192_808].enumerated().map { ($0.offset, $0.element) }
  )
  func residualNetworksAreAsLargeAsPublished(depth: Int, count: Int) {
    #expect(ResNet(ResNet.Depth.allCases[depth]).parameterCount == count)
  }

  @Test func residualNetworkForSmallImagesHasItsOwnStem() {
    #expect(ResNet(.layers18, stem: .cifar, classes: 10).parameterCount == 11_173_962)
  }

  @Test(arguments: [(1, 4_231_976), (0.75, 2_585_560), (0.5, 1_331_592), (0.25, 470_072)])
  func mobileNetIsAsLargeAsPublished(width: Double, count: Int) {
    #expect(MobileNet(width: width).parameterCount == count)
  }

  @Test func residualNetworksHaveTorchvisionsNames() {
    let block = ["conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "bn2.weight", "bn2.bias"]
    let shortcut = ["downsample.0.weight", "downsample.1.weight", "downsample.1.bias"]
    let basic = (1...4).flatMap { layer in
      [block + (layer == 1 ? [] : shortcut), block].enumerated().flatMap { index, names in
        names.map { "layer\(layer).\(index).\($0)" }
      }
    }
    let ends = (["conv1.weight", "bn1.weight", "bn1.bias"], ["fc.weight", "fc.bias"])
    #expect(small(.basic).parameters().map(\.name) == ends.0 + basic + ends.1)
    let third = small(.bottleneck).parameters().map(\.name).filter { $0.hasPrefix("layer1.0.") }
    #expect(
      third == (block + ["conv3.weight", "bn3.weight", "bn3.bias"] + shortcut).map { "layer1.0.\($0)" },
      "the first bottleneck widens, so it needs a projection")
  }

  private func small(_ block: ResNet.Block) -> ResNet {
    ResNet(blocks: [2, 2, 2, 2], of: block, width: 4, classes: 3)
  }

  /// He's rule for the outputs: variance `2 / (outputs * kernel)`.
  @Test func residualNetworksStartWithHesVariance() throws {
    let model = ResNet(.layers18, generator: RandomGenerator(seed: 4))
    for (name, fan) in [
      ("conv1.weight", 64 * 49), ("layer2.0.conv1.weight", 128 * 9), ("layer4.1.conv2.weight", 512 * 9),
    ] {
      let weight = try #require(model.parameters()[name]).value
      let variance = try weight.variance().scalar(as: Double.self)
      // The variance of n normal numbers scatters by sqrt(2 / n) of itself.
      #expect(abs(variance * Double(fan) / 2 - 1) < 5 * (2 / Double(weight.count)).squareRoot(), "\(name)")
      #expect(abs(try weight.mean().scalar(as: Double.self)) < 5 * (variance / Double(weight.count)).squareRoot())
    }
  }

  @Test func sizesAreFree() {
    #expect(MLP([5, 4]).parameterCount == 24)
    #expect(LogisticRegression(inputs: 3, classes: 2).parameterCount == 8)
    #expect(LeNet5(classes: 26).parameterCount == 61_706 + 16 * 85)
  }
}

/// Builds a model by its short name.
func makeModel(_ name: String, seed: UInt64) -> any Layer {
  let generator = RandomGenerator(seed: seed)
  return switch name {
  case "logistic": LogisticRegression(generator: generator)
  case "mlp": MLP(generator: generator)
  default: LeNet5(classic: name == "classic", generator: generator)
  }
}
