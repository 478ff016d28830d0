// SPDX-License-Identifier: MIT
import TernRuntime

/// Sets elements to 0 at random and scales the others by `1 / (1 - probability)`, in training mode; otherwise `x`
/// itself (Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014).
///
/// - Parameters:
///   - probability: the chance of each element to become 0, in `0 ..< 1`.
///   - generator: where the mask comes from; the same state gives the same mask on every device.
public func dropout(_ x: Tensor, probability: Float, generator: RandomGenerator = .shared) -> Tensor {
  require(probability >= 0 && probability < 1, "dropout: probability must be in 0 ..< 1, got \(probability)")
  guard Mode.current == .training, probability > 0 else { return x }
  // A Float below 1 leaves at least 2^-24, which a mask can tell from never.
  let mask = RandomDraw.Distribution.mask(keeping: 1 - probability)!
  return masked(x, generator.next(mask), scale: 1 / (1 - probability))
}

/// The mask is not kept: the backward pass draws it again, which costs less than its memory.
private func masked(_ x: Tensor, _ draw: RandomDraw, scale: Float) -> Tensor {
  let mask = Tensor.drawn(draw, x.shape, .bool, x.device)
  return `where`(mask, x.detached() * scale, x.like(0)).recorded("dropout", from: [x], saving: .none) { gradient, _ in
    [masked(gradient, draw, scale: scale)]
  }
}
