// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Keeps small gradients of `float16` models from vanishing: multiplies the loss, and so all gradients, by a number
/// that it searches for as training goes on (Micikevicius et al.: "Mixed precision training", 2018).
///
/// The number grows until a gradient is infinite or NaN; then that step is left out and the number shrinks.
///
///     model.cast(to: .float16)
///     var scaler = LossScaler()
///     for batch in loader {
///       let (loss, gradients) = scaler.valueAndGradients(of: model) {
///         crossEntropy(model(batch.images.cast(to: .float16)), batch.labels)
///       }
///       if let gradients = try scaler.unscaled(gradients) {
///         try optimizer.update(model, with: gradients.clipped(byNorm: 1))
///       }
///     }
///
/// To accumulate over several batches, add their scaled gradients up in Float32 (`gradients.cast(to: .float32)`) and
/// unscale the sum. The numbers in range of `bfloat16` are those of `float32`, so it needs no scaling.
///
/// Losses that are `float16` themselves take scales up to 2^15 only: what flows back into them is a `float16` number.
public struct LossScaler: Sendable, Hashable, Codable {
  /// Beyond it nothing is left to gain: a gradient of 2^-48 is still a normal `float16` number.
  private static let greatestScale: Float = 0x1p24
  /// The gradient of a `float16` loss must be one.
  private static let greatestHalfScale: Float = 0x1p15
  /// Below it gradients are not finite for other reasons.
  private static let leastScale: Float = 0x1p-24

  /// What the next loss is multiplied by; a power of two unless the settings say otherwise, so that scaling rounds
  /// nothing.
  public private(set) var scale: Float
  /// What the scale is multiplied by after `growthInterval` finite steps in a row.
  public let growth: Float
  /// What the scale is multiplied by when a gradient is not finite.
  public let backoff: Float
  /// Finite steps in a row until the scale grows.
  public let growthInterval: Int
  /// Finite steps since the scale last changed.
  public private(set) var finiteSteps = 0
  /// Steps left out so far.
  public private(set) var skippedSteps = 0
  /// What the scale grows to at most.
  private var limit = LossScaler.greatestScale

  /// A scaler before the first step.
  ///
  /// - Parameters:
  ///   - scale: of the first losses; if it is too large, a few steps are left out in the beginning.
  ///   - growth: what the scale is multiplied by after `growthInterval` finite steps; 1 for a scale that only shrinks.
  ///   - backoff: what it is multiplied by when a gradient is not finite.
  ///   - growthInterval: finite steps in a row until it grows.
  /// - Precondition: `scale` is in 2^-24 ... 2^24, `growth` is at least 1 and finite, `backoff` is between 0 and 1, and
  ///   `growthInterval` is positive.
  public init(scale: Float = 65_536, growth: Float = 2, backoff: Float = 0.5, growthInterval: Int = 2000) {
    require(
      (Self.leastScale...Self.greatestScale).contains(scale),
      "LossScaler: the scale must be in 2^-24 ... 2^24, got \(scale)")
    require(growth >= 1 && growth.isFinite, "LossScaler: growth must be at least 1, got \(growth)")
    require(backoff > 0 && backoff < 1, "LossScaler: backoff must be between 0 and 1, got \(backoff)")
    require(growthInterval > 0, "LossScaler: growthInterval must be positive, got \(growthInterval)")
    (self.scale, self.growth, self.backoff, self.growthInterval) = (scale, growth, backoff, growthInterval)
  }

  /// This scaler at the start of a run, which counts the steps that it leaves out.
  var startingRun: LossScaler {
    var scaler = self
    scaler.skippedSteps = 0
    return scaler
  }

  /// What no scaler can have become, in words.
  var damage: String? {
    guard (Self.leastScale...Self.greatestScale).contains(scale) else { return "scaler.scale is \(scale)" }
    guard growth >= 1, growth.isFinite, backoff > 0, backoff < 1, growthInterval > 0 else {
      return "scaler.growth is \(growth), backoff \(backoff), growthInterval \(growthInterval)"
    }
    guard 0...growthInterval ~= finiteSteps, limit > 0 else {
      return "scaler.finiteSteps is \(finiteSteps), limit \(limit)"
    }
    return nil
  }

  /// The loss times the scale, in Float32. What flows back into a `float16` loss is the scale, rounded: it must not be
  /// above 2^15 then.
  public func scaled(_ loss: Tensor) -> Tensor { loss.cast(to: .float32) * scale }

  /// The loss as it is, and its gradients times the scale; see the function of that name.
  public mutating func valueAndGradients(
    of model: some Module, mode: Mode = .training, _ loss: () throws -> Tensor
  ) rethrows -> (value: Tensor, gradients: Gradients) {
    try valueAndGradients(of: model.parameters(), mode: mode, loss)
  }

  /// The loss as it is, and its gradients with respect to the trainable ones of some parameters times the scale.
  public mutating func valueAndGradients(
    of parameters: ParameterList, mode: Mode = .training, _ loss: () throws -> Tensor
  ) rethrows -> (value: Tensor, gradients: Gradients) {
    var value: Tensor?
    var scaler = self
    let (_, gradients) = try TernNN.valueAndGradients(of: parameters, mode: mode) {
      let loss = try loss()
      value = loss.detached()
      scaler.limit = loss.dtype == .float16 ? Self.greatestHalfScale : Self.greatestScale
      scaler.scale = min(scaler.scale, scaler.limit)
      return scaler.scaled(loss)
    }
    self = scaler
    return (value!, gradients)
  }

  /// Gradients divided by the scale, in Float32, or nil if one of them is infinite or NaN: then the step has to be left
  /// out. Adapts the scale to what it finds.
  ///
  /// One reduction over all gradients runs on their device, and its result, a single number, is waited for. The
  /// division itself is pending work that becomes a part of the optimizer's update.
  ///
  /// - Throws: `TernError` with code `nonFinite` when the gradients are not finite at any scale, and what the device
  ///   reports.
  public mutating func unscaled(_ gradients: Gradients) throws -> Gradients? {
    let factor = 1 / scale
    let isFinite = try Tensor.allFinite(gradients.values).scalar(as: Bool.self)
    try adapt(isFinite: isFinite)
    return isFinite ? gradients.map { $1.cast(to: .float32) * factor } : nil
  }

  private mutating func adapt(isFinite: Bool) throws {
    guard !isFinite else {
      finiteSteps += 1
      guard finiteSteps >= growthInterval else { return }
      finiteSteps = 0
      scale = min(scale * growth, limit)
      return
    }
    finiteSteps = 0
    skippedSteps += 1
    guard scale * backoff >= Self.leastScale else {
      throw TernError(
        .nonFinite, "gradients are infinite or NaN even with the loss times \(scale)",
        remedy: "lower the learning rate, or look for what is not finite without a scaler")
    }
    scale *= backoff
  }
}
