// SPDX-License-Identifier: MIT
import Tern
import TernNN

extension Operations {
  static let optimization: [String: Procedure] = {
    let names = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax", "nadam"]
    return Dictionary(uniqueKeysWithValues: names.map { ("optim_\($0)", steps(of: $0)) })
  }()

  private static func steps(of name: String) -> Procedure {
    { _, a, _ in try optimizer(name, a.attributes).map { try updates(a, with: $0) } }
  }

  static let clipping: [String: Procedure] = [
    "clip_grad_norm": { _, a, _ in
      guard let kind = normKind(a.attributes) else { return nil }
      let gradients = gradients(a)
      let clipped = gradients.clipped(byNorm: a.attributes.double("max_norm")!, kind)
      return clippedByName(clipped).merging(["out.total_norm": gradients.norm(kind)]) { a, _ in a }
    },
    "clip_grad_value": { _, a, _ in
      clippedByName(gradients(a).clipped(byValue: a.attributes.double("clip_value")!))
    },
  ]

  /// Parameters by name.
  struct Cells: Module {
    let cells: [String: Parameter]
    var normalization: BatchNorm2D?

    subscript(name: String) -> Tensor { cells[name]!.value }
    func optional(_ name: String) -> Tensor? { cells[name]?.value }
  }

  // MARK: Optimizers

  static func optimizer(_ name: String, _ t: Attributes) -> (any Optimizer)? {
    let rate = t.double("lr")!
    let betas = t.doubles("betas").map { ($0[0], $0[1]) } ?? (0.9, 0.999)
    let (epsilon, decay) = (t.double("eps"), t.double("weight_decay"))
    let momentum = t.double("momentum") ?? 0
    switch name {
    case "sgd":
      return SGD(
        learningRate: rate, momentum: momentum, nesterov: t.flag("nesterov"), dampening: t.double("dampening") ?? 0,
        weightDecay: decay ?? 0)
    case "adam":
      return Adam(
        learningRate: rate, betas: betas, epsilon: epsilon ?? 1e-8, weightDecay: decay ?? 0,
        amsgrad: t.flag("amsgrad"))
    case "adamw": return AdamW(learningRate: rate, betas: betas, epsilon: epsilon ?? 1e-8, weightDecay: decay ?? 0.01)
    case "rmsprop":
      return RMSprop(
        learningRate: rate, smoothing: t.double("alpha") ?? 0.99, epsilon: epsilon ?? 1e-8, momentum: momentum,
        centered: t.flag("centered"), weightDecay: decay ?? 0)
    case "adagrad":
      return Adagrad(
        learningRate: rate, rateDecay: t.double("lr_decay") ?? 0, weightDecay: decay ?? 0,
        initialSum: t.double("initial_accumulator_value") ?? 0, epsilon: epsilon ?? 1e-10)
    case "adadelta":
      return Adadelta(
        learningRate: rate, smoothing: t.double("rho") ?? 0.9, epsilon: epsilon ?? 1e-6, weightDecay: decay ?? 0)
    case "adamax":
      return Adamax(learningRate: rate, betas: betas, epsilon: epsilon ?? 1e-8, weightDecay: decay ?? 0)
    case "nadam":
      // The cases come from PyTorch 1.13.
      return NAdam(
        learningRate: rate, betas: betas, epsilon: epsilon ?? 1e-8, weightDecay: decay ?? 0,
        momentumDecay: t.double("momentum_decay") ?? 4e-3, repeatsMomentum: true)
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
}
