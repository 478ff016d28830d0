// SPDX-License-Identifier: MIT

extension KernelArgument {
  /// A struct of 64-bit integers.
  static func longs(_ values: [Int]) -> KernelArgument {
    .bytes(values.map(Int64.init).withUnsafeBytes { Array($0) })
  }

  /// A struct of 32-bit integers.
  static func ints(_ values: [Int]) -> KernelArgument {
    .bytes(values.map(narrowed).withUnsafeBytes { Array($0) })
  }

  /// The type of a view's elements, as `typed.cl` counts them.
  static func type(_ view: StridedView) -> KernelArgument { .int(Int(view.dtype.rawValue)) }
}

extension OpenCLBackend {
  /// Work-items of a group on a GPU: a power of two, `GROUP` in the kernels.
  var groupSize: Int {
    var size = 256
    while size > maxWorkGroupSize { size /= 2 }
    return size
  }

  /// Launches `items` work-items of a kernel that runs in groups of 1 on devices of type CPU, which have nothing to
  /// share and compile each size anew, and in groups of `GROUP` on GPUs.
  func launchItems(
    _ source: String, _ kernel: String, definitions: [String] = [], _ items: Int, _ arguments: [KernelArgument]
  ) {
    let group = groupSize
    launch(
      source, kernel, definitions: group == 256 || isCPUDevice ? definitions : definitions + ["GROUP=\(group)"],
      global: [items], local: [isCPUDevice ? 1 : group], arguments)
  }

  /// Launches a kernel over `count` elements, `share` of them for each work-item of a device of type CPU and one on
  /// GPUs. The kernel's last two parameters are these numbers.
  func launchElements(
    _ source: String, _ kernel: String, definitions: [String] = [], _ count: Int, share: Int = 4096,
    _ arguments: [KernelArgument]
  ) {
    launchItems(
      source, kernel, definitions: definitions, isCPUDevice ? ceilDivide(count, share) : count,
      arguments + [.long(count), .long(share)])
  }

  /// A dense copy of a view.
  func dense(_ view: StridedView) -> StridedView {
    let copy = scratch(view.dtype, view.shape)
    pointwise(.copy(from: view.dtype, to: view.dtype), [PointwiseOperands(inputs: [view], outputs: [copy])])
    return copy
  }

  /// Memory for as long as the caller, or a command that it has enqueued, needs it.
  func scratch(_ dtype: DType, _ shape: [Int]) -> StridedView {
    StridedView(allocate(byteCount: elementCount(shape) * dtype.byteCount), dtype, shape: shape)
  }

  /// Copies, converting the dtype.
  func copy(_ source: StridedView, into target: StridedView) {
    pointwise(.copy(from: source.dtype, to: target.dtype), [PointwiseOperands(inputs: [source], outputs: [target])])
  }
}

/// `a / b`, rounded up.
func ceilDivide(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }

/// The least power of two that is at least `value`.
func powerOfTwo(atLeast value: Int) -> Int {
  var power = 1
  while power < value { power *= 2 }
  return power
}

extension AxisView {
  /// `steps_t` of the kernels.
  var steps: KernelArgument { .longs([view.offset, outerStride, axisStride, innerStride]) }
}

extension OpenCLBackend {
  /// The view around an axis, copied where its strides are too many.
  func around(_ view: StridedView, axis: Int) -> AxisView {
    AxisView(view, axis: axis) ?? AxisView(dense(view), axis: axis)!
  }
}

extension AxisExtents {
  /// Rows of a work-item of a CPU device, enough to outweigh its start; or lanes of a GPU that share a row.
  func share(isCPUDevice: Bool, groupSize: Int) -> Int {
    isCPUDevice ? max(1, 16384 / count) : min(groupSize, powerOfTwo(atLeast: ceilDivide(count, 4)))
  }
}
