// SPDX-License-Identifier: MIT
import Tern
import Testing

/// Every device agrees with the CPU where no golden case looks.
@Suite struct KernelTourTests {
  @Test(arguments: KernelTour.stops, TestDevices.all.filter { $0.kind != .cpu })
  func agreesWithTheCPU(stop: KernelTour.Stop, device: Device) throws { try Self.check(stop, on: device) }

  static func check(_ stop: KernelTour.Stop, on device: Device) throws {
    for (index, (got, want)) in zip(stop.run(device), stop.run(.cpu)).enumerated() {
      try #require(got.shape == want.shape && got.dtype == want.dtype)
      let got = try got.cast(to: .float32).scalars(as: Float.self)
      let want = try want.cast(to: .float32).scalars(as: Float.self)
      let bound = stop.tolerance * (want.map(abs).max() ?? 0)
      let worst = zip(got, want).enumerated().max { abs($0.1.0 - $0.1.1) < abs($1.1.0 - $1.1.1) }
      guard let (place, (a, b)) = worst.map({ ($0.offset, $0.element) }) else { continue }
      #expect(
        abs(a - b) <= bound && got.allSatisfy(\.isFinite),
        "\(stop.testDescription) on \(device.name), tensor \(index), element \(place): \(a), the CPU has \(b)")
    }
  }
}
