// SPDX-License-Identifier: MIT
import Foundation

extension TernError {
  /// The error for a file that the system does not let us read.
  ///
  /// - Parameter code: the `errno` of the call that failed.
  package static func cannotRead(_ path: String, _ code: Int32, action: String = "read") -> TernError {
    let remedy =
      switch code {
      case ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP: "check the path"
      case EACCES, EPERM: "check the permissions"
      default: "check the disk, or get the file again"
      }
    return TernError(.file, "cannot \(action) \(path)", remedy: remedy, cause: systemReason(code))
  }

  /// The error for a place that the system does not let us write to.
  ///
  /// - Parameter code: the `errno` of the call that failed.
  package static func cannotWrite(_ path: String, _ code: Int32, action: String = "write") -> TernError {
    let remedy =
      switch code {
      case ENOSPC, EDQUOT: "free some space, or write to another disk"
      case EFBIG: "raise the file size limit (ulimit -f), or write to another place"
      case EACCES, EPERM, EROFS: "choose a place that you may write to"
      case ENOENT: "create the directory first"
      case ENOTDIR: "a part of the path is a file, not a directory"
      case EISDIR: "give the path of a file"
      case EBADF: "leave it open, or send it to a file"
      default: "choose another place"
      }
    return TernError(.file, "cannot \(action) \(path)", remedy: remedy, cause: systemReason(code))
  }
}

/// The system's words for an `errno`: "No such file or directory".
package func systemReason(_ code: Int32) -> String { String(cString: strerror(code)) }

/// Why something that Foundation does failed, in one line: the system's reason where there is one below the error, and
/// what is wrong where for text that could not be decoded.
package func reason(of error: any Error) -> String {
  switch error {
  case let error as DecodingError: return error.shortDescription
  case let error as TernError: return error.oneLine
  default: break
  }
  var next: (any Error)? = error
  while let current = next.map({ $0 as NSError }) {
    if current.domain == NSPOSIXErrorDomain { return systemReason(Int32(truncatingIfNeeded: current.code)) }
    next = current.userInfo[NSUnderlyingErrorKey] as? any Error
  }
  return firstLine(error.localizedDescription)
}

private func firstLine(_ text: String) -> String { text.split(separator: "\n").first.map(String.init) ?? "unknown" }

extension DecodingError {
  /// What is wrong and where, in one line.
  fileprivate var shortDescription: String {
    func at(_ path: [any CodingKey]) -> String { path.map(\.stringValue).joined(separator: ".") }
    let context: Context
    switch self {
    case .keyNotFound(let key, let around): return "'\(at(around.codingPath + [key]))' is missing"
    case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found): context = found
    @unknown default: return "malformed"
    }
    let place = at(context.codingPath)
    return firstLine(context.debugDescription) + (place.isEmpty ? "" : " at '\(place)'")
  }
}
