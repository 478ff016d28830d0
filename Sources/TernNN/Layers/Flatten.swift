// SPDX-License-Identifier: MIT
import Tern

/// Joins all axes from one on into a single axis: `[N, C, H, W]` becomes `[N, C * H * W]`.
public struct Flatten: Layer {
  /// The first of the axes that are joined; negative counts from the end.
  public let firstAxis: Int

  /// Joins `firstAxis` and all behind it; by default all but the batch's. An axis that the input lacks traps when the
  /// layer is called.
  public init(from firstAxis: Int = 1) { self.firstAxis = firstAxis }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.flattened(from: firstAxis) }
}
