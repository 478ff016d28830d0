// SPDX-License-Identifier: MIT
import Foundation
import Testing

@testable import TernRuntime

@Suite struct ChoiceTableTests {
  typealias Entry = ChoiceTable.Entry

  @Test func tunedChoiceIsFoundForItsProblemOnly() {
    let table = ChoiceTable([Entry(problem: .square(64), algorithm: "clblast")])
    #expect(table.choice(for: .square(64), among: GemmChoice.allCases) == .clblast)
    #expect(table.choice(for: .square(65), among: GemmChoice.allCases) == nil)
  }

  @Test func choiceThatCannotRunTheCallIsNotTaken() {
    let table = ChoiceTable([
      Entry(problem: .square(64), algorithm: "clblast"), Entry(problem: .square(32), algorithm: "of a later version"),
    ])
    #expect(table.choice(for: .square(64), among: [GemmChoice.own, .wide]) == nil)
    #expect(table.choice(for: .square(32), among: GemmChoice.allCases) == nil)
  }

  @Test func emptyTableAsksForNothing() {
    func unwanted<T>() -> T { fatalError("evaluated") }
    #expect(ChoiceTable().choice(for: unwanted(), among: unwanted() as [GemmChoice]) == nil)
  }

  @Test func fingerprintNamesTheChoicesWhateverTheirOrder() {
    let entries = [Entry(problem: .square(64), algorithm: "own"), Entry(problem: .square(65), algorithm: "wide")]
    #expect(ChoiceTable(entries).fingerprint == ChoiceTable(entries.reversed()).fingerprint)
    #expect(ChoiceTable(entries).fingerprint != ChoiceTable([entries[0]]).fingerprint)
    #expect(ChoiceTable().fingerprint == "")
    // The same in every process: a checkpoint keeps it.
    #expect(ChoiceTable([entries[0]]).fingerprint == "87ca3ea1a937f91e")
  }

  @Test func problemsMetAreCountedOnceEachFromAllThreads() async {
    let record = ProblemRecord()
    let table = ChoiceTable(record: record)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for round in 0..<300 { _ = table.choice(for: .square(1 + round % 100), among: [GemmChoice.own]) }
        }
      }
    }
    #expect(record.problems.map(\.count) == [Int](repeating: 12, count: 100))
    #expect(Set(record.problems.map(\.problem)) == Set((1...100).map { ProblemClass.square($0) }))
  }

  @Test func recordIsBounded() {
    let record = ProblemRecord()
    for size in 1...2000 { record.meet(.square(size), hash: ProblemClass.square(size).hashValue) }
    #expect(record.problems.count == ProblemRecord.limit)
    for _ in 0..<5 { record.meet(.square(1), hash: ProblemClass.square(1).hashValue) }
    #expect(record.problems[0].count == 6)
  }

  @Test func hashesThatCollideStayApart() {
    // As hashes, 0 (which marks a free slot), and three that share one slot.
    let record = ProblemRecord()
    let slots = 4 * ProblemRecord.limit
    for (size, hash) in [(1, 0), (2, 7), (3, 7 + slots), (4, 7 + 2 * slots), (2, 7), (1, 0)] {
      record.meet(.square(size), hash: hash)
    }
    #expect(record.problems.map(\.problem) == [.square(1), .square(2), .square(3), .square(4)])
    #expect(record.problems.map(\.count) == [2, 2, 1, 1])
  }

  @Test func trialSaysWhatMayRunAndForcesIt() throws {
    let trial = ChoiceTrial()
    let table = ChoiceTable([Entry(problem: .square(3), algorithm: "clblast")], trial: trial)
    var taken: [GemmChoice?] = []
    func call(_ size: Int) { taken.append(table.choice(for: .square(size), among: [GemmChoice.wide, .own, .clblast])) }
    #expect(trial.run(.square(2), nil) { call(2) } == ["wide", "own", "clblast"])
    #expect(
      trial.run(.square(2), "own") {
        call(2)
        call(3)
      } == ["wide", "own", "clblast"])
    #expect(trial.run(.square(2), "own") { call(4) } == nil)
    #expect(taken == [nil, .own, .clblast, nil])
  }
}

@Suite(.enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped)) struct ChosenGemmTests {
  @Test(arguments: [("wide", "gemm_wide", true), ("tiled-64x64", "gemm_tiled", false)])
  func gemmRunsWhatTheTableSays(_ algorithm: String, _ kernel: String, treatAsCPU: Bool) throws {
    let table = ChoiceTable([ChoiceTable.Entry(problem: .square(33), algorithm: algorithm)])
    let options = OpenCLOptions(treatAsCPU: treatAsCPU, choices: table)
    let backend = try OpenCLSupport.privateBackend(options: options)
    let (a, b) = (testNumbers(33 * 33), testNumbers(33 * 33, seed: 2))
    let c = backend.output([1, 33, 33])
    backend.matmul(backend.view(a, [1, 33, 33]), backend.view(b, [1, 33, 33]), bias: nil, into: c)
    var expected = [Double](repeating: 0, count: 33 * 33)
    for i in 0..<33 {
      for j in 0..<33 {
        for p in 0..<33 { expected[33 * i + j] += a[33 * i + p] * b[33 * p + j] }
      }
    }
    expectClose(try backend.values(c), expected, absolute: 1e-4)
    #expect(backend.programs.kernelNames.contains(kernel), "\(backend.programs.kernelNames)")
  }

  /// A file that somebody changed, or that was tuned at another precision, must not take digits away.
  @Test func tensorCoresAreNeverChosenAtHighestPrecision() throws {
    let dtype = DType.float32
    func entry(_ precision: MatmulPrecision) throws -> ChoiceTable.Entry {
      guard case .gemm(var gemm) = ProblemClass.square(8) else { fatalError("not a product") }
      gemm.precision = precision
      return ChoiceTable.Entry(problem: .gemm(gemm), algorithm: GemmAlgorithm.tensorTF32.rawValue)
    }
    let table = ChoiceTable(try MatmulPrecision.allCases.map(entry))
    for treatAsCPU in [false, true] {
      let backend = try OpenCLSupport.privateBackend(options: OpenCLOptions(treatAsCPU: treatAsCPU, choices: table))
      let operand = GemmOperand(storage: backend.scratch(64), dtype: dtype, row: 8, column: 1)
      let problem = GemmProblem(m: 8, n: 8, k: 8, a: operand, b: operand, c: operand)
      let chosen = GemmAlgorithm.choice(for: problem, on: backend)
      #expect(chosen != .tensorTF32 && chosen != .tensor3xTF32)
      withMatmulPrecision(.medium) {
        // Where there are none, the setting changes neither the class nor the choice.
        if !backend.info.isNVIDIA {
          #expect(backend.tensorPrecision == .highest)
          #expect(GemmAlgorithm.choice(for: problem, on: backend) == chosen)
        } else if backend.tensorPrecision == .medium {
          #expect(GemmAlgorithm.choice(for: problem, on: backend) == .tensorTF32)
        }
      }
    }
  }

  @Test func environmentAndTestsComeBeforeTheTable() throws {
    let table = ChoiceTable([ChoiceTable.Entry(problem: .square(8), algorithm: "wide")])
    let backend = try OpenCLSupport.privateBackend(options: OpenCLOptions(choices: table))
    let x = backend.view(testNumbers(64), [1, 8, 8])
    GemmChoice.$forced.withValue(.own) { backend.matmul(x, x, bias: nil, into: backend.output([1, 8, 8])) }
    try backend.synchronize()
    #expect(!backend.programs.kernelNames.contains("gemm_wide"))
  }
}
