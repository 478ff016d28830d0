// SPDX-License-Identifier: MIT
import Tern

/// Joins all axes from one on into a single axis: `[N, C, H, W]` becomes `[N, C * H * W]`.
public struct Flatten: Layer {
  public let firstAxis: Int

  public init(from firstAxis: Int = 1) { self.firstAxis = firstAxis }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.flattened(from: firstAxis) }
}
