// SPDX-License-Identifier: MIT
import COpenCL
import Synchronization
import TernKernels

/// A kernel that is ready to be given arguments. One object per kernel and device: only the holder of the queue's lock
/// sets its arguments.
struct CompiledKernel: Sendable {
  let object: OpenCLObject
  let name: String
  /// The file that it comes from, for messages.
  let source: String
  let launches = LaunchCount()

  /// What traces call it: the kernel's name, or the program that it was generated for.
  var title: String { isOfFile ? name : source }
  /// Where traces say that it is from: the file, or the kernel's name if it was generated.
  var place: String { isOfFile ? source : name }
  private var isOfFile: Bool { source.hasSuffix(".cl") }
}

/// How often a kernel has been launched.
final class LaunchCount: Sendable {
  let value = Atomic(0)
}

/// Compiles programs once per source and definitions, and keeps them and their kernels.
final class ProgramCache: Sendable {
  private struct ProgramKey: Hashable {
    let source: String
    let definitions: [String]
  }
  private struct KernelKey: Hashable {
    let program: ProgramKey
    let kernel: String
  }
  private struct State {
    var programs: [ProgramKey: OpenCLObject] = [:]
    var kernels: [KernelKey: CompiledKernel] = [:]
    /// Of generated text; their owners keep the kernels.
    var generated: [(program: OpenCLObject, kernel: CompiledKernel)] = []
    var builds = 0
    var loads = 0
  }

  private let functions: OpenCLFunctions
  let context: OpenCLObject
  let device: OpenCLDeviceInfo
  private let baseOptions: [String]
  /// Where compiled programs outlive the process; nil where the driver sees to it, or nobody.
  let disk: DiskProgramCache?
  // Held while the driver compiles: whoever waits would compile the same.
  private let state = Lock(State())

  init(
    context: OpenCLObject, device: OpenCLDeviceInfo, isCPUDevice: Bool, functions: OpenCLFunctions,
    disk: DiskProgramCache? = nil
  ) {
    self.disk = disk
    self.functions = functions
    self.context = context
    self.device = device
    baseOptions =
      ["-cl-std=CL1.2", "-w", "-DTERN_CPU_DEVICE=\(isCPUDevice ? 1 : 0)"]
      + (device.roundsDivisionCorrectly ? ["-cl-fp32-correctly-rounded-divide-sqrt"] : [])
      // Oclgrind does not know all intrinsics that its own optimizer brings in, and reports places better without it.
      + (device.isSimulator ? ["-cl-opt-disable"] : [])
  }

  deinit {
    call { cl in
      state.withLock { state in
        for kernel in state.kernels.values { _ = cl.clReleaseKernel(kernel.object.pointer) }
        for program in state.programs.values { _ = cl.clReleaseProgram(program.pointer) }
        for entry in state.generated {
          _ = cl.clReleaseKernel(entry.kernel.object.pointer)
          _ = cl.clReleaseProgram(entry.program.pointer)
        }
      }
    }
  }

  /// Calls the driver, on the one thread that a simulator bears.
  func call<Result>(_ body: (tern_cl_table) -> Result) -> Result {
    SimulatorThread.call(if: device.isSimulator) { body(functions.table.pointee) }
  }

  /// Programs that the driver has compiled, and such as came compiled from disk.
  var counts: (builds: Int, loads: Int) { state.withLock { ($0.builds, $0.loads) } }

  /// The names of all kernels that have been launched.
  var kernelNames: Set<String> {
    state.withLock { state in
      let kernels = Array(state.kernels.values) + state.generated.map(\.kernel)
      return Set(kernels.filter { $0.launches.value.load(ordering: .relaxed) > 0 }.map(\.name))
    }
  }

  /// A kernel of an embedded file.
  func kernel(_ name: String, of source: String, definitions: [String]) throws(TernError) -> CompiledKernel {
    let program = ProgramKey(source: source, definitions: definitions)
    let key = KernelKey(program: program, kernel: name)
    return try state.withLock { state throws(TernError) in
      if let kernel = state.kernels[key] { return kernel }
      if state.programs[program] == nil {
        guard let text = Self.expanded(source) else {
          throw TernError(.kernelBuild, "there is no kernel file \(source)", remedy: "register it in Kernels/kernels.c")
        }
        state.programs[program] = try obtain(text, called: source, definitions: definitions, &state)
      }
      let kernel = CompiledKernel(
        object: try create(name, from: state.programs[program]!, called: source), name: name, source: source)
      state.kernels[key] = kernel
      return kernel
    }
  }

  /// A kernel of generated text, which the caller keeps: it is compiled at each call.
  func kernel(_ name: String, ofGenerated text: String, called source: String) throws(TernError) -> CompiledKernel {
    try state.withLock { state throws(TernError) in
      let program = try obtain(text, called: source, definitions: [], &state)
      let object: OpenCLObject
      do throws(TernError) {
        object = try create(name, from: program, called: source)
      } catch {
        call { _ = $0.clReleaseProgram(program.pointer) }
        throw error
      }
      let kernel = CompiledKernel(object: object, name: name, source: source)
      state.generated.append((program, kernel))
      return kernel
    }
  }

  // MARK: The driver's compiler

  /// Text of an embedded file of `Kernels/`.
  static func embedded(_ name: String) -> String? {
    let source = tern_kernel_source(name)
    return source.text.map { text in
      String(decoding: UnsafeRawBufferPointer(start: text, count: source.length), as: UTF8.self)
    }
  }

  /// What stands before every kernel's text, each part under its own name in the compiler's messages.
  private static let preamble: String = ["tern_math.h", "prelude.cl"]
    .map { "#line 1 \"\($0)\"\n\(embedded($0) ?? "")\n" }.joined()

  /// A program that is ready for its kernels: from disk where it is there, else compiled, and kept on disk.
  private func obtain(
    _ text: String, called name: String, definitions: [String], _ state: inout State
  ) throws(TernError) -> OpenCLObject {
    let whole = Self.preamble + "#line 1 \"\(name)\"\n" + text
    let options = (baseOptions + definitions.map { "-D" + $0 }).joined(separator: " ")
    let key = disk?.key(whole, options: options, called: name)
    if let key, let program = load(key, options: options) {
      state.loads += 1
      return program
    }
    state.builds += 1
    let program = try build(whole, called: name, options: options)
    if let key { save(program, as: key) }
    return program
  }

  private func build(_ text: String, called name: String, options: String) throws(TernError) -> OpenCLObject {
    var status = CL_SUCCESS
    let program = text.withCString { characters in
      var line: UnsafePointer<CChar>? = characters
      return call { $0.clCreateProgramWithSource(context.pointer, 1, &line, nil, &status) }
    }
    guard status == CL_SUCCESS, let program else {
      throw TernError(
        .kernelBuild, "\(name): no program could be made", remedy: Self.remedy, cause: OpenCLStatus.name(status))
    }
    status = compile(program, options: options)
    guard status == CL_SUCCESS else {
      if ExitWatch.isExiting { throw ExitWatch.failure }
      let cl = functions.table.pointee
      let log = OpenCLDevices.text {
        cl.clGetProgramBuildInfo(
          program, device.device.pointer, cl_program_build_info(CL_PROGRAM_BUILD_LOG), $0, $1, $2)
      }
      call { _ = $0.clReleaseProgram(program) }
      throw Self.buildFailure(name, options: options, log: log, status: status, platform: device.platformName)
    }
    return OpenCLObject(program)
  }

  /// Has the driver compile a program, or take one in that is compiled already.
  func compile(_ program: OpaquePointer, options: String) -> cl_int {
    var devices: cl_device_id? = device.device.pointer
    return call { cl in
      ExitWatch.compiling { cl.clBuildProgram(program, 1, &devices, options, nil, nil) } ?? CL_BUILD_PROGRAM_FAILURE
    }
  }

  /// Kernels are tested on several drivers, so it is usually the driver's doing.
  private static let remedy =
    "update the device's driver, or compute on another device (TERN_DEVICE=cpu), and report the log"

  /// The error for a program that the driver refused, with everything that is needed to find out why.
  static func buildFailure(
    _ name: String, options: String, log: String, status: cl_int, platform: String
  ) -> TernError {
    let lines = log.split(whereSeparator: \.isNewline).joined(separator: "\n")
    // NVIDIA's driver compiles through this library and says nothing at all when it is missing.
    let isCompilerMissing = lines.isEmpty && platform.contains("NVIDIA")
    let remedy =
      isCompilerMissing
      ? "the empty log means that libnvidia-nvvm.so.4 is missing: \(Doctor.nvidiaCompilerRemedy)" : Self.remedy
    return TernError(
      .kernelBuild, "\(name) did not compile with options \(options)\n\(lines.isEmpty ? "(empty build log)" : lines)",
      remedy: remedy, cause: OpenCLStatus.name(status))
  }

  private func create(
    _ name: String, from program: OpenCLObject, called source: String
  ) throws(TernError) -> OpenCLObject {
    var status = CL_SUCCESS
    let kernel = call { $0.clCreateKernel(program.pointer, name, &status) }
    guard status == CL_SUCCESS, let kernel else {
      throw TernError(
        .kernelBuild, "\(source) has no kernel \(name)", remedy: Self.remedy, cause: OpenCLStatus.name(status))
    }
    return OpenCLObject(kernel)
  }
}
