// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import TernCommand

@Suite struct LossLogTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.path + "/steps" }

  init() throws { directory = try TemporaryDirectory() }

  private var lines: [String] {
    get throws { try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init) }
  }

  @Test func lossesReadBackAsTheSameNumbers() throws {
    let losses: [Float] = [2.3025851, 1e-7, 0.1, 16_777_216, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1 / 3]
    try LossLog(path: path).append(losses, firstStep: 1)
    #expect(try lines.map { Float($0) } == losses)
  }

  @Test func newRunsReplaceOldOnesWithTheirFirstLoss() throws {
    try LossLog(path: path).append([3, 4], firstStep: 1)
    _ = try LossLog(path: path)
    #expect(try lines == ["3.0", "4.0"], "a run that never took a step has emptied the file")
    for loss: Float in [1, 2] { try LossLog(path: path).append([loss], firstStep: 1) }
    #expect(try lines == ["2.0"])
  }

  @Test(arguments: [1, 3, 4, 9]) func resumedRunsReplaceTheStepsTakenAgain(firstStep: Int) throws {
    try LossLog(path: path).append([1, 2, 3], firstStep: 1)
    let log = try LossLog(path: path)
    try log.append([7], firstStep: firstStep)
    try log.append([8], firstStep: firstStep + 1)
    #expect(try lines == ["1.0", "2.0", "3.0"].prefix(firstStep - 1) + ["7.0", "8.0"])
  }
}
