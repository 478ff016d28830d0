// SPDX-License-Identifier: MIT

/// A number for each direction of a volume; an integer literal sets all three.
public struct Triple: Sendable, Hashable, ExpressibleByIntegerLiteral {
  /// Of the direction of the slices, along axis 2 of `[N, C, D, H, W]`.
  public var depth: Int
  /// Of the vertical direction, along axis 3.
  public var height: Int
  /// Of the horizontal direction, along axis 4.
  public var width: Int

  /// Three numbers. Any are allowed; what takes the triple says which make sense.
  public init(_ depth: Int, _ height: Int, _ width: Int) {
    self.depth = depth
    self.height = height
    self.width = width
  }
  /// The literal three times.
  public init(integerLiteral value: Int) { self.init(value, value, value) }
  /// The same number three times.
  public init(_ all: Int) { self.init(all, all, all) }

  /// The two directions of a slice.
  var plane: Pair { Pair(height, width) }
}
