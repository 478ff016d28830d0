// SPDX-License-Identifier: MIT
import COpenCL
import Synchronization

/// An OpenCL device: one context, one in-order queue, a pool of buffers and a cache of programs.
///
/// Sendable: its own fields never change, and what they refer to guards itself.
package final class OpenCLBackend: Backend, @unchecked Sendable {
  let functions: OpenCLFunctions
  let info: OpenCLDeviceInfo
  let queue: OpenCLQueue
  let programs: ProgramCache
  let pool: MemoryPool
  let buffers: BufferSource
  let pointwiseKernels: PointwiseKernels
  let tensorCores = TensorCores()
  let staging = Staging()
  package let tracing = TraceSlot()
  /// What `tern tune` chose for this device.
  package let choices: ChoiceTable
  private let contextObject: OpenCLObject
  let isStrict: Bool
  /// Elements from which a pointwise result passes the caches by, on CPU devices.
  let leastStreamed: Int

  /// Whether the driver says that the device is a CPU (PoCL, Intel's CPU runtime): wide vectors, no local memory worth
  /// it.
  package let isCPUDevice: Bool
  package var computeUnits: Int { info.computeUnits }
  package var localMemoryBytes: Int { info.localMemoryBytes }
  package var maxWorkGroupSize: Int { info.maxWorkGroupSize }
  package var context: cl_context { contextObject.pointer }
  package var deviceID: cl_device_id { info.device.pointer }
  var cl: tern_cl_table { functions.table.pointee }

  /// Opens a device: a context and a queue.
  ///
  /// - Throws: `TernError` with code `noDevice` when the driver refuses.
  init(_ info: OpenCLDeviceInfo, functions: OpenCLFunctions, options: OpenCLOptions) throws(TernError) {
    let cl = functions.table.pointee
    func refused(_ call: String, _ status: cl_int) -> TernError {
      TernError(
        .noDevice, "\(info.name): \(call) failed", remedy: "`tern doctor` looks for the reason",
        cause: OpenCLStatus.name(status))
    }
    var status = CL_SUCCESS
    var device: cl_device_id? = info.device.pointer
    let context = SimulatorThread.call(if: info.isSimulator) {
      cl.clCreateContext(nil, 1, &device, nil, nil, &status)
    }
    guard let context, status == CL_SUCCESS else { throw refused("clCreateContext", status) }
    let queue = SimulatorThread.call(if: info.isSimulator) { cl.clCreateCommandQueue(context, device, 0, &status) }
    guard let queue, status == CL_SUCCESS else {
      _ = cl.clReleaseContext(context)
      throw refused("clCreateCommandQueue", status)
    }
    self.functions = functions
    self.info = info
    isCPUDevice = options.treatAsCPU ?? info.isCPU
    // 16 MiB and more would only sweep the caches. A simulator has to see that kernel, too.
    leastStreamed = options.leastStreamed ?? (info.isSimulator ? 1 << 10 : 1 << 22)
    isStrict = options.isStrict
    contextObject = OpenCLObject(context)
    self.queue = OpenCLQueue(OpenCLObject(queue), isSimulator: info.isSimulator, functions: functions)
    programs = ProgramCache(
      context: contextObject, device: info, isCPUDevice: isCPUDevice, functions: functions,
      disk: DiskProgramCache(options.programCache, for: info, in: options.cacheDirectory ?? CacheDirectory.path()))
    choices =
      options.choices
      ?? Tuning.table(for: DeviceIdentity(info, isCPUDevice: isCPUDevice), isShared: options.recordsProblems)
    pointwiseKernels = PointwiseKernels(
      programs: programs, isCPUDevice: isCPUDevice, isSimulator: info.isSimulator, forcedTier: options.pointwiseTier)
    let buffers = BufferSource(context: contextObject, queue: self.queue, device: info, functions: functions)
    self.buffers = buffers
    pool = MemoryPool(
      limit: options.memoryLimit, recycles: !info.isSimulator, obtain: { buffers.create($0) },
      free: { block, _ in buffers.release(block) })
  }

  deinit {
    // Objects count their references, so the context goes when the last of queue, programs and buffers has gone.
    if !info.isSimulator { _ = cl.clReleaseContext(context) }
  }

  // MARK: Failures

  /// Keeps a failure as the queue's sticky error.
  package func fail(_ error: TernError) { queue.fail(error) }

  static let outOfMemoryRemedy = "use a smaller batch or model, or free tensors that are no longer needed"

  static func neverAllocated(_ place: String) -> TernError {
    TernError(
      .outOfMemory, "\(place): the tensor has no memory, because its allocation failed", remedy: outOfMemoryRemedy)
  }

  static func lost(_ place: String) -> TernError {
    TernError(
      .deviceFailure, "\(place): the tensor was never computed, because an earlier operation on its device failed",
      remedy: "compute it again")
  }

  /// Calls again, once, with the pool's free buffers given back to the driver, if the first time memory ran out.
  func retryingAfterFlush(_ call: () -> cl_int) -> cl_int {
    let status = call()
    guard OpenCLStatus.isOutOfMemory(status) else { return status }
    pool.flush()
    _ = cl.clFinish(queue.pointer)  // the driver frees a buffer when the last command that uses it is done
    return call()
  }

  package func synchronize() throws {
    queue.drain()
    if let error = queue.takeError() { throw error }
  }

  package var statistics: Statistics {
    var statistics = queue.statistics
    (statistics.programBuilds, statistics.programLoads) = programs.counts
    statistics.deviceAllocations = buffers.count.load(ordering: .relaxed)
    return statistics
  }
}

extension Storage {
  /// The block as OpenCL knows it; nil after a failed allocation.
  package var buffer: cl_mem? { handle.map { OpaquePointer($0) } }
}
