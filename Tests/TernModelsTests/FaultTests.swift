// SPDX-License-Identifier: MIT
import Tern
import TernModels
import TernNN
import Testing

@testable import TernRuntime

/// A training step on a device whose driver fails, one call after the other, each in a process of its own because the
/// plan of faults belongs to the process: one clear error, no crash, no leak, and work goes on.
@Suite(.serialized, .enabled(if: Device.all.count > 1, "skipped: there is no OpenCL device"))
struct FaultTests {
  /// A device behind a table that can fail, with a network on it.
  private struct Rig {
    let device: Device
    let model: Linear
    private let weights: [(parameter: Parameter, values: [Float])]

    /// Pointwise programs are compiled at once, so that all steps after the first make the same calls.
    init(memoryLimit: Int? = nil) throws {
      let options = OpenCLOptions(pointwiseTier: 1, memoryLimit: memoryLimit)
      let functions = OpenCLFaults.failing(OpenCLFunctions.loaded!)
      guard let info = OpenCLDevices(functions).found.first else { throw TernError(.noDevice, "no device was found") }
      let backend = try OpenCLBackend(info, functions: functions, options: options)
      device = Device(kind: .opencl(0), name: info.name, backend: backend)
      model = withDevice(device) { Linear(5, 3, generator: RandomGenerator(seed: 1)) }
      weights = try model.parameters().map { ($0.parameter, try $0.parameter.value.scalars(as: Float.self)) }
    }

    /// The first step of a training run, always the same one.
    func step(batch: Int = 4) throws -> Float {
      for (parameter, values) in weights { parameter.value = Tensor(values, shape: parameter.shape, on: device) }
      let x = Tensor((0..<5 * batch).map { Float($0 % 7) - 3 }, shape: [batch, 5], on: device)
      let labels = Tensor((0..<batch).map { Int32($0 % 3) }, on: device)
      var optimizer = SGD(learningRate: 0.1, momentum: 0.9)
      let (loss, gradients) = valueAndGradients(of: model) { crossEntropy(model(x), labels) }
      let value = try loss.scalar(as: Float.self)
      try optimizer.update(model, with: gradients)
      try device.synchronize()
      return value
    }
  }

  /// Functions whose failure costs nothing: what they release or describe is not needed for a result.
  private static let harmless: Set = [
    "clReleaseContext", "clReleaseCommandQueue", "clReleaseMemObject", "clReleaseProgram", "clReleaseKernel",
    "clReleaseEvent", "clSetEventCallback", "clGetProgramBuildInfo", "clGetKernelWorkGroupInfo",
  ]

  private static func onTheCPU() throws -> Float {
    let x = Tensor([1, 2, 3, 4] as [Float], on: .cpu).reshaped(to: [2, 2])
    return try matmul(x, x).sum().scalar(as: Float.self)
  }

  /// Ends the process with a message that names the fault.
  private static func check(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
  }

  @Test func everyCallOfAStepFailsOnce() async {
    await #expect(processExitsWith: .success) {
      var rig: Rig? = try Rig()
      let loss = try rig!.step()
      for _ in 0..<2 { _ = try rig!.step() }
      let before = rig!.device.memory.inUse
      // What a step calls when the pool is empty, so that it asks the driver for memory, too.
      rig!.device.emptyPool()
      OpenCLFaults.begin(nil)
      _ = try rig!.step()
      let calls = OpenCLFaults.calls
      Self.check(calls.count >= 8, "a step calls only \(calls.keys.sorted())")
      for (function, count) in calls.sorted(by: { $0.key < $1.key }) {
        for call in Set([1, 2, count / 2 + 1, count]) where call <= count {
          for status in [-5 as Int32, -36] {  // CL_OUT_OF_RESOURCES, which is tried again once, and a lost queue
            let fault = "call \(call) of \(function) with status \(status)"
            rig!.device.emptyPool()
            OpenCLFaults.begin(OpenCLFaults.Plan(function, call: call, .status(status)))
            var failure: (any Error)?
            do { _ = try rig!.step() } catch { failure = error }
            OpenCLFaults.begin(nil)
            let error = failure as? TernError
            Self.check(failure == nil || error != nil, "\(fault): threw \(failure!)")
            let heals = status == -5 && (function.hasPrefix("clEnqueue") || function == "clCreateBuffer")
            if Self.harmless.contains(function) || heals || (status == -36 && function == "clCreateBuffer") {
              Self.check(failure == nil, "\(fault): threw \(failure!)")
            } else {
              Self.check(error != nil, "\(fault): went unnoticed")
              Self.check(error!.cause?.contains("\(status)") == true, "\(fault): \(error!)")
            }
            Self.check(try Self.onTheCPU() == 54, "\(fault): the CPU computes nonsense")
            Self.check(try rig!.step() == loss, "\(fault): the next step has another loss")
            Self.check(rig!.device.memory.inUse == before, "\(fault): \(rig!.device.memory.inUse) bytes, not \(before)")
          }
        }
      }
      rig = nil
      let living = OpenCLFaults.living.filter { $0.value != 0 }
      Self.check(living.isEmpty, "left over: \(living)")
    }
  }

  @Test func everyCallThatOpensADeviceFailsOnce() async {
    await #expect(processExitsWith: .success) {
      // What finding and opening a device and its first step call.
      OpenCLFaults.begin(nil)
      _ = try Rig().step()
      let calls = OpenCLFaults.calls
      let opening = [
        "clGetPlatformIDs", "clGetPlatformInfo", "clGetDeviceIDs", "clGetDeviceInfo", "clCreateContext",
        "clCreateCommandQueue", "clCreateProgramWithSource", "clBuildProgram", "clCreateKernel", "clReleaseContext",
        "clReleaseCommandQueue", "clReleaseProgram", "clReleaseKernel",
      ]
      for function in opening {
        Self.check(calls[function] != nil, "opening a device calls only \(calls.keys.sorted())")
        let fault = "\(function) when a device is opened"
        OpenCLFaults.begin(OpenCLFaults.Plan(function, .status(-6)))
        var failure: (any Error)?
        do {
          _ = try Rig().step()
        } catch { failure = error }
        if function.hasPrefix("clCreate") || function == "clBuildProgram" {
          let error = failure as? TernError
          Self.check(error != nil, "\(fault): \(failure.map { "threw \($0)" } ?? "went unnoticed")")
          Self.check([.noDevice, .kernelBuild].contains(error!.code), "\(fault): \(error!)")
          Self.check(error!.cause?.contains("CL_OUT_OF_HOST_MEMORY") == true, "\(fault): \(error!)")
        } else {
          Self.check(failure == nil || failure is TernError, "\(fault): threw \(failure!)")
        }
        Self.check(try Self.onTheCPU() == 54, "\(fault): the CPU computes nonsense")
        let living = OpenCLFaults.living.filter { $0.value != 0 }
        Self.check(living.isEmpty, "\(fault): left over are \(living)")
      }
    }
  }

  @Test func deviceThatIsLostStaysLostAndTheProcessGoesOn() async {
    await #expect(processExitsWith: .success) {
      for call in [1, 5, 20, 60] {
        OpenCLFaults.begin(nil)
        var rig: Rig? = try Rig()
        _ = try rig!.step()
        OpenCLFaults.begin(OpenCLFaults.Plan(nil, call: call, lasts: true, .status(-36)))
        for attempt in 0..<3 {
          do {
            _ = try rig!.step()
            Self.check(call > 20 && attempt == 0, "lost from call \(call) on, attempt \(attempt): no error")
          } catch let error as TernError {
            Self.check([.deviceFailure, .outOfMemory, .kernelBuild].contains(error.code), "lost at \(call): \(error)")
          }
          Self.check(try Self.onTheCPU() == 54, "lost at \(call): the CPU computes nonsense")
        }
        rig = nil
        let living = OpenCLFaults.living.filter { $0.value != 0 }
        Self.check(living.isEmpty, "lost at \(call): left over are \(living)")
      }
    }
  }

  @Test func workThatNobodyReadsFailsAtTheNextWait() async {
    await #expect(processExitsWith: .success) {
      let rig = try Rig()
      let x = Tensor([1, 2, 3] as [Float], on: rig.device)
      // Enough launches for the markers that keep the host from running ahead.
      OpenCLFaults.begin(OpenCLFaults.Plan("clEnqueueMarkerWithWaitList", .status(-36)))
      for _ in 0..<1100 { _ = (x + x).evaluated() }
      var failure: (any Error)?
      do { try rig.device.synchronize() } catch { failure = error }
      Self.check((failure as? TernError)?.code == .deviceFailure, "\(failure.map { "\($0)" } ?? "no error")")
      Self.check(try (x + x).scalars(as: Float.self) == [2, 4, 6], "the device does not go on")
    }
  }

  @Test func deviceThatRunsOutOfMemoryGoesOnWhenSomeIsFree() async {
    await #expect(processExitsWith: .success) {
      var rig: Rig? = try Rig(memoryLimit: 1 << 20)
      let loss = try rig!.step()
      let before = rig!.device.memory.inUse
      for round in 0..<3 {
        var failure: (any Error)?
        // 40,000 rows and their logits take more than the limit, whatever is pooled; 10 and 1,000 do not.
        do { _ = try rig!.step(batch: 40_000) } catch { failure = error }
        let error = failure as? TernError
        Self.check(error?.code == .outOfMemory, "round \(round): \(failure.map { "\($0)" } ?? "no error")")
        Self.check("\(error!)".contains("TERN_MEMORY_LIMIT allows 1048576"), "round \(round): \(error!)")
        Self.check(
          rig!.device.memory.inUse == before, "round \(round): \(rig!.device.memory.inUse) bytes, not \(before)")
        Self.check(try Self.onTheCPU() == 54, "round \(round): the CPU computes nonsense")
        // The pool is full of blocks of other sizes; they are given back before anything fails.
        for batch in [1000, 10, 2000] { Self.check(try rig!.step(batch: batch).isFinite, "batch \(batch)") }
        Self.check(try rig!.step() == loss, "round \(round): the next step has another loss")
      }
      rig = nil
      let living = OpenCLFaults.living.filter { $0.value != 0 }
      Self.check(living.isEmpty, "left over: \(living)")
    }
  }
}
