// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import TernRuntime

@Suite struct FileFailureTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  private func reasonOf(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return reason(of: error) }
  }

  @Test func reasonsAreTheSystemsWords() throws {
    let file = try folder.write([1], "file")
    #expect(reasonOf { _ = try Data(contentsOf: URL(fileURLWithPath: file + "x")) } == "No such file or directory")
    #expect(reasonOf { _ = try String(contentsOfFile: folder.path, encoding: .utf8) } == "Is a directory")
    #expect(reasonOf { _ = try RegularFile(path: file + "/x") }.contains("(Not a directory); check the path"))
    let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
    #expect(reasonOf { try full.write(contentsOf: Data([1])) } == "No space left on device")
  }

  private struct Point: Decodable { let x: [Int], y: [Int] }

  @Test(arguments: [
    (#"{"p":{"x":[]}}"#, "'p.y' is missing"), (#"{"p":{"x":[1,"a"],"y":[]}}"#, "at 'p.x.Index 1'"),
    ("{", "not valid JSON"),
  ]) func undecodableTextIsDescribedInOneLine(json: String, says: String) {
    let text = reasonOf { _ = try JSONDecoder().decode([String: Point].self, from: Data(json.utf8)) }
    #expect(text.contains(says) && !text.contains("CodingKeys") && !text.contains("\n"), "\(text)")
  }

  @Test func whatIsNoRegularFileIsRefusedAtOnce() throws {
    try #require(mkfifo(folder.file("pipe"), 0o600) == 0)
    for path in [folder.file("pipe"), folder.path, "/dev/zero"] {
      let error = #expect(throws: TernError.self) { try RegularFile(path: path) }
      #expect(error?.message == "\(path) is not a regular file")
    }
  }

  @Test func readingStopsAtTheEnd() throws {
    let file = try RegularFile(path: folder.write([1, 2, 3], "three"))
    #expect(try file.read(at: 1, upTo: .max) == [2, 3] && file.read(at: 7, upTo: 2) == [])
    #expect(try file.contents() == Data([1, 2, 3]))
  }

  @Test(arguments: [(0, ""), (1, "a\n"), (2, "a\nbb\n"), (9, "a\nbb\n")])
  func truncatingKeepsWholeLines(count: Int, text: String) throws {
    let path = try folder.write(Array("a\nbb\ncut".utf8), "lines")
    let file = try AppendedFile(path: path)
    try file.truncate(toLines: count)
    try file.append(Data("c\n".utf8))
    #expect(try String(contentsOfFile: path, encoding: .utf8) == text + "c\n")
  }

  @Test func oneFileHasManyNames() throws {
    let file = try folder.write([], "file")
    try #require(link(file, folder.file("hard")) == 0 && symlink("file", folder.file("soft")) == 0)
    try #require(symlink(folder.file("none"), folder.file("hanging")) == 0)
    for (a, b, isSame) in [
      ("file", "file", true), ("file", "hard", true), ("file", "soft", true), ("file", "./../\(name)/file", true),
      ("none", "hanging", true), ("none", "./none", true), ("file", "none", false), ("none", "other", false),
    ] {
      #expect(isSameFile(folder.file(a), folder.file(b)) == isSame, "\(a) and \(b)")
    }
  }

  private var name: String { (folder.path as NSString).lastPathComponent }
}
