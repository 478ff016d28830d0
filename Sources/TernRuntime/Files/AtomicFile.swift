// SPDX-License-Identifier: MIT
import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Distinguishes the temporary files of one process.
private let openedFiles = Atomic<Int>(0)

/// A file that appears whole or not at all: written beside its place, synced, then renamed over it.
///
/// Until `commit` returns, a file that was there before stays as it was; a writer that is dropped leaves nothing
/// behind.
package final class AtomicFile {
  /// The place asked for, as messages name it.
  private let path: String
  /// The file to replace: `path` with symbolic links followed.
  private let target: String
  private let temporary: String
  private var descriptor: Int32
  private var isCommitted = false
  /// Whether the file must survive a power failure from `commit` on. If not, what is found after one may be damaged,
  /// which the reader has to notice, and no disk is waited for.
  package var isDurable = true

  /// Opens the temporary file.
  ///
  /// - Throws: `TernError` with code `file` when the place cannot be written.
  package init(path: String) throws {
    guard !path.isEmpty else {
      throw TernError(.file, "cannot write a file without a name", remedy: "give the path of a file")
    }
    self.path = path
    target = AtomicFile.resolved(path)
    let (folder, name) = parts(of: target)
    var status = stat()
    if stat(target, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      // Renaming over a device such as /dev/full would replace it.
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw TernError(
        .file, "cannot write \(path): it is \(isFolder ? "a directory" : "not a regular file")",
        remedy: "give the path of a file")
    }
    let number = openedFiles.add(1, ordering: .relaxed).newValue
    temporary = "\(folder)/.\(name).\(getpid()).\(number).partial"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw failure("open", errno) }
  }

  deinit {
    if isCommitted { return }
    if descriptor >= 0 { close(descriptor) }
    unlink(temporary)
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    let code = writeAll(bytes, to: descriptor)
    if code != 0 { throw failure("write", code) }
  }

  /// Makes the file appear.
  package func commit() throws {
    if isDurable, fsync(descriptor) != 0 { throw failure("sync", errno) }
    let closed = close(descriptor)
    descriptor = -1
    if closed != 0 { throw failure("close", errno) }
    if rename(temporary, target) != 0 { throw failure("rename", errno) }
    isCommitted = true
    guard isDurable else { return }
    // The rename is on disk only when the folder is; where folders cannot be synced, nothing can be done about it.
    let folderDescriptor = open(parts(of: target).folder, O_RDONLY | O_CLOEXEC)
    if folderDescriptor >= 0 {
      fsync(folderDescriptor)
      close(folderDescriptor)
    }
  }

  /// Throws if a file could not be written there, without touching what is there.
  package static func checkWritable(_ path: String) throws { _ = try AtomicFile(path: path) }

  private func failure(_ action: String, _ code: Int32) -> TernError {
    TernError.cannotWrite(path, code, action: action)
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }
}
