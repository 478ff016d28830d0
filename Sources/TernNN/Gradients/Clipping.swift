// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// How the size of all gradients together is measured.
public enum GradientNorm: Sendable, Hashable {
  /// The root of the sum of squares.
  case euclidean
  /// The sum of absolute values.
  case absolute
  /// The largest absolute value.
  case maximum
}

/// What to do with gradients before an update.
public enum Clipping: Sendable, Hashable {
  /// Scale all of them together, so that their Euclidean norm is at most this positive number.
  case norm(Double)
  /// Limit each element to this positive number, of either sign.
  case value(Double)
}

extension Gradients {
  /// One norm over all gradients as if they were one long vector: a scalar tensor, which nothing waits for.
  public func norm(_ kind: GradientNorm = .euclidean) -> Tensor {
    require(!values.isEmpty, "Gradients.norm: there are no trainable parameters")
    let parts = values.map { value in
      let value = value.cast(to: .float32)
      return switch kind {
      case .euclidean: square(value).sum()
      case .absolute: abs(value).sum()
      case .maximum: value.count == 0 ? Tensor(0, on: value.device) : abs(value).max()
      }
    }
    let all = stacked(parts, along: 0)
    return switch kind {
    case .euclidean: sqrt(all.sum())
    case .absolute: all.sum()
    case .maximum: all.max()
    }
  }

  /// Gradients scaled down together so that their norm is at most `limit` (Pascanu, Mikolov, Bengio: "On the difficulty
  /// of training recurrent neural networks", 2013).
  ///
  ///     g = g * min(1, limit / (norm + 1e-6))
  ///
  /// - Precondition: `limit` is positive.
  public func clipped(byNorm limit: Double, _ kind: GradientNorm = .euclidean) -> Gradients {
    require(limit > 0, "clipped(byNorm:): the limit must be positive, got \(limit)")
    if values.isEmpty { return self }
    // Forced once: otherwise each parameter's update would compute it again.
    let coefficient = clamp(Float(limit) / (norm(kind) + 1e-6), max: 1).evaluated()
    return map { _, gradient in (gradient.cast(to: .float32) * coefficient).cast(to: gradient.dtype) }
  }

  /// Gradients with every element limited to `-limit ... limit`.
  ///
  /// - Precondition: `limit` is positive.
  public func clipped(byValue limit: Double) -> Gradients {
    require(limit > 0, "clipped(byValue:): the limit must be positive, got \(limit)")
    return map { clamp($1, min: -Float(limit), max: Float(limit)) }
  }

  /// Gradients clipped as asked; unchanged with nil.
  ///
  /// - Precondition: the limit is positive.
  public func clipped(_ clipping: Clipping?) -> Gradients {
    switch clipping {
    case nil: self
    case .norm(let limit): clipped(byNorm: limit)
    case .value(let limit): clipped(byValue: limit)
    }
  }
}
