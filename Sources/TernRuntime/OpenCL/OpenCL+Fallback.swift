// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func onCPU(
    _ operation: String, reading inputs: [StridedView], into outputs: [StridedView],
    _ compute: (CPUBackend, [StridedView], [StridedView]) -> Void
  ) {
    guard !queue.hasFailed else { return }
    queue.count { $0.cpuFallbacks += 1 }
    guard !isStrict else {
      queue.fail(
        TernError(
          .fallback, "\(operation): \(info.name) has no kernel for it, and TERN_STRICT=1 forbids to run it on the CPU",
          remedy: "unset TERN_STRICT, or use the device cpu"))
      return
    }
    let cpu = Device.cpu.backend as! CPUBackend
    do {
      let sources = try inputs.map { try hostCopy($0, cpu) }
      let targets = outputs.map { cpu.scratch($0.shape, $0.dtype) }
      compute(cpu, sources, targets)
      for (target, output) in zip(targets, outputs) { send(target, to: output) }
    } catch {
      queue.fail(error as? TernError ?? TernError(.deviceFailure, "\(operation): \(error)"))
    }
  }

  /// The part of the storage that a view spans, in the CPU's memory; repeated elements stay one.
  private func hostCopy(_ view: StridedView, _ cpu: CPUBackend) throws -> StridedView {
    guard view.count > 0 else { return cpu.scratch(view.shape, view.dtype) }
    var (first, last) = (view.offset, view.offset)
    for (extent, stride) in zip(view.shape, view.strides) {
      first += min(0, (extent - 1) * stride)
      last += max(0, (extent - 1) * stride)
    }
    let width = view.dtype.byteCount
    let copy = cpu.allocate(byteCount: (last - first + 1) * width)
    try download(
      view.storage, byteOffset: first * width,
      into: UnsafeMutableRawBufferPointer(start: copy.handle, count: copy.byteCount))
    return StridedView(copy, view.dtype, shape: view.shape, strides: view.strides, offset: view.offset - first)
  }

  /// Copies a dense view of the CPU's memory into a view of the device's.
  private func send(_ source: StridedView, to target: StridedView) {
    guard source.count > 0 else { return }
    let dense = target.isContiguous ? target : scratch(target.dtype, target.shape)
    upload(
      UnsafeRawBufferPointer(start: source.address, count: source.count * source.dtype.byteCount),
      to: dense.storage, byteOffset: dense.offset * dense.dtype.byteCount)
    if !target.isContiguous { copy(dense, into: target) }
  }
}
