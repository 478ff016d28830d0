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
