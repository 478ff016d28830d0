// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

/// A worker with a script: what each algorithm does when it is run.
private final class ScriptedLaboratory: TuningLaboratory {
  enum Behaviour {
    case takes(Double)
    case isWrong
    case crashes
    case fails
    /// Stands the test, and ends the worker when it is timed.
    case crashesLater
  }

  let script: [(name: String, behaviour: Behaviour)]
  var requests: [TuningRequest] = []
  var renewals = 0

  init(_ script: [(String, Behaviour)]) { self.script = script.map { (name: $0.0, behaviour: $0.1) } }

  func renew() { renewals += 1 }

  func ask(_ request: TuningRequest) throws -> TuningReply {
    requests.append(request)
    switch request.command {
    case .identify: return TuningReply(identity: .example, device: "opencl:0")
    case .candidates: return TuningReply(candidates: script.map(\.name))
    case .verify:
      switch script.first(where: { $0.name == request.algorithms[0] })!.behaviour {
      case .takes, .crashesLater: return TuningReply(complaint: "")
      case .isWrong: return TuningReply(complaint: "element [0] is 1.0, not 2.0")
      case .crashes: throw TuningLoss(reason: "crashed: Segmentation fault", running: nil)
      case .fails: throw TernError(.kernelBuild, "did not compile")
      }
    case .time:
      var times: [String: Double] = [:]
      for name in request.algorithms {
        switch script.first(where: { $0.name == name })!.behaviour {
        case .takes(let seconds): times[name] = seconds
        default: throw TuningLoss(reason: "crashed: Aborted", running: name)
        }
      }
      return TuningReply(times: times)
    }
  }
}

@Suite struct TunerTests {
  private func measure(_ laboratory: ScriptedLaboratory) throws -> Tuner.Outcome? {
    let result = try Tuner(laboratory: laboratory).measure(.square(64), seconds: 1)
    if case .measured(let outcome) = result { return outcome }
    return nil
  }

  @Test func fastestWinsAndTheDefaultStaysWithinTheMargin() throws {
    let faster = try #require(
      try measure(ScriptedLaboratory([("a", .takes(1)), ("b", .takes(0.5)), ("c", .takes(0.7))])))
    #expect(faster.winner == "b" && faster.speedup == 2 && faster.defaultAlgorithm == "a")
    let near = try #require(try measure(ScriptedLaboratory([("a", .takes(1.02)), ("b", .takes(1))])))
    #expect(near.winner == "a" && near.speedup == 1)
  }

  @Test func badCandidatesAreDiscardedWithTheReason() throws {
    let laboratory = ScriptedLaboratory([
      ("a", .takes(1)), ("wrong", .isWrong), ("crash", .crashes), ("fail", .fails), ("late", .crashesLater),
      ("b", .takes(0.5)),
    ])
    let outcome = try #require(try measure(laboratory))
    #expect(outcome.winner == "b")
    #expect(
      outcome.discarded == [
        Tuner.Discarded(algorithm: "wrong", reason: "element [0] is 1.0, not 2.0"),
        Tuner.Discarded(algorithm: "crash", reason: "crashed: Segmentation fault"),
        Tuner.Discarded(algorithm: "fail", reason: "did not compile"),
        Tuner.Discarded(algorithm: "late", reason: "crashed: Aborted"),
      ])
    // What misbehaves in a living worker costs that worker; a dead one is replaced anyhow.
    #expect(laboratory.renewals == 2)
    #expect(laboratory.requests.filter { $0.command == .time }.map(\.algorithms) == [["a", "late", "b"], ["a", "b"]])
  }

  @Test func defaultThatIsWrongLosesToAnything() throws {
    let outcome = try #require(
      try measure(ScriptedLaboratory([("a", .isWrong), ("b", .takes(9)), ("c", .takes(8.9))])))
    #expect(outcome.winner == "c" && outcome.defaultSeconds == nil && outcome.speedup == nil)
  }

  @Test func nothingToChooseIsSkipped() throws {
    for script in [[], [("a", .takes(1))], [("a", .isWrong), ("b", .crashes)]]
      as [[(String, ScriptedLaboratory.Behaviour)]]
    {
      #expect(try measure(ScriptedLaboratory(script)) == nil)
    }
  }
}

/// A sum of nothing whose "algorithms" write what they are told to.
private struct FakeSubject: TuningSubject {
  let backend: CPUBackend
  let result: StridedView
  let depth = 1
  let write: (_ algorithm: GemmChoice?) -> [Float?]

  init(_ backend: CPUBackend, write: @escaping (GemmChoice?) -> [Float?]) {
    self.backend = backend
    self.write = write
    result = StridedView(backend.allocate(byteCount: 4 * 1000), .float32, shape: [10, 100])
  }

  func run() {
    let algorithm = backend.choices.choice(for: .square(64), among: GemmChoice.allCases)
    for (place, value) in write(algorithm).enumerated() {
      guard let value else { continue }
      withUnsafeBytes(of: value) { backend.upload($0, to: result.storage, byteOffset: 4 * place) }
    }
  }

  func exact(_ place: [Int]) -> (value: Double, magnitude: Double) { (1, 2) }
}

@Suite struct TuningBenchTests {
  private func bench(_ write: @escaping (GemmChoice?) -> [Float?]) throws -> TuningBench {
    let trial = ChoiceTrial()
    let backend = CPUBackend(choices: ChoiceTable(trial: trial))
    return try TuningBench(.square(64), FakeSubject(backend, write: write), on: backend, trial)
  }

  @Test func wrongLeftOutAndUnsteadyElementsAreNoticed() throws {
    var round: Float = 0
    let bench = try bench { algorithm in
      var values = [Float?](repeating: 1.00001, count: 1000)
      switch algorithm {
      case .wide: values[999] = 1.001
      case .own: values[0] = nil
      case .clblast:
        round += 1
        values[500] = 1 + round * 0x1p-23
      case nil: break
      }
      return values
    }
    #expect(try bench.candidates() == GemmChoice.allCases.map(\.rawValue))
    #expect(try bench.complaint("wide") == "element [9, 99] is 1.001, not 1.0")
    #expect(try bench.complaint("own") == "element [0, 0] is inf, not 1.0")
    #expect(try bench.complaint("clblast") == "its results differ from run to run")
    #expect(try bench.complaint("default") == nil)
  }

  @Test func elementsThatWereNotSampledAreComparedWithAnotherAlgorithms() throws {
    // 302 is none of the samples of 1,000.
    let bench = try bench { algorithm in
      (0..<1000).map { algorithm == .own && $0 == 302 ? 1.01 : 1 }
    }
    #expect(try bench.complaint("wide") == nil)
    #expect(try bench.complaint("own") == "element [3, 2] is 1.01, by another algorithm 1.0")
  }

  @Test func timesAreOfOneRunOfEach() throws {
    var runs: [GemmChoice?: Int] = [:]
    var now = ContinuousClock.now
    let bench = try bench { algorithm in
      runs[algorithm, default: 0] += 1
      now += algorithm == .own ? .microseconds(900) : .microseconds(30)
      return []
    }
    var announced: Set<String> = []
    let times = try bench.times(
      ["wide", "own"], seconds: 0.01, now: { now }, announce: { announced.insert($0) })
    #expect(announced == ["wide", "own"])
    #expect(abs(times["own"]! - 9e-4) < 1e-9 && abs(times["wide"]! - 3e-5) < 1e-9, "\(times)")
    // Two alone, then bursts of 4 ms: three of the faster, until the slower one leaves after two.
    #expect(runs == [.wide: 2 + 3 * 133, .own: 2 + 2 * 4])
  }
}

/// Real problems on real devices: the references agree with what the backends compute, in every layout.
@Suite(.serialized) struct TuningSubjectTests {
  static let convolutions = [
    "input=2,6,9,11 weight=4,3,3,5 stride=2,1 padding=1,2,0,3 dilation=1,2 groups=2 "
      + "x=float32,dense w=float32,dense y=float32,dense bias=yes",
    "input=1,3,8,8 weight=5,3,3,3 stride=1,1 padding=1,1,1,1 dilation=1,1 groups=1 "
      + "x=float32,strided w=float32,dense y=float32,dense bias=no",
    "input=3,4,7,7 weight=6,4,1,1 stride=1,1 padding=0,0,0,0 dilation=1,1 groups=1 "
      + "x=float16,dense w=float16,dense y=float16,dense bias=no",
  ]

  @Test(arguments: Subject.all) func convolutionsAreRight(_ subject: Subject) throws {
    for text in Self.convolutions {
      for pass in ConvolutionPass.allCases where pass == .forward || !text.contains("strided") {
        let problem = try #require(ProblemClass("convolution.\(pass.rawValue) \(text)"))
        guard case .convolution(_, let convolution) = problem else { continue }
        let trial = ChoiceTrial()
        let made = try ConvolutionSubject(pass, convolution, on: subject.backend)
        let bench = try TuningBench(problem, made, on: subject.backend, trial)
        #expect(try bench.complaint("default") == nil, "\(problem)")
      }
    }
  }

  static let products = [
    "m=33 n=17 k=65 outer=1 inner=1 a=float32,rows b=float32,columns c=float32,rows bias=float32,column",
    "m=5 n=7 k=9 outer=2 inner=3 a=float32,columns,outer b=float32,neither,inner c=float32,rows bias=float32,inner,row",
    "m=33 n=17 k=65 outer=1 inner=2 a=float32,rows b=float32,rows c=float32,rows bias=float32,column activation=yes",
    "m=16 n=8 k=0 outer=1 inner=1 a=float32,rows b=float32,rows c=float32,rows bias=none",
    "m=31 n=8 k=12 outer=3 inner=1 a=float16,rows b=float16,rows,outer c=float16,columns bias=none",
    "m=31 n=8 k=12 outer=1 inner=1 a=bfloat16,rows b=bfloat16,rows c=float32,neither bias=none",
  ]

  @Test(.enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped), arguments: products)
  func productsAreRightByEveryCandidate(_ text: String) throws {
    let problem = try #require(ProblemClass("gemm \(text)"))
    let trial = ChoiceTrial()
    let backend = try OpenCLSupport.privateBackend(options: OpenCLOptions(choices: ChoiceTable(trial: trial)))
    let bench = try TuningBench(problem, on: backend)
    let candidates = try #require(try bench.candidates())
    #expect(!candidates.isEmpty)
    for candidate in candidates { #expect(try bench.complaint(candidate) == nil, "\(candidate)") }
    if candidates.count > 1 {
      let times = try bench.times(candidates, seconds: 0.01) { _ in }
      #expect(times.values.allSatisfy { $0 > 0 && $0 < 10 } && times.count == candidates.count)
    }
  }

  @Test(.enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped)) func integersAreNotTuned() throws {
    let backend = try OpenCLSupport.privateBackend(options: OpenCLOptions(choices: ChoiceTable(trial: ChoiceTrial())))
    let text = "gemm m=3 n=3 k=3 outer=1 inner=1 a=int32,rows b=int32,rows c=int32,rows bias=none"
    #expect(throws: TernError.self) { try TuningBench(try #require(ProblemClass(text)), on: backend) }
  }

  @Test func commonProblemsCanBeSetUp() {
    let problems = CommonProblems.list(products: true)
    #expect(Set(problems).count == problems.count)
    for problem in problems { #expect(ProblemClass(problem.description) == problem) }
    #expect(Set(problems.map(\.label)).count == problems.count)
  }
}
