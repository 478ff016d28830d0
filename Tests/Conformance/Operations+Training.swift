// SPDX-License-Identifier: MIT
import Tern
import TernNN

extension Operations {
  static let trainings: [String: Procedure] = [
    "train_mlp": { _, a, _ in try trainMLP(a) },
    "train_cnn": { _, a, device in try trainCNN(a, on: device) },
  ]

  private static func trainMLP(_ a: Arguments) throws -> [String: Tensor]? {
    let model = Cells(cells: parameters(a))
    let activation: (Tensor) -> Tensor = a.attributes.text("activation") == "tanh" ? { tanh($0) } : { relu($0) }
    return try train(model, model.cells, a) { x in
      let hidden = activation(linear(x, model["w1"], model["b1"]))
      return linear(activation(linear(hidden, model["w2"], model["b2"])), model["w3"], model["b3"])
    }
  }

  private static func trainCNN(_ a: Arguments, on device: Device) throws -> [String: Tensor]? {
    var cells = parameters(a)
    let (scale, shift) = (cells.removeValue(forKey: "g")!, cells.removeValue(forKey: "be")!)
    let norm = withDevice(device) { BatchNorm2D(scale.shape[0]) }
    norm.weight!.value = scale.value
    norm.bias!.value = shift.value
    let model = Cells(cells: cells, normalization: norm)
    return try train(model, cells.merging(["g": norm.weight!, "be": norm.bias!]) { a, _ in a }, a) { x in
      let first = relu(norm(conv2d(x, model["k1"], bias: model.optional("c1"), padding: 1)))
      let second = relu(conv2d(maxPool2d(first, window: 2), model["k2"], bias: model["c2"]))
      return linear(second.mean(along: 2, 3), model["w"], model["b"])
    }
  }

  static func parameters(_ a: Arguments) -> [String: Parameter] {
    Dictionary(
      uniqueKeysWithValues: a.names.filter { $0.hasPrefix("p.") }.map { (String($0.dropFirst(2)), Parameter(a[$0])) })
  }

  /// Losses before each step and the parameters at the end.
  static func train(
    _ model: Cells, _ finals: [String: Parameter], _ a: Arguments, _ forward: (Tensor) -> Tensor
  ) throws -> [String: Tensor]? {
    guard let options = a.attributes.table("options"),
      var optimizer = optimizer(a.attributes.text("optimizer")!, options)
    else { return nil }
    var losses: [Tensor] = []
    for _ in 0..<a.attributes.int("steps")! {
      let (loss, gradients) = valueAndGradients(of: model) { crossEntropy(forward(a.x), a["in.target"]) }
      try optimizer.update(model, with: a.attributes.flag("clip") ? gradients.clipped(byNorm: 1) : gradients)
      losses.append(loss)
    }
    var results = Dictionary(uniqueKeysWithValues: finals.map { ("out.\($0)_final", $1.value) })
    results["out.losses"] = stacked(losses, along: 0)
    return results
  }
}
