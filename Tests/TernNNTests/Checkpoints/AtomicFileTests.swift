// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime
import TestSupport
import Testing

@testable import TernNN

@Suite struct AtomicFileTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  private func write(_ text: String, to path: String, commits: Bool = true) throws {
    let file = try AtomicFile(path: path)
    try Array(text.utf8).withUnsafeBytes { try file.write($0) }
    if commits { try file.commit() }
  }

  private func read(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  @Test func nothingAppearsBeforeTheCommit() throws {
    let path = folder.file("x")
    try write("old", to: path)
    try write("new", to: path, commits: false)
    #expect(try read(path) == "old")
    #expect(folder.contents == ["x"], "a dropped writer leaves its temporary file behind")
    try write("new", to: path)
    #expect(try read(path) == "new")
    #expect(folder.contents == ["x"])
  }

  @Test func linksAreFollowed() throws {
    let (target, link) = (folder.file("target"), folder.file("link"))
    try write("old", to: target)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    try write("new", to: link)
    #expect(try read(target) == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
  }

  @Test func impossiblePlacesAreNamed() throws {
    try write("a file", to: folder.file("file"))
    expectError(.file, "file/below", "not a directory") { try AtomicFile(path: folder.file("file/below")) }
    expectError(.file, "nowhere/x", "create the directory") { try AtomicFile(path: folder.file("nowhere/x")) }
    expectError(.file, "directory") { try AtomicFile(path: folder.path) }
    expectError(.file, "without a name") { try AtomicFile(path: "") }
    expectError(.file, "/dev/full") { try AtomicFile(path: "/dev/full") }
    expectError(.file, folder.file("file/below")) { try AtomicFile.checkWritable(folder.file("file/below")) }
    #expect(folder.contents == ["file"])
  }

  @Test func aSizeLimitIsAnErrorAndKeepsTheOldFile() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryDirectory()
      let path = folder.file("model")
      let small = Linear(2, 2)
      try small.save(to: path)
      var limit = rlimit(rlim_cur: 4096, rlim_max: 4096)
      try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      expectError(.file, path, "File too large", "ulimit") { try Linear(100, 100).save(to: path) }
      try small.load(from: path)
      #expect(folder.contents == ["model"])
    }
  }
}
