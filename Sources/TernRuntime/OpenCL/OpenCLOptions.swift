// SPDX-License-Identifier: MIT
import Foundation

/// How a device is opened; the environment decides unless a test does.
struct OpenCLOptions: Sendable {
  /// Overrides what the driver says, so that tests run the GPU's kernels on a CPU device.
  var treatAsCPU: Bool?
  /// 0 to interpret all pointwise programs, 1 to compile all; `TERN_POINTWISE_TIER`.
  var pointwiseTier: Int?
  /// Elements from which a pointwise result passes the caches by, on CPU devices.
  var leastStreamed: Int?
  /// The most bytes that tensors and free blocks may take; `TERN_MEMORY_LIMIT`.
  var memoryLimit: Int?
  /// Whether an operation without a kernel fails instead of running on the CPU; `TERN_STRICT`.
  var isStrict = false
  /// Whether the problems that the device meets are kept for `tern tune`.
  var recordsProblems = false
  /// Whether compiled programs are kept on disk; `TERN_PROGRAM_CACHE`.
  var programCache = DiskProgramCache.Mode.never
  /// Where; the user's cache directory unless a test has one of its own.
  var cacheDirectory: String?
  /// Choices that stand in for those of the cache.
  var choices: ChoiceTable?

  /// - Throws: `TernError` with code `setting` for a value that means nothing.
  static func configured(
    by environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(TernError) -> OpenCLOptions {
    var options = OpenCLOptions()
    options.recordsProblems = true
    if let text = environment["TERN_POINTWISE_TIER"], !text.isEmpty {
      guard let tier = Int(text), 0...1 ~= tier else {
        throw TernError(
          .setting, "TERN_POINTWISE_TIER: '\(text)' is no tier", remedy: "use 0 to interpret, 1 to compile, or unset it"
        )
      }
      options.pointwiseTier = tier
    }
    if let text = environment["TERN_STRICT"], !text.isEmpty {
      guard ["0", "1"].contains(text) else {
        throw TernError(.setting, "TERN_STRICT: '\(text)' means nothing", remedy: "use 1 or 0, or unset it")
      }
      options.isStrict = text == "1"
    }
    options.programCache = .auto
    if let text = environment["TERN_PROGRAM_CACHE"], !text.isEmpty {
      guard let mode = DiskProgramCache.Mode(rawValue: text) else {
        throw TernError(
          .setting, "TERN_PROGRAM_CACHE: '\(text)' means nothing", remedy: "use auto, always or never, or unset it")
      }
      options.programCache = mode
    }
    do {
      options.memoryLimit = try MemoryPool.configuredLimit(environment["TERN_MEMORY_LIMIT"])
    } catch {
      throw error as! TernError
    }
    return options
  }
}
