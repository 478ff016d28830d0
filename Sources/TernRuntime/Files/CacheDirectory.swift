// SPDX-License-Identifier: MIT
import Foundation

/// Where Tern keeps what it can find out again: tuning results and compiled programs. Deleting it is always safe.
package enum CacheDirectory {
  /// `TERN_CACHE_DIRECTORY`, else `$XDG_CACHE_HOME/tern`, else `~/.cache/tern`; nil where none of them names a place.
  package static func path(
    _ environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> String? {
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    if let path = value("TERN_CACHE_DIRECTORY") { return path }
    // The XDG base directory specification has relative paths ignored.
    if let base = value("XDG_CACHE_HOME"), base.hasPrefix("/") { return base + "/tern" }
    return value("HOME").map { $0 + "/.cache/tern" }
  }

  /// A folder of the cache, made if it is missing; nil where it cannot be made.
  static func folder(_ name: String, in root: String? = path()) -> String? {
    guard let root else { return nil }
    let folder = root + "/" + name
    let made: Void? = try? FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    return made == nil ? nil : folder
  }

  /// A file's name for a device: its own name for people, and a hash that tells devices and versions apart.
  static func fileName(_ name: String, hash: UInt64, kind: String) -> String {
    let plain = name.unicodeScalars.map { scalar in
      scalar.isASCII && (CharacterSet.alphanumerics.contains(scalar)) ? Character(scalar) : "-"
    }
    let words = String(plain).lowercased().split(separator: "-").joined(separator: "-")
    return "\(words.prefix(40))-\(hexadecimal(hash)).\(kind)"
  }
}

/// FNV-1a over the bytes of the parts, with an end mark after each: a hash that is the same in every process.
func stableHash(_ parts: String...) -> UInt64 { stableHash(parts) }

func stableHash(_ parts: [String]) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  for part in parts {
    for byte in part.utf8 { add(byte) }
    add(0)
  }
  return hash
}

/// Sixteen digits.
func hexadecimal(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
