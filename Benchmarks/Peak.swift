// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// What a device reaches when nothing but its hardware holds it back, in billions a second.
struct Peak {
  /// Operations of multiply-adds in registers, two each.
  let multiplyAdds: Double
  /// Bytes read and written by a copy of an array larger than any cache.
  let copied: Double

  /// The larger of both in each respect: what slows a probe down is never the device.
  func merged(with other: Peak?) -> Peak {
    guard let other else { return self }
    return Peak(multiplyAdds: max(multiplyAdds, other.multiplyAdds), copied: max(copied, other.copied))
  }

  /// Measures a device; nil if that fails, for a reason that goes to standard error.
  static func measured(on device: Device) -> Peak? {
    do {
      let probe = try DeviceProbe.measure(device)
      return Peak(multiplyAdds: probe.multiplyAddGigaflopsPerSecond, copied: probe.copyGigabytesPerSecond)
    } catch {
      writeToStandardError("probe of \(device): \(reason(of: error))\n")
      return nil
    }
  }
}

/// What a whole run found.
struct Results {
  let devices: [Device]
  /// One for each device; nil where the probe failed.
  var peaks: [Peak?]
  var rows: [Row] = []
  /// Other libraries' outcomes, for comparison.
  var peers: [Outcome] = []

  /// Probes all devices now.
  init(on devices: [Device]) {
    self.devices = devices
    peaks = devices.map(Peak.measured)
  }

  init(devices: [Device], peaks: [Peak?], rows: [Row], peers: [Outcome] = []) {
    self.devices = devices
    self.peaks = peaks
    self.rows = rows
    self.peers = peers
  }

  /// Probes all devices once more: a machine's speed drifts, and the better probe counts.
  mutating func probeAgain() {
    peaks = zip(devices, peaks).map { device, peak in Peak.measured(on: device)?.merged(with: peak) ?? peak }
  }

  /// `cpu: AMD EPYC; peak 345 GFLOP/s, 42.0 GB/s copied`.
  func description(of index: Int) -> String {
    let device = devices[index]
    guard let peak = peaks[index] else { return "\(device): \(device.name)" }
    return "\(device): \(device.name); peak \(significant(peak.multiplyAdds)) GFLOP/s, "
      + "\(significant(peak.copied)) GB/s copied"
  }
}
