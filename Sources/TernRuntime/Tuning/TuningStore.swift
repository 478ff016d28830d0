// SPDX-License-Identifier: MIT
import Foundation

/// The tuner's view of the cache, for one device: problems to measure, and where winners go.
package struct TuningStore: Sendable {
  package let folder: String
  private let identity: DeviceIdentity

  /// - Throws: `TernError` with code `file` where there is no cache directory to write to.
  package init(for identity: DeviceIdentity) throws {
    guard let folder = Tuning.folder() else {
      throw TernError(
        .file, "there is no place for the results: \(CacheDirectory.path() ?? "the cache directory") cannot be made",
        remedy: "set TERN_CACHE_DIRECTORY to a directory that you may write to")
    }
    self.folder = folder
    self.identity = identity
  }

  /// Where the choices are.
  package var path: String { ChoiceFile.path(in: folder, for: identity) }

  /// The problems that programs met, those with the most work first.
  package var problems: [ProblemClass] {
    ProblemFile.read(in: folder, for: identity)?.ranked.map(\.problem) ?? []
  }

  /// Problems that have a choice.
  package var chosen: Set<ProblemClass> {
    Set(ChoiceFile.read(in: folder, for: identity)?.entries.map(\.problem) ?? [])
  }

  /// Adds a result to those that are there, of this and other processes.
  ///
  /// - Throws: `TernError` with code `file` when it cannot be written.
  package func save(_ outcome: Tuner.Outcome) throws {
    let choice = ChoiceFile.Choice(
      problem: outcome.problem.description, algorithm: outcome.winner, defaultAlgorithm: outcome.defaultAlgorithm,
      seconds: outcome.seconds, defaultSeconds: outcome.defaultSeconds ?? outcome.seconds)
    try ChoiceFile.update(in: folder, for: identity, patience: 30) { $0.merge([choice]) }
  }
}
