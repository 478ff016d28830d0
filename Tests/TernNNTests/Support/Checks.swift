// SPDX-License-Identifier: MIT
import Foundation
import Tern
import Testing

@testable import TernNN

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

/// A process's standard error, as text.
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
