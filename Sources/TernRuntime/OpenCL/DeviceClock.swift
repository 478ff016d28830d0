// SPDX-License-Identifier: MIT

/// How a device's clock stands against the host's, from comparisons at both ends of a trace.
struct DeviceClock: Sendable {
  /// Of one command, by the device's clock.
  struct Times: Equatable {
    var queued, submitted, started, ended: Int
  }

  private struct Reading {
    let device: Int
    /// The host's time less the device's.
    let offset: Int
  }
  private static let probes = 8

  private var readings: [Reading] = []

  var isUnknown: Bool { readings.isEmpty }

  /// Compares the clocks now: the host gives and awaits a command, whose times then lie between two of the host's.
  ///
  ///     before <= queued + offset  and  ended + offset <= after
  ///
  /// - Parameters:
  ///   - host: the host's clock.
  ///   - probe: gives a command, waits for it, and gives back its times; nil where that fails.
  mutating func compare(host: () -> Int = TraceRecorder.now, _ probe: () -> Times?) {
    var bounds: (low: Int, high: Int)?
    var tightest: (low: Int, high: Int)?
    var device = 0
    for _ in 0..<Self.probes {
      let before = host()
      guard let times = probe() else { continue }
      let after = host()
      let (low, high) = (before - times.queued, after - times.ended)
      guard low <= high else { continue }  // no clock runs like that
      device = times.ended
      bounds = (max(low, bounds?.low ?? low), min(high, bounds?.high ?? high))
      if tightest.map({ high - low < $0.high - $0.low }) ?? true { tightest = (low, high) }
    }
    guard let bounds, let tightest else { return }
    // Bounds that exclude one another: the clocks drift within a probe, so the shortest one is as good as it gets.
    let best = bounds.low <= bounds.high ? bounds : tightest
    readings.append(Reading(device: device, offset: best.low + (best.high - best.low) / 2))
  }

  /// Takes one pair of times for simultaneous, where nothing better is known.
  mutating func assume(_ device: Int, at host: Int) { readings.append(Reading(device: device, offset: host - device)) }

  /// The host's time at a time of the device; between two comparisons the offset changes evenly.
  func host(_ device: Int) -> Int {
    guard let first = readings.first, let last = readings.last else { return device }
    let span = last.device - first.device
    guard span > 0 else { return device + first.offset }
    let part = Double(device - first.device) / Double(span)
    return device + first.offset + Int((Double(last.offset - first.offset) * part).rounded())
  }
}
