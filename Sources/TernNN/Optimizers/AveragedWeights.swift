// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Another optimizer, and beside it an exponential moving average of the weights that it finds, which often do better
/// than the weights themselves (Polyak, Juditsky: "Acceleration of stochastic approximation by averaging", 1992).
///
///     average = d * average + (1 - d) * w
///     d = decay, or min(decay, t / (t + 10)) while it warms up; 0 at the first step
///
/// The averages are part of the optimizer's state: the launch that updates the weights computes them, and checkpoints
/// keep them.
///
///     var optimizer = AveragedWeights(AdamW(), decay: 0.999)
///     try fit(model, train: loader, epochs: 3, optimizer: &optimizer)
///     let result = try optimizer.withAverages(in: model) { try evaluate(model, on: test) }
///
/// Running statistics of batch normalization are not averaged: they are averages already.
public struct AveragedWeights<Base: Optimizer>: Optimizer {
  private var base: Base
  /// How much of the average each step keeps: 0.999 remembers about the last 1,000 steps.
  public let decay: Double
  /// Whether the average forgets faster in the beginning.
  public let warmsUp: Bool

  /// An optimizer with averages, without state.
  ///
  /// - Parameters:
  ///   - base: finds the weights.
  ///   - decay: how much of the average each step keeps.
  ///   - warmsUp: lets the average forget faster in the beginning, so that the first weights do not stay in it for
  ///     long.
  /// - Precondition: `decay` is in `0 ..< 1`.
  public init(_ base: Base, decay: Double = 0.999, warmsUp: Bool = true) {
    require((0..<1).contains(decay), "AveragedWeights: the decay must be in 0 ..< 1, got \(decay)")
    self.base = base
    self.decay = decay
    self.warmsUp = warmsUp
  }

  /// The step size of the next update.
  public var learningRate: Double {
    get { base.learningRate }
    set { base.learningRate = newValue }
  }
  /// The optimizer's state and the averages, by the parameters' names.
  public var state: OptimizerState {
    get { base.state }
    _modify { yield &base.state }
  }
  /// Those of the optimizer, and `average`.
  public var slotNames: [String] { base.slotNames + ["average"] }

  public func updated(_ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int) -> Tensor {
    averaging(&slots, step) { base.updated(value, gradient: gradient, slots: &$0, step: step) }
  }

  public func updated(
    _ name: String, _ value: Tensor, gradient: Tensor, slots: inout [Tensor], step: Int
  ) -> Tensor {
    averaging(&slots, step) { base.updated(name, value, gradient: gradient, slots: &$0, step: step) }
  }

  /// Calls the optimizer with its own slots, and lets the average follow the value.
  private func averaging(_ slots: inout [Tensor], _ step: Int, _ update: (inout [Tensor]) -> Tensor) -> Tensor {
    let average = slots.removeLast()
    let value = update(&slots)
    let limit = warmsUp ? Double(step) / Double(step + 10) : 1
    let kept = step == 1 ? 0 : min(decay, limit)
    slots.append(average * Float(kept) + value * Float(1 - kept))
    return value
  }

  // MARK: Using the averages

  /// The average of the weights of the parameter of that name; nil before its first update.
  public func average(of name: String) -> Tensor? { state.entries[name]?.slots.last }

  /// Runs `body` with the averages in the place of the model's weights, and puts the weights back when it ends.
  ///
  /// Parameters that have not been updated keep their weights.
  ///
  /// - Throws: what `body` throws, or what goes wrong while averages move to a device that the model has moved to.
  public func withAverages<Result>(in model: some Module, _ body: () throws -> Result) throws -> Result {
    let averaged = try model.parameters().compactMap { name, parameter in
      try average(of: name).map { average in
        let value = parameter.value
        return (parameter: parameter, average: try average.on(value.device).cast(to: value.dtype))
      }
    }
    let weights = averaged.map(\.parameter.value)
    for (parameter, average) in averaged { parameter.value = average }
    defer { for ((parameter, _), weight) in zip(averaged, weights) { parameter.value = weight } }
    return try body()
  }
}

extension AveragedWeights: Sendable where Base: Sendable {}
