// SPDX-License-Identifier: MIT
import Foundation
import Tern
import Testing

@testable import TernNN

/// Expects every element within `absolute + relative * |expected|`.
func expectClose(
  _ actual: Tensor, _ expected: [Double], relative: Double = 1e-5, absolute: Double = 1e-6, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let values = try actual.scalars(as: Double.self)
  try #require(values.count == expected.count, "\(what) count", sourceLocation: sourceLocation)
  for (index, (value, wanted)) in zip(values, expected).enumerated()
  where !(value == wanted || abs(value - wanted) <= absolute + relative * abs(wanted)) {
    Issue.record(
      "\(what) element \(index) on \(actual.device): got \(value), expected \(wanted)", sourceLocation: sourceLocation)
    return
  }
}

/// Smooth, irregular numbers without a seed.
func sample(_ shape: [Int], scale: Double = 1, shift: Double = 0, phase: Double = 0) -> [Float] {
  (0..<shape.reduce(1, *)).map { Float(scale * sin(Double($0) * 1.7 + phase + 0.3) + shift) }
}

func sampleTensor(
  _ shape: [Int], scale: Double = 1, shift: Double = 0, phase: Double = 0, on device: Device = .cpu
) -> Tensor {
  Tensor(sample(shape, scale: scale, shift: shift, phase: phase), shape: shape, on: device)
}

func doubles(_ numbers: [Float]) -> [Double] { numbers.map(Double.init) }

/// Expects an error with this code whose text contains all the fragments.
func expectError<R>(
  _ code: TernError.Code, _ fragments: String..., sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> R
) {
  do {
    _ = try body()
    Issue.record("no error was thrown", sourceLocation: sourceLocation)
  } catch let error as TernError {
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    for fragment in fragments {
      #expect(error.description.contains(fragment), "\(error)", sourceLocation: sourceLocation)
    }
    #expect(!error.description.contains("\n"), "the error has more than one line", sourceLocation: sourceLocation)
    #expect(!error.remedy.isEmpty, "the error says nothing of what to do", sourceLocation: sourceLocation)
  } catch {
    Issue.record("unexpected error \(error)", sourceLocation: sourceLocation)
  }
}

/// A directory of its own for each test, removed with the last reference.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "tern-nn-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  var contents: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}

/// A process's standard error, as text.
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
