// SPDX-License-Identifier: MIT
import Tern

/// Sequences, images or volumes made larger or smaller by interpolation; see `interpolate`.
public struct Upsample: Layer {
  private enum Extent {
    case size([Int])
    case scale([Double])
  }
  private let extent: Extent
  /// How values between elements are found.
  public let mode: Interpolation
  /// Whether the outer elements stand at the centers of the input's outer elements.
  public let alignsCorners: Bool

  /// Interpolation by factors, one for each axis behind the channels. Settings are checked when the layer is called.
  ///
  /// - Parameters:
  ///   - scale: results are so many times as large, rounded down.
  ///   - mode: how values between elements are found.
  ///   - alignsCorners: whether the outer elements stay in place; not for the nearest ones.
  public init(scale: [Double], mode: Interpolation = .nearest, alignsCorners: Bool = false) {
    extent = .scale(scale)
    self.mode = mode
    self.alignsCorners = alignsCorners
  }

  /// Interpolation to a size, a number for each axis behind the channels. Settings are checked when the layer is
  /// called.
  ///
  /// - Parameters:
  ///   - size: of the result.
  ///   - mode: how values between elements are found.
  ///   - alignsCorners: whether the outer elements stay in place; not for the nearest ones.
  public init(size: [Int], mode: Interpolation = .nearest, alignsCorners: Bool = false) {
    extent = .size(size)
    self.mode = mode
    self.alignsCorners = alignsCorners
  }

  /// `[N, C] + size` of `[N, C, ...]` with as many axes as there are sizes or factors.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch extent {
    case .size(let size): interpolate(x, size: size, mode: mode, alignsCorners: alignsCorners)
    case .scale(let scale): interpolate(x, scale: scale, mode: mode, alignsCorners: alignsCorners)
    }
  }
}
