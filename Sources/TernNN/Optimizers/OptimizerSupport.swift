// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

extension Tensor {
  /// This gradient with that of `decay / 2 * |w|^2` added.
  func addingDecay(_ decay: Double, of value: Tensor) -> Tensor {
    decay == 0 ? self : self + value * Float(decay)
  }
}

func requireNotNegative(_ optimizer: String, _ settings: KeyValuePairs<String, Double>) {
  for (name, value) in settings {
    require(value >= 0, "\(optimizer): \(name) must not be negative, got \(value)")
  }
}

func requireBetas(_ optimizer: String, _ betas: (Double, Double)) {
  require(
    (0..<1).contains(betas.0) && (0..<1).contains(betas.1), "\(optimizer): betas must be in 0 ..< 1, got \(betas)")
}

/// Takes a gradient into Adam's moments, the first slots: the running means of gradients and of their squares.
func updateMoments(_ slots: inout [Tensor], _ gradient: Tensor, betas: (Double, Double)) {
  slots[0] = slots[0] * Float(betas.0) + gradient * Float(1 - betas.0)
  slots[1] = slots[1] * Float(betas.1) + square(gradient) * Float(1 - betas.1)
}

/// A weight and its gradient after a decay: by way of the gradient, or of the weight itself where there is a rate.
func decayed(
  _ value: Tensor, _ gradient: Tensor, _ decay: Double, rate: Double?
) -> (value: Tensor, gradient: Tensor) {
  if decay == 0 { return (value, gradient) }
  guard let rate else { return (value, gradient.addingDecay(decay, of: value)) }
  return (value * Float(1 - rate * decay), gradient)
}

/// `base` to a whole power, by repeated squaring.
func power(_ base: Double, _ exponent: Int) -> Double {
  var (result, square, rest) = (1.0, base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}
