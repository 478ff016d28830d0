// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func unfold(_ geometry: UnfoldGeometry, _ x: StridedView, into columns: StridedView) {
    guard columns.count > 0 else { return }
    let launch = begin()
    defer { launch.end() }
    let table = tern_unfolding_functions_for(isa).pointee
    let (source, target, width) = (x.address, columns.address, x.dtype.byteCount)
    let taps = geometry.kernel.height * geometry.kernel.width
    // One plane of the columns after the other: a tap of a channel of an image.
    forEachRange(
      geometry.batch * geometry.channels * taps, elementsEach: geometry.output.height * geometry.output.width
    ) { first, count in
      var plan = tern_unfold(geometry, x, columns)
      for unit in first..<first + count {
        let (plane, tap) = unit.quotientAndRemainder(dividingBy: taps)
        let (image, channel) = plane.quotientAndRemainder(dividingBy: geometry.channels)
        let (u, v) = tap.quotientAndRemainder(dividingBy: geometry.kernel.width)
        let from = source + (image * x.strides[0] + channel * x.strides[1]) * width
        let to =
          target
          + (image * columns.strides[0] + channel * columns.strides[1] + u * columns.strides[2]
            + v * columns.strides[3]) * width
        if width == 2 {
          table.unfold16(
            &plan, u, v, from.assumingMemoryBound(to: UInt16.self), to.assumingMemoryBound(to: UInt16.self))
        } else {
          table.unfold32(
            &plan, u, v, from.assumingMemoryBound(to: UInt32.self), to.assumingMemoryBound(to: UInt32.self))
        }
      }
    }
  }

  package func fold(_ geometry: UnfoldGeometry, _ columns: StridedView, into x: StridedView) {
    guard x.count > 0 else { return }
    let launch = begin()
    defer { launch.end() }
    let columns = columns.dtype == .float32 ? columns : denseFloat(columns)
    guard x.dtype == .float32 else { return write(x) { addUp(geometry, columns, into: $0) } }
    addUp(geometry, columns, into: x)
  }

  private func addUp(_ geometry: UnfoldGeometry, _ columns: StridedView, into x: StridedView) {
    let table = tern_unfolding_functions_for(isa).pointee
    let (source, target) = (columns.floats, x.floats)
    forEachRange(
      geometry.batch * geometry.channels,
      elementsEach: geometry.height * geometry.width * geometry.kernel.height * geometry.kernel.width
    ) { first, count in
      var plan = tern_unfold(geometry, x, columns)
      for plane in first..<first + count {
        let (image, channel) = plane.quotientAndRemainder(dividingBy: geometry.channels)
        table.fold(
          &plan, source + image * columns.strides[0] + channel * columns.strides[1],
          target + image * x.strides[0] + channel * x.strides[1])
      }
    }
    withExtendedLifetime(columns) {}
  }
}

extension tern_unfold {
  fileprivate init(_ geometry: UnfoldGeometry, _ x: StridedView, _ columns: StridedView) {
    self.init(
      height: geometry.height, width: geometry.width, kernel_height: geometry.kernel.height,
      kernel_width: geometry.kernel.width, output_height: geometry.output.height,
      output_width: geometry.output.width, stride_height: geometry.stride.height,
      stride_width: geometry.stride.width, dilation_height: geometry.dilation.height,
      dilation_width: geometry.dilation.width, top: geometry.top, left: geometry.left, x_row: x.strides[2],
      x_column: x.strides[3], tap_row: columns.strides[2], tap_column: columns.strides[3], row: columns.strides[4],
      column: columns.strides[5])
  }
}
