// SPDX-License-Identifier: MIT
import COpenCL

/// A value given to a kernel, in the order of its parameters.
package enum KernelArgument: Sendable {
  /// A `__global` pointer to the view's storage; offset and strides travel as their own arguments.
  case buffer(StridedView)
  case storage(Storage)
  case int(Int)  // as 32-bit `int`
  case long(Int)  // as 64-bit `long`
  case float(Float)
  /// A struct by value.
  case bytes([UInt8])
  /// `__local` memory of so many bytes.
  case local(Int)

  /// The number in the 32 bits that some kernels count in; places of elements always have 64.
  static func narrowed(_ value: Int) -> Int32 {
    guard let narrow = Int32(exactly: value) else {
      trap("a kernel counts in 32 bits up to \(Int32.max) and was given \(value); split the tensor, say its batch")
    }
    return narrow
  }

  var storage: Storage? {
    switch self {
    case .buffer(let view): view.storage
    case .storage(let storage): storage
    default: nil
    }
  }
}

extension OpenCLBackend {
  /// Launches a kernel of `Kernels/<source>`, compiled with `-D` definitions, on the in-order queue.
  ///
  /// Programs are compiled once per (source, definitions) and kernels are kept. A failure is kept as the queue's sticky
  /// error; later launches do nothing until it has been thrown. What they should have written is lost: the error may be
  /// thrown on another thread, and whoever uses such a block then fails, too, instead of computing with what it finds.
  ///
  /// - Parameters:
  ///   - source: the file's name, `"pooling.cl"`.
  ///   - definitions: `"NAME=value"` or `"NAME"`.
  ///   - global: one to three extents; nothing is launched when one is 0. Rounded up to multiples of `local`, so
  ///     kernels guard the range first.
  ///   - local: the work-group's extents. Without it: the largest power of two up to 64 that divides `global[0]`, by 1,
  ///     by 1. CPU drivers compile a kernel again for each local size, so few should be in use.
  package func launch(
    _ source: String, _ kernel: String, definitions: [String] = [], global: [Int], local: [Int]? = nil,
    _ arguments: [KernelArgument]
  ) {
    guard !global.contains(0) else { return }
    guard !queue.hasFailed else { return settle(arguments, isEnqueued: false) }
    do throws(TernError) {
      let compiled = try programs.kernel(kernel, of: source, definitions: definitions)
      launch(compiled, global: global, local: local, arguments)
    } catch {
      queue.fail(error)
      settle(arguments, isEnqueued: false)
    }
  }

  /// - Parameter title: what traces call it instead of `kernel.title`.
  func launch(
    _ kernel: CompiledKernel, title: @autoclosure () -> String? = nil, global: [Int], local: [Int]? = nil,
    _ arguments: [KernelArgument]
  ) {
    require((1...3).contains(global.count), "\(kernel.name): a launch has 1 to 3 extents, got \(global)")
    require(
      local == nil || local!.count == global.count,
      "\(kernel.name): as many local extents as global ones are needed, got \(global) and \(local!)")
    guard !global.contains(0) else { return }
    let local = local ?? Self.defaultLocalSize(global)
    let extents = zip(global, local).map { ($0 + $1 - 1) / $1 * $1 }
    let isFirst = kernel.launches.value.load(ordering: .relaxed) == 0
    let isEnqueued = queue.submit(
      TraceCommand(
        kind: .kernel, name: title() ?? kernel.title, source: kernel.place, globalSize: extents, localSize: local,
        launches: 1),
      isFirstLaunch: isFirst
    ) { queue, event, statistics in
      for (index, argument) in arguments.enumerated() {
        if let error = set(argument, at: index, of: kernel) { return error }
      }
      func enqueue() -> cl_int {
        cl.clEnqueueNDRangeKernel(
          queue, kernel.object.pointer, cl_uint(extents.count), nil, extents, local, 0, nil, event)
      }
      let status = retryingAfterFlush(enqueue)
      guard status == CL_SUCCESS else {
        return TernError(
          OpenCLStatus.isOutOfMemory(status) ? .outOfMemory : .deviceFailure,
          "\(kernel.source): kernel \(kernel.name) was refused with global size \(extents), local size \(local)",
          remedy: OpenCLStatus.isOutOfMemory(status) ? Self.outOfMemoryRemedy : "", cause: OpenCLStatus.name(status))
      }
      statistics.launches += 1
      kernel.launches.value.add(1, ordering: .relaxed)
      return nil
    }
    settle(arguments, isEnqueued: isEnqueued)
  }

  /// Runs a library's call that enqueues kernels of its own (CLBlast) on the queue, with the queue's lock held.
  ///
  /// - Parameters:
  ///   - operation: its name, for errors.
  ///   - launches: kernels that it enqueues, for the statistics.
  ///   - body: is given the place for the last kernel's event, which may be null; gives back the status, 0 for success.
  package func enqueue(
    _ operation: String, launches: Int, _ body: (cl_command_queue, UnsafeMutablePointer<cl_event?>?) -> cl_int
  ) {
    let command = TraceCommand(kind: .library, name: operation, launches: launches)
    queue.submit(command, commands: launches) { queue, event, statistics in
      let status = retryingAfterFlush { body(queue, event) }
      guard status == CL_SUCCESS else {
        return TernError(
          OpenCLStatus.isOutOfMemory(status) ? .outOfMemory : .deviceFailure, "\(operation) failed",
          remedy: OpenCLStatus.isOutOfMemory(status) ? Self.outOfMemoryRemedy : "", cause: OpenCLStatus.name(status))
      }
      statistics.launches += launches
      return nil
    }
  }

  private func settle(_ arguments: [KernelArgument], isEnqueued: Bool) {
    for argument in arguments { argument.storage?.mark(isEnqueued: isEnqueued) }
  }

  static func defaultLocalSize(_ global: [Int]) -> [Int] {
    let power = min(64, 1 << global[0].trailingZeroBitCount)
    return [power] + repeatElement(1, count: global.count - 1)
  }

  private func set(_ argument: KernelArgument, at index: Int, of kernel: CompiledKernel) -> TernError? {
    let place = cl_uint(index)
    func set<T>(_ value: T) -> cl_int {
      withUnsafePointer(to: value) { cl.clSetKernelArg(kernel.object.pointer, place, MemoryLayout<T>.size, $0) }
    }
    func set(_ storage: Storage) -> cl_int? {
      require(
        storage.backend === self, "\(kernel.name): argument \(index) is on another device; move it with x.on(device)")
      return storage.buffer.map { set(Optional($0)) }
    }
    if argument.storage?.isLost == true { return Self.lost("kernel \(kernel.name), argument \(index)") }
    let status: cl_int?
    switch argument {
    case .buffer(let view): status = set(view.storage)
    case .storage(let storage): status = set(storage)
    case .int(let value): status = set(KernelArgument.narrowed(value))
    case .long(let value): status = set(Int64(value))
    case .float(let value): status = set(value)
    case .bytes(let bytes): status = cl.clSetKernelArg(kernel.object.pointer, place, bytes.count, bytes)
    case .local(let count): status = cl.clSetKernelArg(kernel.object.pointer, place, count, nil)
    }
    guard let status else { return Self.neverAllocated("kernel \(kernel.name), argument \(index)") }
    guard status == CL_SUCCESS else {
      return TernError(
        .deviceFailure, "kernel \(kernel.name): argument \(index) was refused", cause: OpenCLStatus.name(status))
    }
    return nil
  }
}
