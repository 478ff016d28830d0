// SPDX-License-Identifier: MIT

/// Sampling of `x` `[N, C, H, W]` at the points of `grid` `[N, outH, outW, 2]`, of the same dtype.
package struct GridSampling: Sendable, Hashable {
  /// The raw values are those of `tern_grid.h`, here and below.
  package enum Mode: Int, Sendable { case bilinear, nearest, bicubic }
  package enum Padding: Int, Sendable { case zeros, border, reflection }

  package let mode: Mode
  package let padding: Padding
  package let alignsCorners: Bool
  package let batch, channels, height, width, outputHeight, outputWidth: Int

  package var inputShape: [Int] { [batch, channels, height, width] }
  package var gridShape: [Int] { [batch, outputHeight, outputWidth, 2] }
  package var outputShape: [Int] { [batch, channels, outputHeight, outputWidth] }
  package var points: Int { outputHeight * outputWidth }
  /// Elements of `x` that a sample is made of along one axis.
  package var terms: Int { mode == .bilinear ? 2 : mode == .nearest ? 1 : 4 }

  package init(
    _ operation: String, input: [Int], grid: [Int], mode: Mode, padding: Padding, alignsCorners: Bool
  ) {
    require(input.count == 4, "\(operation): input must be [N, C, H, W], got \(input)")
    require(
      grid.count == 4 && grid[0] == input[0] && grid[3] == 2,
      "\(operation): grid must be [N, outH, outW, 2] with N of input \(input), got \(grid)")
    require(
      1...1 << 24 ~= input[2] && 1...1 << 24 ~= input[3] && input[2] * input[3] < Int32.max,
      "\(operation): images must have 1 to 2^24 rows and columns, which are Float32 positions, and fewer than "
        + "\(Int32.max) elements, got \(input)")
    (batch, channels, height, width) = (input[0], input[1], input[2], input[3])
    (outputHeight, outputWidth) = (grid[1], grid[2])
    (self.mode, self.padding, self.alignsCorners) = (mode, padding, alignsCorners)
  }
}
