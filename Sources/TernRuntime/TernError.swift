// SPDX-License-Identifier: MIT

/// A failure of the world around the program: a device, a file, memory. Mistakes of the caller trap instead.
public struct TernError: Error, Sendable, CustomStringConvertible {
  /// What kind of thing failed; stable, for programs to switch on.
  public enum Code: String, Sendable, CaseIterable {
    /// The device asked for does not exist, or no OpenCL platform was found.
    case noDevice
    /// A device failed while it worked: lost, or a launch was refused.
    case deviceFailure
    /// The device, or the limit set by `TERN_MEMORY_LIMIT`, has too little memory.
    case outOfMemory
    /// A kernel did not compile; the message holds its name, options and build log.
    case kernelBuild
    /// An operation that has no kernel on the device fell back to the CPU under `TERN_STRICT=1`.
    case fallback
    /// A file could not be opened, read, written or renamed.
    case file
    /// A file's contents break its format.
    case format
    /// A checkpoint belongs to another model.
    case checkpointMismatch
    /// A loss or a gradient is not finite.
    case nonFinite
    /// A setting (environment variable, option) has a value that means nothing.
    case setting
  }

  /// What kind of thing failed.
  public let code: Code
  /// What failed and where, in one line.
  public let message: String
  /// What to do about it, in one line; empty where nothing is known.
  public let remedy: String
  /// The underlying cause (an OpenCL status, `strerror`), if any.
  public let cause: String?

  /// An error of a kind, in words for the person who meets it.
  ///
  /// - Parameters:
  ///   - message: what failed and where, in one line.
  ///   - remedy: what to do about it, in one line.
  ///   - cause: what the system or the driver said.
  public init(_ code: Code, _ message: String, remedy: String = "", cause: String? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy
    self.cause = cause
  }

  /// The message, the cause in brackets, and the remedy, in one line.
  public var description: String {
    var text = message
    if let cause { text += " (\(cause))" }
    if !remedy.isEmpty { text += "; \(remedy)" }
    return text
  }

  /// The description without the line breaks that build logs and system messages may have.
  package var oneLine: String {
    description.split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " } }.joined(separator: " | ")
  }
}
