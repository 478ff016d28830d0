// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import TernRuntime

@Suite struct TuningFileTests {
  private let folder: TemporaryDirectory
  private let identity = DeviceIdentity.example
  init() throws { folder = try TemporaryDirectory() }

  private func save(_ choices: [ChoiceFile.Choice]) throws {
    try ChoiceFile.update(in: folder.path, for: identity, patience: 10) { $0.merge(choices) }
  }

  private var choices: [ChoiceFile.Choice]? { ChoiceFile.read(in: folder.path, for: identity)?.choices }
  private var file: String { ChoiceFile.path(in: folder.path, for: identity) }

  @Test func newResultsReplaceOldOnesAndKeepTheRest() throws {
    #expect(choices == nil)
    try save([ChoiceFile.Choice(.square(1), "wide"), ChoiceFile.Choice(.square(2), "wide")])
    try save([ChoiceFile.Choice(.square(2), "own"), ChoiceFile.Choice(.square(3), "own")])
    #expect(
      choices == [
        ChoiceFile.Choice(.square(1), "wide"), ChoiceFile.Choice(.square(2), "own"),
        ChoiceFile.Choice(.square(3), "own"),
      ])
    #expect(folder.contents == ["lock", "some-gpu-x-1-\(hexadecimal(identity.hash)).choices.json"])
  }

  @Test(arguments: ["", "{", "[]", "{}", "\u{0}\u{0}", #"{"format":"tern choices 9","device":{},"choices":[]}"#])
  func damagedOrForeignFileIsIgnoredAndReplaced(_ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    #expect(choices == nil)
    try save([ChoiceFile.Choice(.square(1), "wide")])
    #expect(choices?.count == 1)
  }

  @Test func fileCutOffAnywhereIsIgnored() throws {
    try save([ChoiceFile.Choice(.square(1), "wide"), ChoiceFile.Choice(.square(2), "wide")])
    let whole = try Data(contentsOf: URL(fileURLWithPath: file))
    for count in stride(from: 0, to: whole.count - 1, by: 37) {
      try whole.prefix(count).write(to: URL(fileURLWithPath: file))
      #expect(choices == nil, "\(count) bytes")
    }
  }

  @Test func fileOfAnotherDriverIsIgnored() throws {
    let other = DeviceIdentity(name: identity.name, platform: identity.platform, driver: "1.3", kernels: "abc")
    try ChoiceFile.update(in: folder.path, for: other, patience: 10) {
      $0.merge([ChoiceFile.Choice(.square(1), "wide")])
    }
    #expect(choices == nil)
    try FileManager.default.moveItem(atPath: ChoiceFile.path(in: folder.path, for: other), toPath: file)
    #expect(choices == nil)
  }

  @Test func entriesOfProblemsThatNobodyKnowsAreSkipped() throws {
    var choice = ChoiceFile.Choice(.square(1), "wide")
    choice.problem = "attention heads=8"
    try save([choice, ChoiceFile.Choice(.square(2), "own")])
    let entries = try #require(ChoiceFile.read(in: folder.path, for: identity)).entries
    #expect(entries.map(\.problem) == [.square(2)])
  }

  @Test func writersAtOneTimeLoseNothing() async throws {
    let (path, identity) = (folder.path, identity)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for round in 0..<5 {
            try ChoiceFile.update(in: path, for: identity, patience: 60) {
              $0.merge([ChoiceFile.Choice(.square(1 + 5 * writer + round), "own")])
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(Set(choices!.map(\.problem)) == Set((1...20).map { ProblemClass.square($0).description }))
  }

  @Test func lockedFolderIsAnErrorAfterAWhile() throws {
    try FileLock.holding(folder.path + "/lock", patience: 0) {
      let error = #expect(throws: TernError.self) {
        try ChoiceFile.update(in: folder.path, for: identity, patience: 0.02) { $0.choices = [] }
      }
      #expect(error?.code == .file)
    }
    try save([])
  }

  @Test func abandonedTemporaryFilesAreRemoved() throws {
    _ = FileManager.default.createFile(atPath: folder.path + "/.x.choices.json.1.1.partial", contents: Data("{".utf8))
    try save([])
    #expect(folder.contents.count == 2)
  }

  @Test func problemsAddUpAndTheLeastWorkIsDropped() throws {
    func meet(_ problems: [(ProblemClass, Int)]) throws {
      try ProblemFile.update(in: folder.path, for: identity, patience: 10) { file in
        file.merge(problems.map { (problem: $0.0, count: $0.1) })
      }
    }
    try meet([(.square(512), 3), (.square(100), 1)])  // 2.7e8 operations each, and 2e6 in all
    try meet([(.square(512), 4), (.square(1024), 1)])
    let file = try #require(ProblemFile.read(in: folder.path, for: identity))
    #expect(file.ranked.map(\.problem) == [.square(1024), .square(512)])
    #expect(file.ranked.map(\.met.count) == [1, 7])
    try meet((0..<2 * ProblemFile.limit).map { (ProblemClass.square(500 + $0), 1) })
    #expect(ProblemFile.read(in: folder.path, for: identity)?.problems.count == ProblemFile.limit)
    #expect(ProblemFile.read(in: folder.path, for: identity)?.ranked.first?.problem == .square(2547))
    // Another driver keeps the problems.
    let updated = DeviceIdentity(name: identity.name, platform: identity.platform, driver: "2", kernels: "def")
    #expect(ProblemFile.read(in: folder.path, for: updated) != nil)
  }
}

@Suite struct CacheDirectoryTests {
  @Test(
    arguments: [
      (["TERN_CACHE_DIRECTORY": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"], "/a"),
      (["TERN_CACHE_DIRECTORY": "", "XDG_CACHE_HOME": "/b", "HOME": "/c"], "/b/tern"),
      (["XDG_CACHE_HOME": "relative", "HOME": "/c"], "/c/.cache/tern"), (["HOME": ""], nil), ([:], nil),
    ] as [([String: String], String?)])
  func firstPlaceThatIsSetIsTaken(_ environment: [String: String], _ expected: String?) {
    #expect(CacheDirectory.path(environment) == expected)
  }

  @Test func placeThatCannotBeMadeIsNone() throws {
    let folder = try TemporaryDirectory()
    #expect(CacheDirectory.folder("x", in: folder.path + "/y") == folder.path + "/y/x")
    _ = FileManager.default.createFile(atPath: folder.path + "/file", contents: nil)
    #expect(CacheDirectory.folder("x", in: folder.path + "/file") == nil)
  }
}
