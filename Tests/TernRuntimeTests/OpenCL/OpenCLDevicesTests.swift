// SPDX-License-Identifier: MIT
import COpenCL
import Foundation
import Testing

@testable import TernRuntime

@Suite("OpenCL discovery")
struct OpenCLDevicesTests {
  @Test func withoutALoaderThereAreNoDevices() {
    let devices = OpenCLDevices(nil)
    #expect(devices.found.isEmpty && devices.usable.isEmpty && devices.firstGPU == nil)
    let error = #expect(throws: TernError.self) { try devices.device(0) }
    #expect(error?.code == .noDevice)
    #expect(error?.remedy.isEmpty == false)
  }

  @Test func missingLibraryLeavesTheCPU() async {
    await #expect(processExitsWith: .success) {
      setenv("TERN_OPENCL_LIBRARY", "/nonexistent/libOpenCL.so", 1)
      setenv("TERN_DEVICE", "", 1)
      let loader = Doctor.examine().first { $0.title == "OpenCL loader" }
      guard Device.all == [.cpu], Device.default == .cpu, loader?.isProblem == true,
        loader?.detail.contains("/nonexistent/libOpenCL.so") == true
      else { exit(1) }
    }
  }

  @Test func withoutAPlatformThereAreNoDevices() {
    var table = tern_cl_table()
    table.clGetPlatformIDs = { _, _, _ in CL_PLATFORM_NOT_FOUND_KHR }
    withUnsafePointer(to: table) { pointer in
      let devices = OpenCLDevices(OpenCLFunctions(table: pointer))
      let error = #expect(throws: TernError.self) { try devices.device(0) }
      #expect(error?.message.contains("there are 0 devices") == true)
    }
  }

  @Test(.enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
  func aDriverRegisteredTwiceCountsOnce() {
    let functions = OpenCLFaultTests.Faults.functions {
      // Every platform is listed twice.
      $0.clGetPlatformIDs = { room, list, count in
        let half = room / 2
        let status = OpenCLFaultTests.Faults.real.clGetPlatformIDs(half, list, count)
        count?.pointee *= 2
        if let list { for i in 0..<Int(half) { list[Int(half) + i] = list[i] } }
        return status
      }
    }
    #expect(OpenCLDevices(functions).found.map(\.name) == OpenCLDevices.shared.found.map(\.name))
  }

  @Test(.enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
  func descriptionsAreFilledAndSurviveJSON() throws {
    let all = DeviceDescription.all
    #expect(all.first?.id == "cpu")
    #expect(all.dropFirst().map(\.id) == OpenCLDevices.shared.found.indices.map { "opencl:\($0)" })
    for device in all.dropFirst() {
      #expect(!device.name.isEmpty && !device.platform.isEmpty && !device.driver.isEmpty)
      #expect(device.memoryBytes > 0 && device.maxAllocationBytes > 0 && device.localMemoryBytes > 0)
      #expect(device.computeUnits > 0 && device.maxWorkGroupSize > 0)
    }
    let decoded = try JSONDecoder().decode([DeviceDescription].self, from: JSONEncoder().encode(all))
    #expect(decoded == all)
  }

  @Test(.enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
  func simulatorsAndCPUDevicesAreNoGPUs() {
    for info in OpenCLDevices.shared.found where info.isSimulator || info.isCPU { #expect(!info.isGPU) }
    #expect(throws: TernError.self) { try Device.opencl(OpenCLDevices.shared.found.count) }
  }

  @Test func settingsThatMeanNothingAreErrors() throws {
    for environment in [["TERN_POINTWISE_TIER": "2"], ["TERN_MEMORY_LIMIT": "much"]] {
      let error = #expect(throws: TernError.self) { try OpenCLOptions.configured(by: environment) }
      #expect(error?.code == .setting)
    }
    let options = try OpenCLOptions.configured(by: ["TERN_POINTWISE_TIER": "1", "TERN_MEMORY_LIMIT": "2M"])
    #expect(options.pointwiseTier == 1 && options.memoryLimit == 2 << 20)
  }
}
