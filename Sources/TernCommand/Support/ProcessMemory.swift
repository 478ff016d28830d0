// SPDX-License-Identifier: MIT
import Foundation
import Tern

/// The most memory that this process has had resident so far, in bytes; 0 where the system does not tell.
func peakResidentBytes() -> Int {
  guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return 0 }
  for line in status.split(separator: "\n") where line.hasPrefix("VmHWM:") {
    let fields = line.split(separator: " ")
    return fields.count >= 2 ? (Int(fields[1]) ?? 0) * 1024 : 0
  }
  return 0
}

extension Device {
  /// What a run took at most: tensors for an OpenCL device; for the CPU the process, of which tensors are a part.
  var peakBytes: Int { kind == .cpu ? max(memory.peak, peakResidentBytes()) : memory.peak }
}
