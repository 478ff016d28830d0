// SPDX-License-Identifier: MIT
import TernRuntime

/// Sets elements to 0 at random and scales the others by `1 / (1 - probability)`, in training mode; otherwise `x`
/// itself (Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014).
///
/// - Parameters:
///   - probability: the chance of each element to become 0, in `0 ..< 1`.
///   - generator: where the mask comes from; the same state gives the same mask on every device.
public func dropout(_ x: Tensor, probability: Float, generator: RandomGenerator = .shared) -> Tensor {
  guard let mask = activeMask("dropout", probability, generator) else { return x }
  return Dropping(mask, x.shape, scale: 1 / (1 - probability))(x)
}

/// Sets whole channels to 0 at random and scales the others by `1 / (1 - probability)`, in training mode; otherwise `x`
/// itself (Tompson et al., "Efficient object localization using convolutional networks", 2015). Where neighbours are
/// alike, elements that are dropped one by one would be known from those around them.
///
/// - Parameters:
///   - x: `[N, channels, ...]`; each channel of each sample is dropped or kept.
///   - probability: the chance of each channel to become 0, in `0 ..< 1`.
///   - generator: where the mask comes from; the same state gives the same mask on every device.
public func channelDropout(_ x: Tensor, probability: Float, generator: RandomGenerator = .shared) -> Tensor {
  guard let mask = activeMask("channelDropout", probability, generator) else { return x }
  return Dropping(mask, channelMaskShape("channelDropout", x), scale: 1 / (1 - probability))(x)
}

/// Sets elements to what SELU gives for very negative inputs, and scales and shifts everything so that mean 0 and
/// variance 1 stay, in training mode; otherwise `x` itself (Klambauer et al., "Self-normalizing neural networks",
/// 2017).
///
///     y = a * (kept ? x : -s) + a * s * probability
///     s = 1.7580993408473766, a = 1 / sqrt((1 - probability) * (1 + probability * s^2))
///
/// - Parameters:
///   - probability: the chance of each element to be dropped, in `0 ..< 1`.
///   - byChannel: drops whole channels of `[N, channels, ...]`.
///   - generator: where the mask comes from; the same state gives the same mask on every device.
public func alphaDropout(
  _ x: Tensor, probability: Float, byChannel: Bool = false, generator: RandomGenerator = .shared
) -> Tensor {
  guard let mask = activeMask("alphaDropout", probability, generator) else { return x }
  let saturation = 1.758_099_340_847_376_6
  let dropped = Double(probability)
  let scale = 1 / ((1 - dropped) * (1 + dropped * saturation * saturation)).squareRoot()
  return Dropping(
    mask, byChannel ? channelMaskShape("alphaDropout", x) : x.shape, scale: Float(scale),
    shift: Float(scale * saturation * dropped), replacement: Float(scale * saturation * (dropped - 1)))(x)
}

/// The mask to draw; nil where everything stays.
func activeMask(_ operation: String, _ probability: Float, _ generator: RandomGenerator) -> RandomDraw? {
  require(probability >= 0 && probability < 1, "\(operation): probability must be in 0 ..< 1, got \(probability)")
  guard Mode.current == .training, probability > 0 else { return nil }
  // A Float below 1 leaves at least 2^-24, which a mask can tell from never.
  return generator.next(.mask(keeping: 1 - probability)!)
}

private func channelMaskShape(_ operation: String, _ x: Tensor) -> [Int] {
  require(x.rank >= 2, "\(operation): input must be [N, channels, ...], got \(x.shape)")
  return Array(x.shape.prefix(2)) + x.shape.dropFirst(2).map { _ in 1 }
}

/// `kept ? scale * x + shift : replacement`. The mask is not kept: the backward pass draws it again, which costs less
/// than its memory.
struct Dropping: Sendable {
  let draw: RandomDraw
  let maskShape: [Int]
  let scale, shift, replacement: Float

  init(_ draw: RandomDraw, _ maskShape: [Int], scale: Float, shift: Float = 0, replacement: Float = 0) {
    (self.draw, self.maskShape, self.scale, self.shift, self.replacement) = (draw, maskShape, scale, shift, replacement)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let mask = Tensor.drawn(draw, maskShape, .bool, x.device)
    let scaled = x.detached() * scale
    return `where`(mask, shift == 0 ? scaled : scaled + shift, x.like(replacement))
      .recorded("dropout", from: [x], saving: .none) { gradient, _ in
        [Dropping(draw, maskShape, scale: scale)(gradient)]
      }
  }
}
