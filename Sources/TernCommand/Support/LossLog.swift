// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

/// A file whose line `n` is the loss of step `n`: the shortest text that reads back as the same Float32.
///
/// What an earlier run left there stays until the first loss of this one is known; then the lines of the steps before
/// it are kept (a resumed run's), and the others replaced.
final class LossLog {
  private let file: AppendedFile
  private var hasBegun = false

  /// - Throws: `TernError` with code `file` if the place cannot be written.
  init(path: String) throws { file = try AppendedFile(path: path) }

  /// Writes the losses of step `firstStep` (from 1) and the ones after it.
  func append(_ losses: [Float], firstStep: Int) throws {
    if !hasBegun { try file.truncate(toLines: firstStep - 1) }
    hasBegun = true
    try file.append(Data(losses.map { "\($0)\n" }.joined().utf8))
  }
}
