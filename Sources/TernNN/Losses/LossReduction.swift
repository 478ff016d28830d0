// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// What becomes of the losses of single samples or elements.
public enum LossReduction: Sendable, Hashable {
  /// Their mean, a scalar; a loss with weights divides by the sum of the weights.
  case mean
  /// Their sum, a scalar.
  case sum
  /// Nothing: the losses in their own shape.
  case none

  func callAsFunction(_ losses: Tensor) -> Tensor {
    switch self {
    case .mean: losses.mean()
    case .sum: losses.sum()
    case .none: losses
    }
  }
}

/// Traps unless a loss's two arguments have one shape: broadcasting `[N, 1]` with `[N]` is a mistake that trains badly.
func requireSameShape(_ loss: String, _ predictions: Tensor, _ targets: Tensor) {
  require(
    predictions.shape == targets.shape,
    "\(loss): predictions \(predictions.shape) and targets \(targets.shape) must have the same shape")
}
