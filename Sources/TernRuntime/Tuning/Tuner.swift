// SPDX-License-Identifier: MIT
import Foundation

/// Finds the fastest algorithm for each of a list of problems, and keeps what it found.
package struct Tuner {
  /// What came out for one problem.
  package struct Outcome: Sendable {
    package let problem: ProblemClass
    package let defaultAlgorithm: String
    package let winner: String
    /// Median times of one run, in seconds; the default's is missing if it was discarded.
    package let seconds: Double
    package let defaultSeconds: Double?
    package let discarded: [Discarded]

    package var speedup: Double? { defaultSeconds.map { $0 / seconds } }
  }

  /// A candidate that is not to be used, or a problem that could not be measured.
  package struct Discarded: Sendable, Equatable, Codable {
    package let algorithm: String
    package let reason: String
  }

  package enum Result: Sendable {
    case measured(Outcome)
    /// The device has one algorithm for it, or none that can be measured.
    case skipped(reason: String, discarded: [Discarded])
  }

  /// An algorithm must be so much faster than the default to take its place: less is noise.
  static let margin = 1.03
  /// The most time for the bursts of one problem, in seconds.
  private static let longest = 1.5
  private static let shortest = 0.1

  private let laboratory: any TuningLaboratory

  package init(_ process: TuningProcess) { laboratory = process }
  init(laboratory: any TuningLaboratory) { self.laboratory = laboratory }

  /// The device that the worker opened.
  ///
  /// - Throws: `TernError` when it cannot be opened.
  package func identify() throws -> (device: String, identity: DeviceIdentity) {
    do {
      let reply = try laboratory.ask(TuningRequest(command: .identify))
      if let identity = reply.identity, let device = reply.device { return (device, identity) }
    } catch let loss as TuningLoss {
      throw TernError(
        .noDevice, "the tuner's worker \(loss.reason) when it opened the device",
        remedy: "`tern doctor` looks for the reason")
    }
    throw TernError(.noDevice, "the tuner's worker has no device that can be tuned")
  }

  /// Measures one problem.
  ///
  /// - Parameter seconds: what it may take, about; candidates are verified even so.
  /// - Throws: `CancellationError` after Ctrl-C, and what no other problem would be spared of.
  package func measure(_ problem: ProblemClass, seconds: Double) throws -> Result {
    let start = ContinuousClock.now
    var discarded: [Discarded] = []
    let candidates: [String]
    do {
      candidates = try ask(.candidates, problem).candidates ?? []
    } catch let loss as TuningLoss {
      return .skipped(reason: "the worker \(loss.reason)", discarded: [])
    } catch let error as TernError {
      return .skipped(reason: "\(error)", discarded: [])
    }
    guard candidates.count > 1 else { return .skipped(reason: "there is no choice", discarded: []) }

    var sound: [String] = []
    for candidate in candidates {
      if let reason = try reasonAgainst(candidate, problem) {
        discarded.append(Discarded(algorithm: candidate, reason: reason))
      } else {
        sound.append(candidate)
      }
    }
    let spent = (ContinuousClock.now - start) / .seconds(1)
    let share = max(Self.shortest, min(Self.longest, seconds - spent))
    guard let times = try times(&sound, problem, seconds: share, &discarded), let best = times.min(by: { $0.1 < $1.1 })
    else { return .skipped(reason: "no algorithm gives right results", discarded: discarded) }
    let usual = times.first { $0.0 == candidates[0] }
    let winner = usual.map { $0.1 < Self.margin * best.1 ? $0 : best } ?? best
    return .measured(
      Outcome(
        problem: problem, defaultAlgorithm: candidates[0], winner: winner.0, seconds: winner.1,
        defaultSeconds: usual?.1, discarded: discarded))
  }

  private func ask(
    _ command: TuningRequest.Command, _ problem: ProblemClass, _ algorithms: [String] = [], seconds: Double = 0
  ) throws -> TuningReply {
    try laboratory.ask(
      TuningRequest(command: command, problem: problem.description, algorithms: algorithms, seconds: seconds))
  }

  private func reasonAgainst(_ candidate: String, _ problem: ProblemClass) throws -> String? {
    do {
      guard let complaint = try ask(.verify, problem, [candidate]).complaint else { return "the worker gave no answer" }
      if complaint.isEmpty { return nil }
      laboratory.renew()
      return complaint
    } catch let loss as TuningLoss {
      return loss.reason
    } catch let error as TernError {
      laboratory.renew()
      return "\(error)"
    }
  }

  /// Times of the sound candidates, in the order of the menu. One that ends the worker now, though it stood the test,
  /// is discarded, and the others run again.
  private func times(
    _ sound: inout [String], _ problem: ProblemClass, seconds: Double, _ discarded: inout [Discarded]
  ) throws -> [(String, Double)]? {
    while !sound.isEmpty {
      do {
        let times = try ask(.time, problem, sound, seconds: seconds).times ?? [:]
        return sound.compactMap { name in times[name].map { (name, $0) } }
      } catch let loss as TuningLoss {
        let culprit = loss.running.flatMap { sound.contains($0) ? $0 : nil } ?? sound[sound.count - 1]
        discarded.append(Discarded(algorithm: culprit, reason: loss.reason))
        sound.removeAll { $0 == culprit }
      } catch let error as TernError {
        discarded += sound.map { Discarded(algorithm: $0, reason: "\(error)") }
        sound = []
      }
    }
    return nil
  }
}
