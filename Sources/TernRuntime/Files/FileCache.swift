// SPDX-License-Identifier: MIT
import Foundation
import Synchronization
import TernKernels

/// A folder of files with bytes that can be made again, each found by a key, in the cache directory.
///
/// Files appear whole, hold their whole key and a checksum, and are replaced when they are not what they should be;
/// those that were not used for the longest time go first when the folder is full. Processes share the folder without
/// locks: the worst that they can do to each other is to make something twice. Nothing throws: what goes wrong costs
/// the cache, never the caller.
final class FileCache: Sendable {
  struct Key: Sendable {
    /// All that the value depends on.
    fileprivate let bytes: [UInt8]
    fileprivate let hash: UInt64
    fileprivate let name: String

    /// - Parameters:
    ///   - name: part of the file's name, for people who look into the folder.
    ///   - parts: without NUL, which stands between them.
    init(_ name: String, _ parts: [String]) {
      self.name = name
      bytes = Array(parts.joined(separator: "\0").utf8)
      hash = FileCache.hash(bytes)
    }
  }

  private let folder: String
  private let kind: String
  private let mark: [UInt8]
  private let limit: Int
  /// Set when the folder turns out to take no files.
  private let isClosed = Atomic(false)
  /// Bytes written since the folder was last looked through; nil before the first time.
  private let written = Lock<Int?>(nil)

  /// - Parameters:
  ///   - folder: made by the first writer.
  ///   - kind: what the files' names end in.
  ///   - format: what the files begin with; files of another format count as missing.
  ///   - limit: bytes of all files together, about: those of other processes are seen now and then only. Nothing that
  ///     would take more than a quarter is kept.
  init(folder: String, kind: String, format: String, limit: Int) {
    (self.folder, self.kind, self.limit) = (folder, kind, limit)
    mark = Array((format + "\n").utf8)
  }

  /// Where a key's file is.
  func path(_ key: Key) -> String {
    folder + "/" + CacheDirectory.fileName(key.name, hash: key.hash, kind: kind)
  }

  /// Whether writing may be of use.
  var takesMore: Bool { !isClosed.load(ordering: .relaxed) }

  // MARK: Reading

  /// The bytes kept for a key; nil where there is no sound file of them.
  func value(for key: Key) -> [UInt8]? {
    let path = path(key)
    guard let bytes = contents(of: path) else { return nil }
    var rest = bytes[...]
    func take(_ count: Int) -> ArraySlice<UInt8>? {
      guard count >= 0, rest.count >= count else { return nil }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count)
    }
    func takeNumber() -> UInt64? {
      take(8).map { $0.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    }
    guard take(mark.count) == mark[...], let keyCount = takeNumber(), let checksum = takeNumber(),
      take(Int(clamping: keyCount)) == key.bytes[...]
    else { return nil }
    let value = Array(rest)
    guard Self.hash(value) == checksum else { return nil }
    utimes(path, nil)  // used now; where that cannot be noted, the file goes a little earlier
    return value
  }

  private func contents(of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  // does not wait for a pipe's writer
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, 0...limit ~= Int(status.st_size) else {
      return nil
    }
    let count = Int(status.st_size)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = read(descriptor, buffer.baseAddress! + filled, count - filled)
        if got < 0 && errno == EINTR { continue }
        if got <= 0 { break }
        filled += got
      }
    }
  }

  // MARK: Writing

  /// Keeps bytes for a key, in place of what was there.
  func keep(_ value: [UInt8], for key: Key) {
    func number(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let bytes = mark + number(UInt64(key.bytes.count)) + number(Self.hash(value)) + key.bytes + value
    guard takesMore, bytes.count <= limit / 4 else { return }
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      let file = try AtomicFile(path: path(key))
      file.isDurable = false
      try bytes.withUnsafeBytes { try file.write($0) }
      try file.commit()
    } catch {
      isClosed.store(true, ordering: .relaxed)
      return
    }
    let isTimeToLook = written.withLock { written in
      let sum = written.map { $0 + bytes.count }
      written = sum.map { $0 > limit / 16 ? 0 : $0 } ?? 0
      return written == 0
    }
    if isTimeToLook { makeRoom() }
  }

  /// Where the files are more than the limit, removes those that were not used for the longest time, down to three
  /// quarters of it; and what writers left that were killed.
  private func makeRoom() {
    var files: [(path: String, size: Int, used: Date)] = []
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      let path = folder + "/" + name
      guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
        let size = attributes[.size] as? Int, let used = attributes[.modificationDate] as? Date
      else { continue }
      if name.hasSuffix("." + kind) {
        files.append((path, size, used))
      } else if name.hasPrefix("."), name.hasSuffix(".partial"), used < Date(timeIntervalSinceNow: -3600) {
        unlink(path)
      }
    }
    var sum = files.reduce(0) { $0 + $1.size }
    guard sum > limit else { return }
    for file in files.sorted(by: { $0.used < $1.used }) where sum > limit / 4 * 3 {
      unlink(file.path)
      sum -= file.size
    }
  }

  private static func hash(_ bytes: [UInt8]) -> UInt64 {
    bytes.withUnsafeBytes { tern_hash($0.baseAddress, $0.count, 0) }
  }
}
