// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

/// Prints a value as one JSON object on one line: all that standard output holds under `--json`.
///
/// - Throws: `TernError` with code `file` when it does not arrive there.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  try printResult(String(decoding: try encoder.encode(value), as: UTF8.self))
}
