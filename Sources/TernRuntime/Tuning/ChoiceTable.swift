// SPDX-License-Identifier: MIT

/// The algorithms that `tern tune` chose for one device, by class of problem.
///
/// It is read once when the device is opened and never changes, so that a run's results do not either, and a look-up
/// takes no lock. What an environment variable forces comes before it, the default of the device's type after it.
package final class ChoiceTable: Sendable {
  struct Entry: Sendable {
    let problem: ProblemClass
    let algorithm: String
    /// Whether it is what would run without the entry, too.
    var isDefault = false
  }

  /// The device that the choices are for; nil in tables of tests.
  let identity: DeviceIdentity?
  /// By the problem's hash in this process.
  private let entries: [Int: Entry]
  /// Takes the problems met; nil where nobody wants to know.
  let record: ProblemRecord?
  /// In the tuner's worker, which runs one algorithm after the other.
  let trial: ChoiceTrial?
  /// The same for the same choices in every process; empty without any.
  package let fingerprint: String

  init(
    _ entries: [Entry] = [], of identity: DeviceIdentity? = nil, record: ProblemRecord? = nil, trial: ChoiceTrial? = nil
  ) {
    self.identity = identity
    self.entries = Dictionary(entries.map { ($0.problem.hashValue, $0) }) { first, _ in first }
    self.record = record
    self.trial = trial
    let lines = entries.filter { !$0.isDefault }.map { "\($0.problem): \($0.algorithm)" }.sorted()
    fingerprint = lines.isEmpty ? "" : hexadecimal(stableHash(lines))
  }

  /// The tuned algorithm for a problem; nil to take the default.
  ///
  /// - Parameters:
  ///   - problem: counted as met.
  ///   - candidates: all algorithms that can run this call, the default first. A choice that is none of them, because a
  ///     class does not tell its problems apart well enough, is not taken.
  package func choice<Algorithm: RawRepresentable & Equatable>(
    for problem: @autoclosure () -> ProblemClass, among candidates: @autoclosure () -> [Algorithm]
  ) -> Algorithm? where Algorithm.RawValue == String {
    guard !entries.isEmpty || record != nil || trial != nil else { return nil }
    let problem = problem()
    if let trial, trial.isOf(problem) { return trial.choice(among: candidates()) }
    let hash = problem.hashValue
    record?.meet(problem, hash: hash)
    guard let entry = entries[hash], entry.problem == problem, let algorithm = Algorithm(rawValue: entry.algorithm),
      candidates().contains(algorithm)
    else { return nil }
    return algorithm
  }
}
