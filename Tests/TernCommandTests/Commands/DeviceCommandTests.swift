// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@Suite struct DeviceCommandTests {
  @Test func devicesListsEveryDeviceOnce() throws {
    let outcome = try Tool.run(["devices", "--json"])
    #expect(outcome.status == 0, "\(outcome.error)")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let devices = try #require(object["devices"] as? [[String: Any]])
    let ids = devices.compactMap { $0["id"] as? String }
    #expect(ids.first == "cpu" && Set(ids).count == devices.count)
    for device in Device.all { #expect(ids.contains(device.description)) }
    for key in ["name", "memory_bytes", "compute_units", "local_memory_bytes", "supports_half"] {
      #expect(devices.allSatisfy { $0[key] != nil }, "\(key)")
    }
    let table = try Tool.run(["devices"])
    #expect(table.status == 0)
    for id in ids { #expect(table.output.contains(id)) }
  }

  @Test func measuringAddsRates() throws {
    let outcome = try Tool.run(["devices", "--measure", "--json"], environment: ["OCL_ICD_VENDORS": "/nonexistent"])
    #expect(outcome.status == 0, "\(outcome.error)")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let cpu = try #require((object["devices"] as? [[String: Any]])?.first)
    #expect((cpu["copy_gigabytes_per_second"] as? Double ?? 0) > 0.1)
    #expect((cpu["multiply_add_gigaflops_per_second"] as? Double ?? 0) > 0.1)
  }

  @Test func doctorExplainsAMissingLoader() throws {
    let outcome = try Tool.run(["doctor"], environment: ["TERN_OPENCL_LIBRARY": "/nonexistent"])
    #expect(!outcome.crashed && outcome.status == 1)
    #expect(outcome.output.contains("OpenCL loader") && outcome.output.contains("unset TERN_OPENCL_LIBRARY"))
  }
}
