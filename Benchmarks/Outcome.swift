// SPDX-License-Identifier: MIT
import Foundation
import Tern

/// What one case reached on one device; one line of JSON, which other libraries' timings have, too.
struct Outcome: Codable {
  let name: String
  let library: String
  let device: String
  let median: Double?
  let best: Double?
  /// Work per second of the best step; nil when the case did not run.
  let rate: Double?
  let unit: String?

  init(_ benchmark: Case, device: Device, times: [Double]) {
    let sorted = times.sorted()
    name = benchmark.name
    library = Self.ours
    self.device = device.description
    best = sorted.first
    median = sorted.isEmpty ? nil : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    rate = best.map { benchmark.work / $0 }
    unit = benchmark.unit
  }

  /// The answer for a case that does not exist.
  init(unknown name: String, device: Device) {
    self.name = name
    library = Self.ours
    self.device = device.description
    (median, best, rate, unit) = (nil, nil, nil, nil)
  }

  private static let ours = "tern"

  private enum CodingKeys: String, CodingKey {
    case name = "case"
    case library = "lib"
    case device
    case median = "median_s"
    case best = "best_s"
    case rate, unit
  }

  // Written out, because missing numbers must appear as null.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(library, forKey: .library)
    try container.encode(device, forKey: .device)
    try container.encode(median, forKey: .median)
    try container.encode(best, forKey: .best)
    try container.encode(rate, forKey: .rate)
    try container.encode(unit, forKey: .unit)
  }

  /// One line of JSON, with its newline.
  func line() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}
