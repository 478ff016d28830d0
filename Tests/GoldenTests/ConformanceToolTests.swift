// SPDX-License-Identifier: MIT
import Conformance
import Foundation
import Tern
import TestSupport
import Testing

private let tool = "tern-conformance"
private let isBuilt = FileManager.default.isExecutableFile(
  atPath: PackageFiles.executables.appending(path: tool).path)

/// The tool that scorers call, with cases as they lay them out.
@Suite(.enabled(if: isBuilt, "\(tool) is not beside the tests")) struct ConformanceToolTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  /// A case of a matrix product, with matrices of these shapes.
  private func write(_ id: String, operation: String, _ shapes: [String: [Int]]) throws -> [String: Any] {
    let place = folder.file("in/" + id)
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    for (name, shape) in shapes { try Tensor.ones(shape, on: .cpu).write(npy: "\(place)/\(name).npy") }
    let results = ["out.y": [:], "d.in.a": [:]]
    return [
      "id": id, "op": operation, "attrs": [:] as [String: Any], "rtol": 1e-4, "atol": 1e-5, "kind": "gradient",
      "arrays": results.merging(shapes.mapValues { _ in [:] }) { a, _ in a },
    ]
  }

  private func run(_ cases: [[String: Any]], _ arguments: [String] = []) throws -> Tool.Outcome {
    let index = folder.file("index.json")
    try JSONSerialization.data(withJSONObject: ["cases": cases]).write(to: URL(fileURLWithPath: index))
    return try Tool.run(
      ["golden", "--index", index, "--in", folder.file("in"), "--out", folder.file("out")] + arguments, of: tool)
  }

  @Test func aCaseThatTrapsCostsNoOther() throws {
    let fitting = ["in.a": [2, 3], "in.b": [3, 4], "go.y": [2, 4]]
    let outcome = try run([
      write("first", operation: "matmul", fitting),
      write("misshapen", operation: "matmul", ["in.a": [2], "in.b": [3]]),
      write("unknown", operation: "levitate", fitting), write("last", operation: "matmul", fitting),
    ])
    #expect(outcome.status == 1 && !outcome.crashed)
    #expect(outcome.error.contains("misshapen: crashed"), "\(outcome.error)")
    #expect(outcome.error.hasSuffix("4 cases: 2 answered, 1 unsupported, 1 failed\n"), "\(outcome.error)")
    for id in ["first", "last"] {
      let y = try Tensor(npy: folder.file("out/\(id)/out.y.npy"), on: .cpu)
      let gradient = try Tensor(npy: folder.file("out/\(id)/d.in.a.npy"), on: .cpu)
      #expect(y.shape == [2, 4] && gradient.shape == [2, 3])
      #expect(try y.scalars(as: Float.self) == [Float](repeating: 3, count: 8))
      #expect(try gradient.scalars(as: Float.self) == [Float](repeating: 4, count: 6))
    }
    #expect(
      try String(contentsOfFile: folder.file("out/unknown/unsupported.txt"), encoding: .utf8).contains("levitate"))
  }

  /// Whatever the shapes, products are packed, multiplied and added up by the same kernels.
  @Test(.enabled(if: Device.all.count > 1, "skipped: there is no OpenCL device"))
  func programsDoNotGrowWithShapes() throws {
    let cases = try [[3, 4, 5], [17, 33, 2], [40, 1, 70], [64, 64, 64]].enumerated().map { number, n in
      try write(
        "case\(number)", operation: "matmul", ["in.a": [n[0], n[1]], "in.b": [n[1], n[2]], "go.y": [n[0], n[2]]])
    }
    let arguments = ["--device", "opencl:0", "--program-limit"]
    let outcome = try run(cases, arguments + ["8"])
    #expect(outcome.status == 0, "\(outcome.error)")
    let count = try #require(outcome.error.firstMatch(of: /(\d+) OpenCL programs, \d+ compiled now\n/))
    #expect(count.1 != "0")
    let refused = try run(Array(cases.prefix(1)), arguments + ["0"])
    #expect(refused.status == 1 && refused.error.contains("more than 0"), "\(refused.error)")
  }

  @Test func whatCannotBeReadIsNamed() throws {
    try Tool.expectFailure(
      ["golden", "--index", folder.file("none.json"), "--in", "x", "--out", folder.file("out")], of: tool,
      says: ["none.json"])
    let outcome = try run([write("one", operation: "matmul", [:])], ["--device", "abacus"])
    #expect(outcome.status == 1 && outcome.error.contains("abacus"), "\(outcome.error)")
  }
}
