// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import TernRuntime

@Suite struct FileCacheTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  static let format = "tern test 1"
  private static func cache(_ folder: String, limit: Int = 1 << 20, format: String = format) -> FileCache {
    FileCache(folder: folder + "/things", kind: "thing", format: format, limit: limit)
  }
  private var cache: FileCache { Self.cache(folder.path) }
  /// None where the cache has made no folder.
  private var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/things").sorted()) ?? []
  }

  private static func key(_ number: Int) -> FileCache.Key { FileCache.Key("gemm tile.cl", ["part", "\(number)"]) }
  private static func value(_ number: Int, count: Int = 1000) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 * 31 + number) }
  }

  /// Makes a file old.
  private func age(_ path: String, seconds: Int) {
    let time = timeval(tv_sec: time(nil) - seconds, tv_usec: 0)
    utimes(path, [time, time])
  }

  @Test func valuesComeBackInAnotherProcessesCache() {
    #expect(cache.value(for: Self.key(1)) == nil)
    #expect(names.isEmpty)
    for (number, count) in [(1, 1000), (2, 1), (3, 0)] {
      cache.keep(Self.value(number, count: count), for: Self.key(number))
    }
    for (number, count) in [(1, 1000), (2, 1), (3, 0)] {
      #expect(cache.value(for: Self.key(number)) == Self.value(number, count: count))
    }
    #expect(cache.value(for: Self.key(4)) == nil)
    #expect(names.count == 3 && names.allSatisfy { $0.hasPrefix("gemm-tile-cl-") && $0.hasSuffix(".thing") })
    cache.keep(Self.value(9), for: Self.key(1))
    #expect(cache.value(for: Self.key(1)) == Self.value(9))
    #expect(names.count == 3)
  }

  @Test func partsOfAKeyDoNotRunTogether() {
    let (one, other) = (FileCache.Key("x", ["ab", "c"]), FileCache.Key("x", ["a", "bc"]))
    #expect(cache.path(one) != cache.path(other))
    #expect(cache.path(one) == cache.path(FileCache.Key("x", ["ab", "c"])))
  }

  @Test func fileThatIsNotWhatItShouldBeIsIgnoredAndReplaced() throws {
    let place = URL(fileURLWithPath: cache.path(Self.key(1)))
    cache.keep(Self.value(1), for: Self.key(1))
    let whole = try Data(contentsOf: place)
    var damaged: [Data] = stride(from: 0, to: whole.count, by: 97).map { whole.prefix($0) }
    for index in stride(from: 0, to: whole.count, by: 13) {
      var bytes = whole
      bytes[index] ^= 0x10
      damaged.append(bytes)
    }
    damaged += [whole + [0], Data("#!/bin/sh\n".utf8), Data(count: 5000)]
    for bytes in damaged {
      try bytes.write(to: place)
      #expect(cache.value(for: Self.key(1)) == nil)
    }
    // Whole, but of another key whose name it has, or of another format.
    cache.keep(Self.value(2), for: Self.key(2))
    try Data(contentsOf: URL(fileURLWithPath: cache.path(Self.key(2)))).write(to: place)
    #expect(cache.value(for: Self.key(1)) == nil)
    #expect(Self.cache(folder.path, format: "tern test 2").value(for: Self.key(2)) == nil)
    cache.keep(Self.value(3), for: Self.key(1))
    #expect(cache.value(for: Self.key(1)) == Self.value(3))
  }

  @Test func leastRecentlyUsedFilesMakeRoom() throws {
    let size = try {
      cache.keep(Self.value(0), for: Self.key(0))
      return try Data(contentsOf: URL(fileURLWithPath: cache.path(Self.key(0)))).count
    }()
    for number in 0..<8 {
      cache.keep(Self.value(number), for: Self.key(number))
      age(cache.path(Self.key(number)), seconds: 1000 - number)
    }
    #expect(cache.value(for: Self.key(0)) != nil)  // used now, though written first
    let (killed, running) = (folder.path + "/things/.x.thing.1.1.partial", folder.path + "/things/.y.thing.1.1.partial")
    for path in [killed, running, folder.path + "/things/README"] {
      _ = FileManager.default.createFile(atPath: path, contents: Data(count: 5000))
    }
    age(killed, seconds: 4000)
    age(folder.path + "/things/README", seconds: 4000)  // nobody's business
    Self.cache(folder.path, limit: 8 * size).keep(Self.value(8), for: Self.key(8))
    #expect((0...8).filter { cache.value(for: Self.key($0)) != nil } == [0, 4, 5, 6, 7, 8])
    #expect(names.filter { !$0.hasSuffix(".thing") } == [".y.thing.1.1.partial", "README"])
  }

  @Test func sizeStaysBelowTheLimit() throws {
    let small = Self.cache(folder.path, limit: 20_000)
    for number in 0..<60 { small.keep(Self.value(number), for: Self.key(number)) }
    let sum = try names.reduce(0) { sum, name in
      try sum + Data(contentsOf: URL(fileURLWithPath: folder.path + "/things/" + name)).count
    }
    #expect(5000...(20_000 + 20_000 / 16 + 1100) ~= sum, "\(sum) bytes")
    #expect(small.value(for: Self.key(59)) == Self.value(59))
    small.keep(Self.value(1, count: 6000), for: Self.key(100))
    #expect(small.value(for: Self.key(100)) == nil, "more than a quarter of the limit")
    #expect(small.value(for: Self.key(59)) == Self.value(59))
  }

  @Test func deletedFolderIsMadeAgain() throws {
    let cache = cache
    cache.keep(Self.value(1), for: Self.key(1))
    try FileManager.default.removeItem(atPath: folder.path + "/things")
    #expect(cache.value(for: Self.key(1)) == nil)
    cache.keep(Self.value(1), for: Self.key(1))
    #expect(cache.value(for: Self.key(1)) == Self.value(1))
  }

  @Test(arguments: ["/proc/nowhere", "/dev/null"]) func placeThatTakesNoFilesIsAskedOnce(_ place: String) {
    let cache = Self.cache(place)
    #expect(cache.takesMore)
    cache.keep(Self.value(1), for: Self.key(1))
    #expect(!cache.takesMore && cache.value(for: Self.key(1)) == nil)
  }

  /// A limit on the sizes of files stands in for a full disk: both stop a write in its middle.
  @Test func fullDiskCostsOnlyTheCache() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryDirectory()
      Self.cache(folder.path).keep(Self.value(1), for: Self.key(1))
      var limit = rlimit(rlim_cur: 2000, rlim_max: 2000)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let cache = Self.cache(folder.path)
      cache.keep(Self.value(2, count: 5000), for: Self.key(1))
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/things")
      precondition(!cache.takesMore && cache.value(for: Self.key(1)) == Self.value(1) && names.count == 1)
      exit(EXIT_SUCCESS)  // not `return`: the harness writes files of its own
    }
  }

  /// Instances know as little of each other as processes do.
  @Test func writersAndReadersAtOneTimeSeeWholeValues() async {
    let path = folder.path
    await withTaskGroup(of: Void.self) { group in
      for worker in 0..<4 {
        group.addTask {
          for round in 0..<60 {
            let number = (worker + round) % 5
            let cache = Self.cache(path, limit: 8000)
            if (worker + round) % 2 == 0 { cache.keep(Self.value(number), for: Self.key(number)) }
            let value = cache.value(for: Self.key(number))
            #expect(value == nil || value == Self.value(number))
          }
        }
      }
    }
    #expect(names.allSatisfy { $0.hasSuffix(".thing") })
  }
}
