// SPDX-License-Identifier: MIT
import Foundation

/// Runs the algorithms for one problem on one device: which there are, whether their results are right, how long they
/// take.
final class TuningBench {
  let problem: ProblemClass
  private let backend: any Backend
  private let subject: any TuningSubject
  private let trial: ChoiceTrial
  /// Sampled elements and what they must be, with a measure for errors.
  private let samples: [(place: Int, exact: Double)]
  /// The largest sum of magnitudes among the samples.
  private let scale: Double
  /// The first result that stood the test, which later ones are compared with in every element.
  private var accepted: [Float]?

  /// Rounding may take away so much of `scale`: Float32 sums of thousands of terms stay below 1e-6, Winograd's F(4×4)
  /// below 4e-6; a wrong element of random operands is off by about 1e-2 or more.
  static let tolerance = 1e-5

  /// - Throws: `TernError` when the operands do not fit the device, or the problem is none that the tuner can set up.
  convenience init(_ problem: ProblemClass, on backend: any Backend) throws {
    guard let trial = backend.choices.trial else {
      trap("TuningBench: the device was opened before Tuning.becomeTuner()")
    }
    try self.init(problem, Self.subject(problem, on: backend), on: backend, trial)
  }

  init(_ problem: ProblemClass, _ subject: any TuningSubject, on backend: any Backend, _ trial: ChoiceTrial) throws {
    self.problem = problem
    self.backend = backend
    self.trial = trial
    self.subject = subject
    try backend.synchronize()
    let exact = Self.places(subject).map { ($0, subject.exact(Self.coordinates($0, subject.result.shape))) }
    samples = exact.map { ($0, $1.value) }
    scale = exact.map(\.1.magnitude).max() ?? 0
  }

  private static func subject(_ problem: ProblemClass, on backend: any Backend) throws -> any TuningSubject {
    switch (problem, backend) {
    case (.gemm(let gemm), let backend as OpenCLBackend):
      try check([gemm.a.dtype, gemm.b.dtype, gemm.c.dtype, gemm.bias?.dtype ?? gemm.c.dtype], problem)
      return try GemmSubject(gemm, on: backend)
    case (.gemm, _):
      throw TernError(.setting, "there is one algorithm for products on this device")
    case (.convolution(let pass, let convolution), _):
      try check([convolution.x.dtype, convolution.w.dtype, convolution.y.dtype], problem)
      return try ConvolutionSubject(pass, convolution, on: backend)
    }
  }

  private static func check(_ dtypes: [DType], _ problem: ProblemClass) throws {
    guard dtypes.allSatisfy(\.isFloatingPoint) else {
      throw TernError(.setting, "\(problem): only floating-point problems are tuned")
    }
  }

  /// The algorithms that the device offers for the problem, the default first; nil where it has no menu.
  func candidates() throws -> [String]? {
    let candidates = trial.run(problem, nil) { subject.run() }
    try backend.synchronize()
    return candidates
  }

  // MARK: Verification

  /// What is wrong with an algorithm's results; nil if nothing is.
  ///
  /// - Throws: `TernError` when the device fails.
  func complaint(_ algorithm: String) throws -> String? {
    let result = try result(algorithm)
    if try zip(result, self.result(algorithm)).contains(where: { $0.bitPattern != $1.bitPattern }) {
      return "its results differ from run to run"
    }
    let allowed = Self.tolerance * scale
    let rounding = subject.result.dtype == .float32 ? 0 : subject.result.dtype == .float16 ? 0x1p-10 : 0x1p-7
    for (place, exact) in samples where !(abs(Double(result[place]) - exact) <= allowed + rounding * abs(exact)) {
      return "element \(Self.coordinates(place, subject.result.shape)) is \(result[place]), not \(Float(exact))"
    }
    if let accepted {
      for (place, (value, other)) in zip(result, accepted).enumerated()
      where !(abs(Double(value) - Double(other)) <= 2 * allowed + 2 * rounding * abs(Double(other))) {
        return "element \(Self.coordinates(place, subject.result.shape)) is \(value), by another algorithm \(other)"
      }
    }
    accepted = accepted ?? result
    return nil
  }

  private func result(_ algorithm: String) throws -> [Float] {
    backend.poison(subject.result.storage, subject.result.dtype)
    _ = trial.run(problem, algorithm) { subject.run() }
    return try backend.floats(subject.result)
  }

  /// Places of the result to look at: its first and last ones, and others spread over it; fewer where each costs much.
  private static func places(_ subject: any TuningSubject) -> [Int] {
    let count = subject.result.count
    let wanted = max(16, min(256, 20_000_000 / max(1, subject.depth)))
    if count <= wanted { return Array(0..<count) }
    // A step that has no factor with the extents, so that all rows and columns come up.
    let spread = (0..<wanted - 8).map { ($0 * 2_654_435_761) % count }
    return Array(Set([0, 1, 2, 3, count - 4, count - 3, count - 2, count - 1] + spread)).sorted()
  }

  private static func coordinates(_ place: Int, _ shape: [Int]) -> [Int] {
    zip(shape, contiguousStrides(shape)).map { extent, stride in place / stride % extent }
  }

  // MARK: Timing

  /// The median times of one run of each algorithm, in seconds.
  ///
  /// Each round runs a burst of every algorithm, so that whatever else happens on the machine meets all of them; those
  /// that are far behind leave the race after two rounds.
  ///
  /// - Parameters:
  ///   - seconds: about how long to go on; each algorithm has at least three bursts, unless it left.
  ///   - now: the clock.
  ///   - announce: told each algorithm before it runs.
  func times(
    _ algorithms: [String], seconds: Double, now: () -> ContinuousClock.Instant = { .now }, announce: (String) -> Void
  ) throws -> [String: Double] {
    func burst(_ algorithm: String, runs: Int) throws -> Double {
      announce(algorithm)
      let start = now()
      _ = try trial.run(problem, algorithm) {
        for _ in 0..<runs { subject.run() }
        try backend.synchronize()
      }
      return (now() - start) / .seconds(1) / Double(runs)
    }
    var runs: [String: Int] = [:]
    for algorithm in algorithms {
      _ = try burst(algorithm, runs: 1)  // compiles, and touches the memory
      let single = try burst(algorithm, runs: 1)
      runs[algorithm] = max(1, min(2000, Int(Self.burstSeconds / single)))
    }
    var bursts = Dictionary(uniqueKeysWithValues: algorithms.map { ($0, [Double]()) })
    var racing = algorithms
    let end = now() + .seconds(seconds)
    var round = 0
    while round < 3 || (now() < end && round < 99) {
      for place in racing.indices {
        let algorithm = racing[(place + round) % racing.count]
        bursts[algorithm]!.append(try burst(algorithm, runs: runs[algorithm]!))
      }
      round += 1
      if round >= 2 {
        let best = bursts.values.compactMap { $0.min() }.min()!
        racing.removeAll { bursts[$0]!.min()! > 1.5 * best }
      }
      if racing.count == 1 && round >= 3 { break }
    }
    return bursts.mapValues { $0.sorted()[$0.count / 2] }
  }

  /// Long beside the cost of draining the queue.
  private static let burstSeconds = 0.004
}
