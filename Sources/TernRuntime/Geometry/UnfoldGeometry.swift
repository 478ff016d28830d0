// SPDX-License-Identifier: MIT

/// Windows of planes as columns: `x` `[N, C, H, W]` and `columns` `[N, C, kH, kW, outH, outW]`, where
///
///     columns[n, c, u, v, i, j] = x[n, c, i * stride + u * dilation - top, j * stride + v * dilation - left]
///
/// Positions outside of the plane are zeros.
package struct UnfoldGeometry: Sendable, Hashable {
  package let batch, channels, height, width: Int
  package let kernel, stride, dilation: Extent
  /// Zeros before the first row and column; negative where the first window starts inside.
  package let top, left: Int
  package let output: Extent

  /// Along rows and columns.
  package struct Extent: Sendable, Hashable {
    package let height, width: Int
    package init(_ height: Int, _ width: Int) { (self.height, self.width) = (height, width) }
  }

  package var planeShape: [Int] { [batch, channels, height, width] }
  package var columnShape: [Int] { [batch, channels, kernel.height, kernel.width, output.height, output.width] }

  /// Sizes that are known to agree.
  package init(
    planes: [Int], kernel: Extent, stride: Extent, dilation: Extent, top: Int, left: Int, output: Extent
  ) {
    (batch, channels, height, width) = (planes[0], planes[1], planes[2], planes[3])
    (self.kernel, self.stride, self.dilation, self.output) = (kernel, stride, dilation, output)
    (self.top, self.left) = (top, left)
  }

  /// - Precondition: rank 4, positive window, stride and dilation, and the window fits the padded planes.
  package init(
    _ operation: String, planes: [Int], kernel: Extent, stride: Extent, padding: Extent, dilation: Extent
  ) {
    require(planes.count == 4, "\(operation): planes must be [N, C, H, W], got \(planes)")
    for (name, value) in [("window", kernel), ("stride", stride), ("dilation", dilation)] {
      require(
        value.height >= 1 && value.width >= 1,
        "\(operation): \(name) must be at least 1x1, got \(value.height)x\(value.width)")
    }
    require(
      padding.height >= 0 && padding.width >= 0,
      "\(operation): padding must not be negative, got \(padding.height)x\(padding.width)")
    let rows = planes[2] + 2 * padding.height - dilation.height * (kernel.height - 1) - 1
    let columns = planes[3] + 2 * padding.width - dilation.width * (kernel.width - 1) - 1
    require(
      rows >= 0 && columns >= 0,
      "\(operation): window \(kernel.height)x\(kernel.width) with dilation \(dilation.height)x\(dilation.width) does "
        + "not fit planes \(planes) with padding \(padding.height)x\(padding.width)")
    self.init(
      planes: planes, kernel: kernel, stride: stride, dilation: dilation, top: padding.height, left: padding.width,
      output: Extent(rows / stride.height + 1, columns / stride.width + 1))
  }
}
