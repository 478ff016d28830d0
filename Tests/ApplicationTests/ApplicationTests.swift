// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

/// A package of its own that depends on this one, as an application does: its programs are the README's example and
/// the one of the documentation's first page. They must build, run and learn.
@Suite struct ApplicationTests {
  static let swift = executable(named: "swift")

  @Test(
    .enabled(if: swift != nil, "skipped: no swift on PATH"),
    .enabled(if: PackageFiles.exists("Package.swift"), "skipped: the package is not here, only its tests"),
    .timeLimit(.minutes(10)))
  func examplesBuildAndLearn() throws {
    let temporary = try TemporaryDirectory()
    defer { withExtendedLifetime(temporary) {} }
    // It stays beside what was built for the tests, so that the next run compiles only what has changed.
    let folder = PackageFiles.executables.appending(path: "application-tests")
    let programs = [
      "ReadmeExample": try example(in: "README.md"),
      "GettingStarted": try example(in: "Sources/Tern/Tern.docc/GettingStarted.md"),
    ]
    try write(manifest(programs.keys.sorted()), to: folder.appending(path: "Package.swift"))
    for (name, text) in programs { try write(text, to: folder.appending(path: "Sources/\(name)/main.swift")) }
    // The same versions as here, so that nothing has to be looked up; a checkout need not have such a file.
    if PackageFiles.exists("Package.resolved") {
      let versions = try String(contentsOf: PackageFiles.root.appending(path: "Package.resolved"), encoding: .utf8)
      try write(versions, to: folder.appending(path: "Package.resolved"))
    }

    // A scratch path of its own: a test may not wait for the lock of the build that runs it.
    let scratch = folder.appending(path: ".build").path
    let options = ["--package-path", folder.path, "--scratch-path", scratch, "-Xcc", "-O2"]
    // SwiftPM leaves folders of its own where temporary files go.
    let build = try run(Self.swift!, ["build", "--disable-index-store"] + options, ["TMPDIR": temporary.path])
    try #require(build.status == 0, "swift build failed:\n\(build.output)")
    for name in programs.keys {
      let program = try run("\(scratch)/debug/\(name)", [])
      try #require(program.status == 0, "\(name) failed:\n\(program.output)")
      let losses = program.output.matches(of: /loss ([0-9.e+-]+)/).compactMap { Double($0.1) }
      #expect(losses.count >= 10, "\(name) printed:\n\(program.output)")
      #expect((losses.last ?? .nan) < (losses.first ?? .nan), "\(name) printed:\n\(program.output)")
    }
  }

  // MARK: Helpers

  /// The Swift listings of a page, which together are one program.
  private func example(in page: String) throws -> String {
    let text = try String(contentsOf: PackageFiles.root.appending(path: page), encoding: .utf8)
    let listings = text.components(separatedBy: "```").filter { $0.hasPrefix("swift\n") }
    try #require(!listings.isEmpty, "\(page) has no Swift listing")
    return listings.map { $0.dropFirst("swift\n".count) }.joined()
  }

  private func manifest(_ programs: [String]) -> String {
    let targets = programs.map { name in
      """
          .executableTarget(
            name: "\(name)",
            dependencies: [
              .product(name: "Tern", package: "tern"), .product(name: "TernNN", package: "tern"),
            ])
      """
    }
    return """
      // swift-tools-version: 6.1
      import PackageDescription

      let package = Package(
        name: "application",
        dependencies: [.package(name: "tern", path: "\(PackageFiles.root.path)")],
        targets: [
      \(targets.joined(separator: ",\n"))
        ],
        swiftLanguageModes: [.v6]
      )
      """
  }

  /// Leaves a file alone that has this text already, for the build goes by when it was written.
  private func write(_ text: String, to url: URL) throws {
    if (try? String(contentsOf: url, encoding: .utf8)) == text { return }
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private func run(
    _ program: String, _ arguments: [String], _ environment: [String: String] = [:]
  ) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(["TERN_DEVICE": "cpu"]) { $1 }
      .merging(environment) { $1 }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  private static func executable(named name: String) -> String? {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
