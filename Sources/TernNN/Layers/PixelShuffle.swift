// SPDX-License-Identifier: MIT
import Tern

/// Channels moved into space, `[N, C * factor², H, W]` to `[N, C, H * factor, W * factor]`; see `pixelShuffle`.
public struct PixelShuffle: Layer {
  /// How much larger height and width become.
  public let factor: Int
  /// A rearrangement by a factor of at least 1, which is checked when the layer is called.
  public init(_ factor: Int) { self.factor = factor }

  /// `[N, C, H * factor, W * factor]` of `[N, C * factor², H, W]`.
  public func callAsFunction(_ x: Tensor) -> Tensor { pixelShuffle(x, factor: factor) }
}

/// Space moved into channels, the inverse of `PixelShuffle`; see `pixelUnshuffle`.
public struct PixelUnshuffle: Layer {
  /// How much smaller height and width become.
  public let factor: Int
  /// A rearrangement by a factor that divides height and width, which is checked when the layer is called.
  public init(_ factor: Int) { self.factor = factor }

  /// `[N, C * factor², H / factor, W / factor]` of `[N, C, H, W]`.
  public func callAsFunction(_ x: Tensor) -> Tensor { pixelUnshuffle(x, factor: factor) }
}
