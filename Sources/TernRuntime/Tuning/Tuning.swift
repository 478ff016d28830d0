// SPDX-License-Identifier: MIT
import Foundation
import Synchronization

/// How this process takes part in tuning.
package enum Tuning {
  enum Mode: Sendable {
    /// Choices are used, problems are recorded.
    case on
    /// Neither: `TERN_TUNING=off`.
    case off
    /// This process is the tuner or its worker: choices are used, trials are made, nothing is recorded.
    case trials
  }

  static let mode: Mode = {
    if isTuner.load(ordering: .relaxed) { return .trials }
    guard let text = environmentValue("TERN_TUNING"), text != "on" else { return .on }
    require(text == "off", "TERN_TUNING: expected on or off, got '\(text)'")
    return .off
  }()

  private static let isTuner = Atomic(false)

  /// Makes this process a tuner; to be called before any device is opened.
  package static func becomeTuner() { isTuner.store(true, ordering: .relaxed) }

  /// The folder of the tuner's files; nil where there is no cache.
  static func folder() -> String? { CacheDirectory.folder("tuning") }

  /// The choices for a device.
  ///
  /// - Parameter isShared: whether the device is one that all of the process uses; only those record problems.
  static func table(for identity: DeviceIdentity, isShared: Bool) -> ChoiceTable {
    if mode == .off { return ChoiceTable(of: identity) }
    let entries =
      CacheDirectory.path().flatMap { ChoiceFile.read(in: $0 + "/tuning", for: identity) }?.entries ?? []
    if mode == .trials { return ChoiceTable(entries, of: identity, trial: ChoiceTrial()) }
    guard isShared else { return ChoiceTable(entries, of: identity) }
    let record = ProblemRecord()
    recorders.withLock { $0.append((identity, record)) }
    _ = writesAtExit
    return ChoiceTable(entries, of: identity, record: record)
  }

  /// Whether Ctrl-C was pressed; set by whoever watches for it.
  package static var isInterrupted: Bool {
    get { interruption.load(ordering: .relaxed) }
    set { interruption.store(newValue, ordering: .relaxed) }
  }
  private static let interruption = Atomic(false)

  // MARK: Recording

  private static let recorders = Lock<[(DeviceIdentity, ProblemRecord)]>([])

  /// Registers the writing of problems for the end of the process, once.
  private static let writesAtExit: Void = { atexit { Tuning.writeProblems() } }()

  /// Adds the problems that this process met to the cache. Whatever goes wrong is no reason to complain: the program's
  /// work is done, and all that is lost is a hint.
  private static func writeProblems() {
    for (identity, record) in recorders.withLock({ $0 }) {
      // One line of a file is not worth waiting for, and a problem that took no time none to write.
      let problems = record.problems.filter { $0.problem.operations * Double($0.count) >= ProblemFile.leastWork }
      guard !problems.isEmpty, let folder = folder() else { continue }
      try? ProblemFile.update(in: folder, for: identity, patience: 0.2) { $0.merge(problems) }
    }
  }
}
