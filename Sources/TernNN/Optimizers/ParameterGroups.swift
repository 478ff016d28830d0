// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// One rule with other settings for some of the parameters: no decay for biases, a smaller rate for pretrained layers.
///
///     var optimizer = ParameterGroups(
///       AdamW(learningRate: 1e-3),
///       .init(AdamW(learningRate: 1e-3, weightDecay: 0)) { $0.hasSuffix("bias") },
///       .init(AdamW(learningRate: 1e-4)) { $0.hasPrefix("backbone.") })
///
/// A parameter belongs to the first group that takes its name, else to the rest. Parameters of equal settings are one
/// launch. Setting the learning rate, as schedules do, scales those of all groups alike.
public struct ParameterGroups<Base: Optimizer>: Optimizer {
  /// Settings for some of the parameters.
  public struct Group {
    let optimizer: Base
    let takes: @Sendable (String) -> Bool

    /// Settings for the parameters whose dotted names `takes` accepts.
    ///
    /// - Parameters:
    ///   - optimizer: gives the settings; its state is not used.
    ///   - takes: asked at every update, so it must always say the same.
    public init(_ optimizer: Base, takes: @escaping @Sendable (_ name: String) -> Bool) {
      self.optimizer = optimizer
      self.takes = takes
    }
  }

  private var rest: Base
  private var groups: [Group]
  /// Each group's learning rate as a multiple of the rest's.
  private let factors: [Double]

  /// An optimizer of the parameters that no group takes, and its groups.
  ///
  /// - Precondition: all remember the same of a parameter, that is, have the same `slotNames`; the learning rate of the
  ///   rest is above 0.
  public init(_ rest: Base, _ groups: Group...) {
    require(
      rest.learningRate > 0, "ParameterGroups: the learning rate must be above 0, got \(rest.learningRate)")
    for group in groups {
      require(
        group.optimizer.slotNames == rest.slotNames,
        "ParameterGroups: a group remembers \(group.optimizer.slotNames), the rest \(rest.slotNames); give them the "
          + "same kinds of state")
    }
    self.rest = rest
    self.groups = groups
    factors = groups.map { $0.optimizer.learningRate / rest.learningRate }
  }

  /// The step size of the parameters that no group takes. Setting it scales the groups' rates alike.
  public var learningRate: Double {
    get { rest.learningRate }
    set { rest.learningRate = newValue }
  }
  /// What is remembered of all parameters, by their names.
  public var state: OptimizerState {
    get { rest.state }
    _modify { yield &rest.state }
  }
  /// Those of the rule.
  public var slotNames: [String] { rest.slotNames }

  /// The update of a parameter that no group takes.
  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    rest.updated(value, gradient: gradient, slots: &slots, step: step)
  }

  public func updated(
    _ name: String, _ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int
  ) -> Tensor {
    guard let position = groups.firstIndex(where: { $0.takes(name) }) else {
      return rest.updated(name, value, gradient: gradient, slots: &slots, step: step)
    }
    var optimizer = groups[position].optimizer
    optimizer.learningRate = learningRate * factors[position]
    return optimizer.updated(name, value, gradient: gradient, slots: &slots, step: step)
  }
}

extension ParameterGroups: Sendable where Base: Sendable {}
extension ParameterGroups.Group: Sendable where Base: Sendable {}
