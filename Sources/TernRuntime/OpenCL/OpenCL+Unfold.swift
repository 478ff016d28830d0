// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func unfold(_ geometry: UnfoldGeometry, _ x: StridedView, into columns: StridedView) {
    guard columns.count > 0 else { return }
    let rows = columns.count / geometry.output.width
    let share = max(1, 8192 / geometry.output.width)
    launchItems(
      "unfold.cl", "unfold", isCPUDevice ? ceilDivide(rows, share) : columns.count,
      [
        .buffer(x.count > 0 ? x : columns), .buffer(columns), .type(x),
        Self.unfolding(geometry, x, columns, share: share),
      ])
  }

  package func fold(_ geometry: UnfoldGeometry, _ columns: StridedView, into x: StridedView) {
    guard x.count > 0 else { return }
    let rows = x.count / geometry.width
    let share = max(1, 8192 / (geometry.width * geometry.kernel.height * geometry.kernel.width))
    launchItems(
      "unfold.cl", "fold", isCPUDevice ? ceilDivide(rows, share) : x.count,
      [
        .buffer(columns.count > 0 ? columns : x), .buffer(x), .type(x),
        Self.unfolding(geometry, x, columns, share: share),
      ])
  }

  /// `unfold_t` of the kernels.
  private static func unfolding(
    _ g: UnfoldGeometry, _ x: StridedView, _ columns: StridedView, share: Int
  ) -> KernelArgument {
    .longs(
      g.planeShape + [
        g.kernel.height, g.kernel.width, g.stride.height, g.stride.width, g.dilation.height, g.dilation.width, g.top,
        g.left, g.output.height, g.output.width, x.offset,
      ] + x.strides + [columns.offset] + columns.strides + [share])
  }
}
