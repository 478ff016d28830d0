// SPDX-License-Identifier: MIT
import Foundation

/// A JSON file of the cache that several processes read, and replace whole under a lock.
///
/// A file that cannot be read as what it should be (damaged, cut off, of another program or device) counts as missing,
/// with one warning; the next writer replaces it.
protocol TuningFile: Codable, Sendable {
  static var kind: String { get }
  var format: String { get }
  /// Why the file is of no use here, though it is one of these; nil if it is.
  func complaint(for identity: DeviceIdentity) -> String?
  static func path(in folder: String, for identity: DeviceIdentity) -> String
  init(for identity: DeviceIdentity)
}

extension TuningFile {
  /// Every format's files begin with its name and version.
  static var currentFormat: String { "tern \(kind) 1" }

  /// Above so many bytes no file is ours.
  private static var largest: Int { 16 << 20 }

  /// Reads the file; nil where there is none that is of use.
  static func read(in folder: String, for identity: DeviceIdentity) -> Self? {
    let path = path(in: folder, for: identity)
    guard let file = try? RegularFile(path: path) else { return nil }
    func ignored(_ reason: String) -> Self? {
      warnOnce("\(path) is ignored: \(reason); delete it, or run `tern tune` to replace it")
      return nil
    }
    guard file.size <= largest, let data = try? file.contents(),
      let read = try? JSONDecoder().decode(Self.self, from: data)
    else {
      return ignored("it is damaged")
    }
    guard read.format == currentFormat else { return ignored("its format is '\(read.format)', not '\(currentFormat)'") }
    return read.complaint(for: identity).map(ignored) ?? read
  }

  /// Changes the file: reads what is there now, lets `change` work on it, and puts the result in its place.
  ///
  /// - Parameter patience: seconds to wait while another process does the same.
  /// - Throws: `TernError` with code `file` when the place cannot be written or stays locked.
  static func update(
    in folder: String, for identity: DeviceIdentity, patience: Double, _ change: (inout Self) -> Void
  ) throws {
    try FileLock.holding(folder + "/lock", patience: patience) {
      var contents = read(in: folder, for: identity) ?? Self(for: identity)
      change(&contents)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let data = try encoder.encode(contents)
      removeAbandoned(in: folder)
      let file = try AtomicFile(path: path(in: folder, for: identity))
      try data.withUnsafeBytes { try file.write($0) }
      try file.commit()
    }
  }

  /// Removes what writers left that were killed before they could rename their file; called with the lock held, so that
  /// nobody is writing.
  private static func removeAbandoned(in folder: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names where name.hasPrefix(".") && name.hasSuffix(".partial") { unlink(folder + "/" + name) }
  }
}

/// The winners that `tern tune` measured for one device with one driver and one set of kernels.
struct ChoiceFile: TuningFile {
  struct Choice: Codable, Sendable, Equatable {
    /// A `ProblemClass`'s text.
    var problem: String
    var algorithm: String
    var defaultAlgorithm: String
    /// Median times of one run, in seconds.
    var seconds: Double
    var defaultSeconds: Double
  }

  static let kind = "choices"
  var format = Self.currentFormat
  let device: DeviceIdentity
  var choices: [Choice] = []

  init(for identity: DeviceIdentity) { device = identity }

  static func path(in folder: String, for identity: DeviceIdentity) -> String {
    folder + "/" + CacheDirectory.fileName(identity.name, hash: identity.hash, kind: "choices.json")
  }

  func complaint(for identity: DeviceIdentity) -> String? {
    device == identity ? nil : "it is of another device or driver, \(device.name) \(device.driver)"
  }

  /// Puts new measurements in the place of older ones of the same problems.
  mutating func merge(_ others: [Choice]) {
    let replaced = Set(others.map(\.problem))
    choices = (choices.filter { !replaced.contains($0.problem) } + others).sorted { $0.problem < $1.problem }
  }

  /// Entries whose problem this version of Tern knows.
  var entries: [ChoiceTable.Entry] {
    choices.compactMap { choice in
      ProblemClass(choice.problem).map {
        ChoiceTable.Entry(
          problem: $0, algorithm: choice.algorithm, isDefault: choice.algorithm == choice.defaultAlgorithm)
      }
    }
  }
}

/// The problems that programs met on one device, with what they cost.
struct ProblemFile: TuningFile {
  struct Met: Codable, Sendable, Equatable {
    /// A `ProblemClass`'s text.
    var problem: String
    /// Calls, over all programs.
    var count: Int
  }

  static let kind = "problems"
  /// Problems kept; those with the least work are dropped first.
  static let limit = 1024
  /// Operations below which a problem is not worth an entry: a millisecond or so.
  static let leastWork = 1e8

  var format = Self.currentFormat
  let device: DeviceIdentity
  var problems: [Met] = []

  init(for identity: DeviceIdentity) { device = identity }

  static func path(in folder: String, for identity: DeviceIdentity) -> String {
    folder + "/" + CacheDirectory.fileName(identity.name, hash: identity.device, kind: "problems.json")
  }

  func complaint(for identity: DeviceIdentity) -> String? {
    device.device == identity.device ? nil : "it is of another device, \(device.name)"
  }

  /// Adds counts of calls.
  mutating func merge(_ others: [(problem: ProblemClass, count: Int)]) {
    var counts = Dictionary(problems.map { ($0.problem, $0.count) }) { first, _ in first }
    for (problem, count) in others {
      let sum = counts[problem.description, default: 0].addingReportingOverflow(count)
      counts[problem.description] = sum.overflow ? .max : sum.partialValue
    }
    problems = counts.map { Met(problem: $0.key, count: $0.value) }
    problems = ranked.prefix(Self.limit).filter { $0.work >= Self.leastWork }.map(\.met)
  }

  /// The problems with the operations that all their calls took together, the most first.
  var ranked: [(met: Met, problem: ProblemClass, work: Double)] {
    problems.compactMap { met in
      ProblemClass(met.problem).map { (met, $0, $0.operations * Double(met.count)) }
    }.sorted { ($0.work, $1.met.problem) > ($1.work, $0.met.problem) }
  }
}
