// SPDX-License-Identifier: MIT

/// What the tuner asks of its worker: one JSON object on a line of the worker's standard input.
struct TuningRequest: Codable, Sendable, Equatable {
  enum Command: String, Codable, Sendable {
    /// Which device this is.
    case identify
    /// Set the problem up, and say which algorithms there are.
    case candidates
    /// Run the first algorithm, and check its results.
    case verify
    /// Run all algorithms against each other.
    case time
  }
  var command: Command
  /// A `ProblemClass`'s text.
  var problem = ""
  var algorithms: [String] = []
  var seconds = 0.0
}

/// What the worker says, one JSON object on a line of its standard output: notes while it works, then one answer.
struct TuningReply: Codable, Sendable, Equatable {
  /// A note: the algorithm that runs from now on, for the tuner to know which one a crash belongs to.
  var running: String?
  /// The answer to `identify`.
  var identity: DeviceIdentity?
  var device: String?
  /// The answer to `candidates`; empty where the device has no menu for the problem.
  var candidates: [String]?
  /// The answer to `verify`: what is wrong, empty if nothing is.
  var complaint: String?
  /// The answer to `time`.
  var times: [String: Double]?
  /// In place of an answer: what failed.
  var failure: TuningFailure?

  var isNote: Bool { running != nil }
}

struct TuningFailure: Codable, Sendable, Equatable {
  /// Of a `TernError`.
  var code: String
  var message: String

  init(_ error: any Error) {
    let error = error as? TernError
    code = (error?.code ?? .deviceFailure).rawValue
    message = error.map { "\($0)" } ?? "unknown failure"
  }
}
