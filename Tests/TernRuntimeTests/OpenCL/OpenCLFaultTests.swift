// SPDX-License-Identifier: MIT
import COpenCL
import Testing

@testable import TernRuntime

/// Each OpenCL call that does work is made to fail once: the failure sticks, comes out of the next read with what is
/// needed to understand it, and is gone after that.
@Suite("OpenCL failures", .serialized, .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLFaultTests {
  /// A table whose functions fail while `isFailing` says so, and else do what the library does.
  enum Faults {
    nonisolated(unsafe) static var isFailing = false  // the suite is serialized
    static let real = OpenCLFunctions.loaded!.table.pointee

    static func functions(_ change: (inout tern_cl_table) -> Void) -> OpenCLFunctions {
      let table = UnsafeMutablePointer<tern_cl_table>.allocate(capacity: 1)  // kept: backends may outlive the test
      table.initialize(to: real)
      change(&table.pointee)
      return OpenCLFunctions(table: table)
    }
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: TernError.Code
    let change: @Sendable (inout tern_cl_table) -> Void
  }

  static let faults: [Fault] = [
    Fault(testDescription: "clCreateBuffer", code: .outOfMemory) {
      $0.clCreateBuffer = { context, flags, size, host, status in
        guard Faults.isFailing else { return Faults.real.clCreateBuffer(context, flags, size, host, status) }
        status?.pointee = CL_MEM_OBJECT_ALLOCATION_FAILURE
        return nil
      }
    },
    Fault(testDescription: "clEnqueueWriteBuffer", code: .deviceFailure) {
      $0.clEnqueueWriteBuffer = { queue, buffer, blocking, offset, size, source, count, list, event in
        Faults.isFailing
          ? CL_INVALID_MEM_OBJECT
          : Faults.real.clEnqueueWriteBuffer(queue, buffer, blocking, offset, size, source, count, list, event)
      }
    },
    Fault(testDescription: "clEnqueueReadBuffer", code: .deviceFailure) {
      $0.clEnqueueReadBuffer = { queue, buffer, blocking, offset, size, target, count, list, event in
        Faults.isFailing
          ? CL_INVALID_MEM_OBJECT
          : Faults.real.clEnqueueReadBuffer(queue, buffer, blocking, offset, size, target, count, list, event)
      }
    },
    Fault(testDescription: "clEnqueueNDRangeKernel without memory", code: .outOfMemory) {
      $0.clEnqueueNDRangeKernel = { queue, kernel, rank, offset, global, local, count, list, event in
        Faults.isFailing
          ? CL_OUT_OF_RESOURCES
          : Faults.real.clEnqueueNDRangeKernel(queue, kernel, rank, offset, global, local, count, list, event)
      }
    },
    Fault(testDescription: "clEnqueueNDRangeKernel", code: .deviceFailure) {
      $0.clEnqueueNDRangeKernel = { queue, kernel, rank, offset, global, local, count, list, event in
        Faults.isFailing
          ? CL_INVALID_WORK_GROUP_SIZE
          : Faults.real.clEnqueueNDRangeKernel(queue, kernel, rank, offset, global, local, count, list, event)
      }
    },
    Fault(testDescription: "clSetKernelArg", code: .deviceFailure) {
      $0.clSetKernelArg = { kernel, index, size, value in
        Faults.isFailing ? CL_INVALID_ARG_SIZE : Faults.real.clSetKernelArg(kernel, index, size, value)
      }
    },
    Fault(testDescription: "clCreateProgramWithSource", code: .kernelBuild) {
      $0.clCreateProgramWithSource = { context, count, texts, lengths, status in
        guard Faults.isFailing else {
          return Faults.real.clCreateProgramWithSource(context, count, texts, lengths, status)
        }
        status?.pointee = CL_OUT_OF_HOST_MEMORY
        return nil
      }
    },
    Fault(testDescription: "clBuildProgram", code: .kernelBuild) {
      $0.clBuildProgram = { program, count, devices, options, notify, data in
        Faults.isFailing
          ? CL_BUILD_PROGRAM_FAILURE : Faults.real.clBuildProgram(program, count, devices, options, notify, data)
      }
    },
    Fault(testDescription: "clCreateKernel", code: .kernelBuild) {
      $0.clCreateKernel = { program, name, status in
        guard Faults.isFailing else { return Faults.real.clCreateKernel(program, name, status) }
        status?.pointee = CL_INVALID_KERNEL_NAME
        return nil
      }
    },
    Fault(testDescription: "clWaitForEvents", code: .deviceFailure) {
      $0.clWaitForEvents = { count, list in
        Faults.isFailing ? CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST : Faults.real.clWaitForEvents(count, list)
      }
    },
    Fault(testDescription: "clFlush", code: .deviceFailure) {
      $0.clFlush = { Faults.isFailing ? CL_INVALID_COMMAND_QUEUE : Faults.real.clFlush($0) }
    },
  ]

  /// Doubles an array on the device; a size of its own each time, so that no block comes from the pool.
  static func double(_ backend: OpenCLBackend, count: Int) throws -> [Float] {
    let x = StridedView(backend.storage(of: (0..<count).map(Float.init)), .float32, shape: [count])
    let y = StridedView(backend.allocate(byteCount: 4 * count), .float32, shape: [count])
    backend.pointwise(OpenCLPointwiseTests.add, [PointwiseOperands(inputs: [x, x], outputs: [y])])
    return try backend.array(Float.self, count, from: y.storage)
  }

  @Test(arguments: faults) func failureSticksOnceAndTheProcessGoesOn(_ fault: Fault) throws {
    let backend = try OpenCLSupport.privateBackend(functions: Faults.functions(fault.change))
    Faults.isFailing = true
    let error = #expect(throws: TernError.self) { try Self.double(backend, count: 1000) }
    Faults.isFailing = false
    #expect(error?.code == fault.code)
    #expect(error?.cause?.contains("CL_") == true || error?.code == .outOfMemory, "\(error!)")
    #expect(try Self.double(backend, count: 3000) == (0..<3000).map { Float(2 * $0) })
    try backend.synchronize()
  }

  @Test func firstFailureIsTheOneThrown() throws {
    let backend = try OpenCLSupport.privateBackend()
    backend.fail(TernError(.deviceFailure, "first"))
    backend.fail(TernError(.deviceFailure, "second"))
    let x = backend.storage(of: [Float(1)])  // skipped, like every launch
    let error = #expect(throws: TernError.self) { try backend.synchronize() }
    #expect(error?.message == "first")
    #expect(backend.statistics.bytesUploaded == 0)
    withExtendedLifetime(x) {}
    try backend.synchronize()
  }

  @Test func uploadWaitsWhenTheCallbackIsRefused() throws {
    let backend = try OpenCLSupport.privateBackend(
      functions: Faults.functions { $0.clSetEventCallback = { _, _, _, _ in CL_INVALID_VALUE } })
    #expect(try Self.double(backend, count: 33) == (0..<33).map { Float(2 * $0) })
    #expect(backend.staging.bytesUnderWay.load(ordering: .relaxed) == 0)
  }

  @Test func contextOrQueueRefusedIsNoDevice() {
    let changes: [@Sendable (inout tern_cl_table) -> Void] = [
      {
        $0.clCreateContext = { _, _, _, _, _, status in
          status?.pointee = CL_DEVICE_NOT_AVAILABLE
          return nil
        }
      },
      {
        $0.clCreateCommandQueue = { _, _, _, status in
          status?.pointee = CL_OUT_OF_RESOURCES
          return nil
        }
      },
    ]
    for change in changes {
      let devices = OpenCLDevices(Faults.functions(change))
      let error = #expect(throws: TernError.self) { try devices.device(0) }
      #expect(error?.code == .noDevice)
      #expect(devices.usable.isEmpty)
    }
  }

  /// Two threads on one device: one's failure drops the other's launches, and it alone may be the one that is told.
  @Test func resultsOfDroppedLaunchesAreNeverRead() throws {
    let backend = try OpenCLSupport.privateBackend()
    let x = backend.view([1, 2, 3], [3])
    func unwritten() -> StridedView { StridedView(backend.scratch(3), .float32, shape: [3]) }
    let (y, z, sum) = (unwritten(), unwritten(), unwritten())
    let add = PointwiseProgram(
      inputs: [.float32, .float32], instructions: [.init(.add, 0, 1)], outputs: [.init(register: 2, dtype: .float32)])
    backend.queue.fail(TernError(.deviceFailure, "another thread's"))
    backend.pointwise(add, [PointwiseOperands(inputs: [x, x], outputs: [y])])
    #expect(throws: TernError.self) { try backend.synchronize() }  // on the other thread
    backend.pointwise(add, [PointwiseOperands(inputs: [x, y], outputs: [z])])
    for view in [z, y] {
      let error = #expect(throws: TernError.self) { try backend.values(view) }
      #expect(error?.message.contains("never computed") == true)
    }
    // What had been written before is still there, and so is the device.
    #expect(try backend.values(x) == [1, 2, 3])
    backend.pointwise(add, [PointwiseOperands(inputs: [x, x], outputs: [sum])])
    #expect(try backend.values(sum) == [2, 4, 6])
  }

  @Test func brokenKernelShowsNameOptionsAndLog() throws {
    let backend = try OpenCLSupport.privateBackend()
    let error = #expect(throws: TernError.self) {
      try backend.programs.kernel("k", ofGenerated: "__kernel void k() { undeclared = 1; }", called: "broken.cl")
    }
    #expect(error?.code == .kernelBuild)
    for part in ["broken.cl", "-cl-std=CL1.2", "undeclared"] {
      #expect(error?.message.contains(part) == true, "\(part)")
    }
    #expect(error?.remedy.contains("TERN_DEVICE=cpu") == true)
  }

  @Test(arguments: [
    ("\n", "NVIDIA CUDA", "libnvidia-nvvm4"), ("line 3: no", "NVIDIA CUDA", "driver"), ("", "PoCL", "driver"),
  ]) func everyBuildFailureSaysWhatToDo(log: String, platform: String, remedy: String) {
    let error = ProgramCache.buildFailure(
      "k.cl", options: "-w", log: log, status: CL_BUILD_PROGRAM_FAILURE, platform: platform)
    #expect(error.remedy.contains(remedy) && !error.remedy.contains("libnvidia-compiler"))
    #expect(error.remedy.contains("nvvm") == (log == "\n"))
  }

  @Test func unknownKernelFileAndUnknownKernelAreNamed() throws {
    let backend = try OpenCLSupport.privateBackend()
    backend.launch("nothing.cl", "k", global: [1], [])
    #expect(throws: TernError.self) { try backend.synchronize() }
    backend.launch("pointwise.cl", "nothing", definitions: ["CASES="], global: [1], [])
    let error = #expect(throws: TernError.self) { try backend.synchronize() }
    #expect(error?.message.contains("no kernel nothing") == true)
  }
}
