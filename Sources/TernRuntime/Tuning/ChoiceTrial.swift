// SPDX-License-Identifier: MIT

/// Stands in for a table of choices while a device is tuned: says which algorithm the next call takes, and learns from
/// the look-up which ones there are. So the tuner needs to know no menu, and times exactly what a program will run.
final class ChoiceTrial: Sendable {
  private struct State {
    var problem: ProblemClass?
    var algorithm: String?
    var offered: [String] = []
    var wasLookedUp = false
  }
  private let state = Lock(State())

  /// Runs `body`, in which look-ups for `problem` give `algorithm`, or nothing where it is nil.
  ///
  /// - Returns: the algorithms that the look-up offered, the default first; nil when there was none for the problem.
  func run(_ problem: ProblemClass, _ algorithm: String?, _ body: () throws -> Void) rethrows -> [String]? {
    state.withLock { $0 = State(problem: problem, algorithm: algorithm) }
    defer { state.withLock { $0.problem = nil } }
    try body()
    return state.withLock { $0.wasLookedUp ? $0.offered : nil }
  }

  /// Whether the trial is of this problem; look-ups for others, which it may be made of, go on as ever.
  func isOf(_ problem: ProblemClass) -> Bool { state.withLock { $0.problem == problem } }

  func choice<Algorithm: RawRepresentable>(among candidates: [Algorithm]) -> Algorithm?
  where Algorithm.RawValue == String {
    let names = candidates.map(\.rawValue)
    let name = state.withLock { state in
      state.wasLookedUp = true
      state.offered = names
      return state.algorithm
    }
    return name.flatMap { Algorithm(rawValue: $0) }
  }
}
