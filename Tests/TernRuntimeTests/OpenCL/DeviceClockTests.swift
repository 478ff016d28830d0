// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct DeviceClockTests {
  /// A host and a device whose clocks differ by an offset and run at different rates.
  private final class Clocks {
    var now = 1_000_000
    var offset: Int
    /// The device's nanoseconds in a million of the host's.
    let rate: Int
    /// How long a command takes to be queued, run and noticed.
    var delays = (queue: 300, run: 40, notice: 900)

    init(offset: Int, rate: Int = 1_000_000) { (self.offset, self.rate) = (offset, rate) }

    func device(_ host: Int) -> Int { offset + host / 1_000_000 * rate + host % 1_000_000 * rate / 1_000_000 }

    func compare(_ clock: inout DeviceClock) {
      clock.compare(
        host: { [self] in
          now += 10
          return now
        },
        { [self] in
          now += delays.queue
          let queued = device(now)
          now += delays.run
          let ended = device(now)
          now += delays.notice
          return DeviceClock.Times(queued: queued, submitted: queued, started: queued, ended: ended)
        })
    }
  }

  @Test(arguments: [0, 7_000_000_000, -400_000, 1_700_000_000_000_000_000])
  func offsetIsFoundWithinTheDelaysOfACommand(_ offset: Int) {
    let clocks = Clocks(offset: offset)
    var clock = DeviceClock()
    #expect(clock.isUnknown)
    clocks.compare(&clock)
    #expect(!clock.isUnknown)
    #expect(abs(clock.host(clocks.device(5_000_000)) - 5_000_000) <= 910)
  }

  @Test func driftBetweenBothEndsIsTakenOut() {
    // 50 parts in a million: half a millisecond in ten seconds.
    let clocks = Clocks(offset: 123_456_789, rate: 1_000_050)
    var clock = DeviceClock()
    clocks.compare(&clock)
    clocks.now += 10_000_000_000
    clocks.compare(&clock)
    for host in [2_000_000, 3_000_000_000, 9_999_000_000] {
      #expect(abs(clock.host(clocks.device(host)) - host) <= 1000)
    }
  }

  @Test func worthlessProbesLeaveTheClockUnknown() {
    var clock = DeviceClock()
    clock.compare { nil }
    #expect(clock.isUnknown && clock.host(17) == 17)
    // A command that takes longer by the device's clock than by the host's.
    clock.compare { DeviceClock.Times(queued: 0, submitted: 0, started: 0, ended: 1_000_000_000_000) }
    #expect(clock.isUnknown)
    clock.assume(100, at: 1100)
    #expect(clock.host(150) == 1150)
  }
}
