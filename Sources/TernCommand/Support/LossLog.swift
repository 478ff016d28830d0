// SPDX-License-Identifier: MIT
import Foundation
import Tern

/// A file whose line `n` is the loss of step `n`: the shortest text that reads back as the same Float32.
final class LossLog {
  private let path: String
  private let file: FileHandle
  /// Whether lines of steps that are about to be taken again may still be there.
  private var mayRepeat: Bool

  /// - Parameter resuming: keeps the lines of the steps before the first one that `append` is told of.
  /// - Throws: `TernError` with code `file` if the place cannot be written.
  init(path: String, resuming: Bool) throws {
    self.path = path
    mayRepeat = resuming
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (resuming ? 0 : O_TRUNC), 0o666)
    guard descriptor >= 0 else { throw Self.failure(path, String(cString: strerror(errno))) }
    file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// Writes the losses of step `firstStep` (from 1) and the ones after it.
  func append(_ losses: [Float], firstStep: Int) throws {
    do {
      if mayRepeat { try truncate(toLines: firstStep - 1) }
      mayRepeat = false
      try file.write(contentsOf: Data(losses.map { "\($0)\n" }.joined().utf8))
    } catch {
      throw Self.failure(path, "\((error as? any CustomNSError)?.errorUserInfo[NSUnderlyingErrorKey] ?? error)")
    }
  }

  private func truncate(toLines count: Int) throws {
    let text = try file.readToEnd() ?? Data()
    var end = text.startIndex
    for _ in 0..<count {
      guard let newline = text[end...].firstIndex(of: UInt8(ascii: "\n")) else { break }
      end = newline + 1
    }
    try file.truncate(atOffset: UInt64(end - text.startIndex))
  }

  private static func failure(_ path: String, _ cause: String) -> TernError {
    TernError(
      .file, "cannot write \(path)", remedy: "choose a place that exists, may be written and has space", cause: cause)
  }
}
