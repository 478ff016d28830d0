// SPDX-License-Identifier: MIT
import Tern
import TernNN

extension Operations {
  static let optimization: [String: Procedure] = [
    "optim_sgd": { _, a, _ in try updates(a, with: optimizer("sgd", a.attributes)!) },
    "optim_adam": { _, a, _ in try updates(a, with: optimizer("adam", a.attributes)!) },
    "optim_adamw": { _, a, _ in try updates(a, with: optimizer("adamw", a.attributes)!) },
    "optim_rmsprop": { _, a, _ in try updates(a, with: optimizer("rmsprop", a.attributes)!) },
    "clip_grad_norm": { _, a, _ in
      guard let kind = normKind(a.attributes) else { return nil }
      let gradients = gradients(a)
      let clipped = gradients.clipped(byNorm: a.attributes.double("max_norm")!, kind)
      return clippedByName(clipped).merging(["out.total_norm": gradients.norm(kind)]) { a, _ in a }
    },
    "clip_grad_value": { _, a, _ in
      clippedByName(gradients(a).clipped(byValue: a.attributes.double("clip_value")!))
    },
    "lr_step": { _, a, device in
      let t = a.attributes
      return rates(
        StepDecay(initial: t.double("lr")!, every: t.int("step_size")!, factor: t.double("gamma")!), t, device)
    },
    "lr_exponential": { _, a, device in
      let t = a.attributes
      return rates(ExponentialDecay(initial: t.double("lr")!, factor: t.double("gamma")!), t, device)
    },
    "lr_inverse_time": { _, a, device in
      let t = a.attributes
      return rates(InverseTimeDecay(initial: t.double("lr")!, decay: t.double("decay_rate")!), t, device)
    },
    "lr_cosine": { _, a, device in
      let t = a.attributes
      return rates(
        CosineDecay(initial: t.double("lr")!, final: t.double("eta_min")!, steps: t.int("T_max")!), t, device)
    },
    "train_mlp": { _, a, _ in try trainMLP(a) },
    "train_cnn": { _, a, device in try trainCNN(a, on: device) },
  ]

  /// Parameters by name.
  struct Cells: Module {
    let cells: [String: Parameter]
    var normalization: BatchNorm2D?

    subscript(name: String) -> Tensor { cells[name]!.value }
    func optional(_ name: String) -> Tensor? { cells[name]?.value }
  }

  // MARK: Optimizers

  private static func optimizer(_ name: String, _ t: Attributes) -> (any Optimizer)? {
    let rate = t.double("lr")!
    let betas = t.doubles("betas").map { ($0[0], $0[1]) } ?? (0.9, 0.999)
    let (epsilon, decay) = (t.double("eps") ?? 1e-8, t.double("weight_decay"))
    let momentum = t.double("momentum") ?? 0
    switch name {
    case "sgd":
      return SGD(
        learningRate: rate, momentum: momentum, nesterov: t.flag("nesterov"), dampening: t.double("dampening") ?? 0,
        weightDecay: decay ?? 0)
    case "adam":
      return Adam(
        learningRate: rate, betas: betas, epsilon: epsilon, weightDecay: decay ?? 0, amsgrad: t.flag("amsgrad"))
    case "adamw": return AdamW(learningRate: rate, betas: betas, epsilon: epsilon, weightDecay: decay ?? 0.01)
    case "rmsprop":
      return RMSprop(
        learningRate: rate, smoothing: t.double("alpha") ?? 0.99, epsilon: epsilon, momentum: momentum,
        centered: t.flag("centered"), weightDecay: decay ?? 0)
    default: return nil
    }
  }

  /// The parameters after each update with the given gradients.
  private static func updates(_ a: Arguments, with optimizer: any Optimizer) throws -> [String: Tensor] {
    var optimizer = optimizer
    let model = Cells(cells: ["w0": Parameter(a["p.w0"]), "w1": Parameter(a["p.w1"])])
    let parameters = model.parameters()
    var steps: [String: [Tensor]] = [:]
    for step in 0..<a.attributes.int("steps")! {
      let gradients = Gradients(
        parameters: parameters,
        values: parameters.map { name, _ in a["in.grads_\(name.suffix(2))"][step] })
      try optimizer.update(model, with: gradients)
      for (name, cell) in model.cells { steps["out.\(name)_steps", default: []].append(cell.value) }
    }
    return steps.mapValues { stacked($0, along: 0) }
  }

  private static func rates(_ schedule: some Schedule, _ t: Attributes, _ device: Device) -> [String: Tensor] {
    ["out.lr": Tensor((0..<t.int("steps")!).map { Float(schedule.learningRate(at: $0)) }, on: device)]
  }

  // MARK: Clipping

  private static func gradients(_ a: Arguments) -> Gradients {
    let names = a.names.map { String($0.dropFirst("in.".count)) }
    let model = Cells(cells: Dictionary(uniqueKeysWithValues: names.map { ($0, Parameter(a["in." + $0])) }))
    return Gradients(parameters: model.parameters(), values: names.map { a["in." + $0] })
  }

  private static func clippedByName(_ gradients: Gradients) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: zip(gradients.parameters, gradients.values).map { ("out.clipped_\($0.name.suffix(2))", $1) }
    )
  }

  private static func normKind(_ t: Attributes) -> GradientNorm? {
    if t.text("norm_type") == "inf" { return .maximum }
    switch t.double("norm_type") {
    case 1: return .absolute
    case 2: return .euclidean
    default: return nil
    }
  }

  // MARK: Whole training runs

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

  private static func parameters(_ a: Arguments) -> [String: Parameter] {
    Dictionary(
      uniqueKeysWithValues: a.names.filter { $0.hasPrefix("p.") }.map { (String($0.dropFirst(2)), Parameter(a[$0])) })
  }

  /// Losses before each step and the parameters at the end.
  private static func train(
    _ model: Cells, _ finals: [String: Parameter], _ a: Arguments, _ forward: (Tensor) -> Tensor
  ) throws -> [String: Tensor]? {
    guard let options = a.attributes.table("options"),
      var optimizer = optimizer(a.attributes.text("optimizer")!, options)
    else { return nil }
    var losses: [Tensor] = []
    for _ in 0..<a.attributes.int("steps")! {
      let (loss, gradients) = valueAndGradients(of: model) { crossEntropy(forward(a.x), a["in.target"]) }
      try optimizer.update(model, with: gradients)
      losses.append(loss)
    }
    var results = Dictionary(uniqueKeysWithValues: finals.map { ("out.\($0)_final", $1.value) })
    results["out.losses"] = stacked(losses, along: 0)
    return results
  }
}
