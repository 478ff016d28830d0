// SPDX-License-Identifier: MIT
import COpenCL
import Foundation
import TernKernels
import TestSupport
import Testing

@testable import TernRuntime

/// On PoCL, too, where only tests ask for binaries; the programs are tiny for that reason.
@Suite(.serialized, .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped)) struct DiskProgramCacheTests {
  private let folder: TemporaryDirectory
  private let info = OpenCLDevices.shared.found[0]
  init() throws { folder = try TemporaryDirectory() }

  private static func source(_ number: Int) -> String {
    "__kernel void k(__global int* y) { y[get_global_id(0)] = \(number); }"
  }

  struct Run: Equatable {
    var value: Int32
    var builds: Int
    var loads: Int
  }
  private static let compiled = Run(value: 7, builds: 1, loads: 0)
  private static let loaded = Run(value: 7, builds: 0, loads: 1)

  /// Runs a kernel on a device that is opened for it.
  private static func run(
    _ number: Int = 7, in folder: String, _ functions: OpenCLFunctions = OpenCLFunctions.loaded!
  ) throws -> Run {
    let options = OpenCLOptions(programCache: .always, cacheDirectory: folder)
    let backend = try OpenCLSupport.privateBackend(functions: functions, options: options)
    let kernel = try backend.programs.kernel("k", ofGenerated: source(number), called: "k.cl")
    let y = backend.storage(of: [Int32(0)])
    backend.launch(kernel, global: [1], local: [1], [.storage(y)])
    let value = try backend.array(Int32.self, 1, from: y)[0]
    return Run(value: value, builds: backend.statistics.programBuilds, loads: backend.statistics.programLoads)
  }

  /// None where the cache has made no folder.
  private var entries: [URL] {
    let folder = folder.path + "/programs"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? []
    return names.map { URL(fileURLWithPath: folder + "/" + $0) }
  }

  @Test func programOutlivesItsDevice() throws {
    #expect(try Self.run(in: folder.path) == Self.compiled)
    #expect(entries.count == 1)
    #expect(try Self.run(in: folder.path) == Self.loaded)
    #expect(try Self.run(8, in: folder.path) == Run(value: 8, builds: 1, loads: 0))
    #expect(entries.count == 2)
    for entry in entries { try FileManager.default.removeItem(at: entry) }
    #expect(try Self.run(in: folder.path) == Self.compiled)
  }

  /// A library's program with definitions and several kernels, of which only one was asked for when it was compiled.
  @Test func everyKernelOfAProgramComesBack() throws {
    let options = OpenCLOptions(programCache: .always, cacheDirectory: folder.path)
    func kernels(_ names: [String]) throws -> Statistics {
      let backend = try OpenCLSupport.privateBackend(options: options)
      for name in names { _ = try backend.programs.kernel(name, of: "gemm_integer.cl", definitions: Self.integers) }
      return backend.statistics
    }
    #expect(try kernels(["gemm_integer"]).programBuilds == 1)
    #expect(try kernels(["gemm_integer"]).programLoads == 1)
    let error = #expect(throws: TernError.self) { try kernels(["nothing"]) }
    #expect(error?.message.contains("no kernel nothing") == true)
  }
  private static let integers = ["LEFT=int32", "RIGHT=int32", "RESULT=int32"]

  @Test func otherSourcesAndOptionsAreOtherEntries() throws {
    let cache = try #require(DiskProgramCache(.always, for: info, in: "/x"))
    let files = FileCache(folder: "/x", kind: "program", format: "f", limit: 1)
    func path(_ source: String, _ options: String) -> String {
      files.path(cache.key(source, options: options, called: "k.cl"))
    }
    #expect(path("a", "b") == path("a", "b"))
    #expect(Set([path("a", "b"), path("a", "c"), path("b", "a"), path("ab", ""), path("", "ab")]).count == 5)
  }

  @Test(arguments: ["empty", "cut", "flipped", "foreign"]) func damagedEntryIsCompiledAgain(_ damage: String) throws {
    _ = try Self.run(in: folder.path)
    var bytes = [UInt8](try Data(contentsOf: entries[0]))
    switch damage {
    case "empty": bytes = []
    case "cut": bytes.removeLast(bytes.count / 3)
    case "flipped": bytes[bytes.count - 9] ^= 1
    default: bytes = Array("#!/bin/sh\n".utf8) + bytes
    }
    try Data(bytes).write(to: entries[0])
    #expect(try Self.run(in: folder.path) == Self.compiled)
    #expect(try Self.run(in: folder.path) == Self.loaded)
  }

  /// Whole, but nothing that this driver could have written.
  @Test func binaryThatTheDriverRefusesIsCompiledAgain() throws {
    _ = try Self.run(in: folder.path)
    let file = [UInt8](try Data(contentsOf: entries[0]))
    func number(_ place: Int) -> Int { (0..<8).reduce(0) { $0 | Int(file[place + $1]) << (8 * $1) } }
    let mark = "tern program 1\n".utf8.count
    let key = mark + 16 + number(mark)  // behind the key's length and the checksum
    let garbage = [UInt8](repeating: 0x55, count: 100)
    let checksum = tern_hash(garbage, garbage.count, 0)
    let bytes = file[..<(mark + 8)] + (0..<8).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }
    try Data(bytes + file[(mark + 16)..<key] + garbage).write(to: entries[0])
    #expect(try Self.run(in: folder.path) == Self.compiled)
    #expect(try Self.run(in: folder.path) == Self.loaded)
  }

  @Test func placeThatCannotBeWrittenIsNoFailure() throws {
    for _ in 0..<2 { #expect(try Self.run(in: "/proc/nowhere") == Self.compiled) }
  }

  /// In a process of its own, to which the plan of faults belongs.
  @Test func eachCallOfTheCacheFailsOnce() async {
    await #expect(processExitsWith: .success) {
      let functions = OpenCLFaults.failing(OpenCLFunctions.loaded!)
      let cases: [(function: String, call: Int, isWarm: Bool)] = [
        ("clGetProgramInfo", 1, false), ("clGetProgramInfo", 2, false), ("clCreateProgramWithBinary", 1, true),
        ("clBuildProgram", 1, true),
      ]
      for (function, call, isWarm) in cases {
        for status in [-5 as Int32, -42] {  // CL_OUT_OF_RESOURCES, CL_INVALID_BINARY
          let fault = "call \(call) of \(function) with status \(status)"
          let folder = try TemporaryDirectory()
          if isWarm { _ = try Self.run(in: folder.path, functions) }
          OpenCLFaults.begin(OpenCLFaults.Plan(function, call: call, .status(status)))
          let run = try Self.run(in: folder.path, functions)
          guard run == Self.compiled, OpenCLFaults.calls[function, default: 0] >= call else {
            fatalError("\(fault): \(run)")
          }
          OpenCLFaults.begin(nil)
          // What was refused has been replaced; what could not be had is had the next time.
          if !isWarm { _ = try Self.run(in: folder.path, functions) }
          guard try Self.run(in: folder.path, functions) == Self.loaded else {
            fatalError("\(fault): nothing was kept")
          }
        }
      }
      let living = OpenCLFaults.living.filter { $0.value != 0 }
      guard living.isEmpty else { fatalError("left over: \(living)") }
    }
  }

  @Test func settingDecidesWhereProgramsAreKept() throws {
    func keeps(_ mode: DiskProgramCache.Mode) -> Bool { DiskProgramCache(mode, for: info, in: "/x") != nil }
    #expect(keeps(.always) && !keeps(.never))
    #expect(keeps(.auto) != info.keepsPrograms)
    #expect(DiskProgramCache(.always, for: info, in: nil) == nil, "no cache directory")
    if info.platformName == "Portable Computing Language" { #expect(info.keepsPrograms) }
    #expect(try OpenCLOptions.configured(by: [:]).programCache == .auto)
    #expect(try OpenCLOptions.configured(by: ["TERN_PROGRAM_CACHE": "never"]).programCache == .never)
    #expect(throws: TernError.self) { try OpenCLOptions.configured(by: ["TERN_PROGRAM_CACHE": "sometimes"]) }
  }
}
