// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite("Device probe")
struct DeviceProbeTests {
  static let devices = Device.all.filter { ($0.backend as? OpenCLBackend)?.info.isSimulator != true }

  @Test(arguments: devices) func ratesAreThoseOfAMachine(_ device: Device) throws {
    let probe = try DeviceProbe.measure(device)
    #expect((0.1...20_000).contains(probe.copyGigabytesPerSecond))
    #expect((0.1...1_000_000).contains(probe.multiplyAddGigaflopsPerSecond))
  }
}
