// SPDX-License-Identifier: MIT
import Foundation
import TernData
import TestSupport
import Testing

/// Failures of the world: one line on standard error that says what, where and what to do, and exit code 1.
@Suite struct WrongInputTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Runs the tool, which must fail with one line.
  private func expectFailure(
    _ arguments: [String], says parts: [String], environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try Tool.run(arguments, environment: environment)
    #expect(outcome.status == 1 && !outcome.crashed, "\(outcome)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
    #expect(
      outcome.errorLines.count == 1 && outcome.error.hasPrefix("tern: ") && outcome.error.hasSuffix("\n"),
      "\(outcome.error)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(outcome.error.contains(part), "'\(part)' is not in: \(outcome.error)", sourceLocation: sourceLocation)
    }
    #expect(outcome.error.contains("; "), "no remedy in: \(outcome.error)", sourceLocation: sourceLocation)
  }

  // MARK: Data

  private static let digits = ImageDataset.digits(count: 20, split: .test)
  private static let images = TemporaryDirectory.imageFile(digits)
  private static let labels = TemporaryDirectory.labelFile(digits.labels)

  struct BrokenData: CustomTestStringConvertible {
    let what: String
    var images = WrongInputTests.images
    var labels = WrongInputTests.labels
    let says: String
    var testDescription: String { what }
  }

  private static let brokenData: [BrokenData] = [
    BrokenData(what: "truncated", images: Array(images.dropLast(5)), says: "more than the file can hold"),
    BrokenData(
      what: "oversized header", images: [0, 0, 8, 3] + [UInt8](repeating: 0x7f, count: 12) + images[16...],
      says: "more than the file can hold"),
    BrokenData(what: "wrong magic", images: [9] + images.dropFirst(), says: "begins with the bytes 00 00 08 03"),
    BrokenData(what: "truncated gzip", images: [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], says: "gzip data stop"),
    BrokenData(
      what: "damaged gzip", images: [0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], says: "gzip data are damaged"),
    BrokenData(what: "fewer labels", labels: TemporaryDirectory.labelFile([1, 2, 3]), says: "20 images"),
    BrokenData(
      what: "unknown class", labels: TemporaryDirectory.labelFile([UInt8](repeating: 10, count: 20)),
      says: "label is 10"),
    BrokenData(
      what: "other size",
      images: TemporaryDirectory.imageFile(
        ImageDataset(pixels: [UInt8](repeating: 0, count: 20 * 16), labels: digits.labels, height: 4, width: 4)),
      says: "4 x 4 pixels"),
  ]

  @Test(arguments: brokenData) func damagedDataAreNamed(data: BrokenData) throws {
    try directory.writeDataset(images: data.images, labels: data.labels)
    try expectFailure(["train", "lenet5", "--data", directory.path], says: [directory.path, data.says])
  }

  @Test func missingDataAreNamed() throws {
    try expectFailure(["train", "mlp", "--data", directory.path + "/none"], says: [directory.path + "/none"])
    try expectFailure(["train", "mlp", "--data", directory.path], says: ["train-images-idx3-ubyte", directory.path])
    _ = try directory.write(Self.images, "t10k-images-idx3-ubyte")
    try expectFailure(
      ["eval", "--checkpoint", Checkpoints.logistic.get(), "--data", directory.path], says: ["t10k-labels-idx1-ubyte"])
  }

  // MARK: Devices

  @Test(arguments: ["tpu", "opencl:99", "opencl:-1", "opencl:", "OPENCL:0", "cpu:0"])
  func unknownDevicesAreNamed(name: String) throws {
    try expectFailure(["train", "logistic", "--device", name], says: [name.hasPrefix("opencl:9") ? "99" : name])
    try expectFailure(["train", "logistic"], says: ["TERN_DEVICE"], environment: ["TERN_DEVICE": name])
  }

  @Test(arguments: [("TERN_THREADS", "many"), ("TERN_THREADS", "0"), ("TERN_ISA", "mmx")])
  func settingsThatMeanNothingAreNamed(name: String, value: String) throws {
    for command in ["train logistic --limit 40", "devices", "demo"] {
      try expectFailure(
        command.split(separator: " ").map(String.init), says: [name, "'\(value)'"], environment: [name: value])
    }
    let doctor = try Tool.run(["doctor"], environment: [name: value])
    #expect(doctor.status == 1 && doctor.output.contains("problem  Setting \(name)"), "\(doctor)")
  }

  @Test func missingLoaderLeavesTheCPU() throws {
    let missing = ["TERN_OPENCL_LIBRARY": "/nonexistent"]
    try expectFailure(["train", "logistic", "--device", "opencl"], says: ["OpenCL"], environment: missing)
    let outcome = try Tool.run(["train", "logistic", "--limit", "40", "--epochs", "1"], environment: missing)
    #expect(outcome.status == 0, "\(outcome.error)")
  }

  // MARK: Checkpoints to read

  private static func safetensors(_ header: String, data: Int, statedLength: Int? = nil) -> [UInt8] {
    let length = UInt64(statedLength ?? header.utf8.count)
    return (0..<8).map { UInt8(length >> (8 * $0) & 0xff) } + Array(header.utf8) + [UInt8](repeating: 0, count: data)
  }

  @Test(
    arguments: [
      ("empty", [], "0 bytes"),
      ("header beyond the file", safetensors("{}", data: 0, statedLength: 1 << 40), "header"),
      ("no JSON", safetensors("what?", data: 8), "header"),
      ("unknown dtype", safetensors(#"{"a":{"dtype":"Q7","shape":[2],"data_offsets":[0,8]}}"#, data: 8), "Q7"),
      (
        "offsets beyond the file", safetensors(#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, data: 8),
        "a"
      ),
      (
        "overlap",
        safetensors(
          #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
            + #""b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
          data: 12), "b"
      ),
      ("size and shape differ", safetensors(#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, data: 8), "a"),
      (
        "not the tool's", safetensors(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, data: 8),
        "does not say which model"
      ),
    ] as [(String, [UInt8], String)])
  func damagedCheckpointsAreNamed(what: String, bytes: [UInt8], says: String) throws {
    let path = try directory.write(bytes, "broken.safetensors")
    try expectFailure(["eval", "--checkpoint", path], says: [path, says])
    if what != "not the tool's" {
      try expectFailure(["train", "lenet5", "--limit", "40", "--resume", path], says: [path, says])
    }
  }

  @Test func truncatedAndMissingCheckpointsAreNamed() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: Checkpoints.logistic.get()))
    let path = try directory.write(Array(whole.dropLast(100)), "cut.safetensors")
    try expectFailure(["eval", "--checkpoint", path], says: [path])
    try expectFailure(["eval", "--checkpoint", directory.path + "/none"], says: [directory.path + "/none"])
    try expectFailure(["predict", "--checkpoint", directory.path, "x.pgm"], says: [directory.path])
  }

  @Test func checkpointsOfAnotherModelAreNamedWithTheFirstDifference() throws {
    let logistic = try Checkpoints.logistic.get()
    try expectFailure(
      ["train", "lenet5", "--limit", "40", "--resume", logistic, "--checkpoint", directory.path + "/new"],
      says: [logistic, "convolution1.weight", "[6, 1, 5, 5]"])
    let lenet5 = try Checkpoints.lenet5.get()
    try expectFailure(
      ["train", "lenet5", "--classic", "--limit", "40", "--resume", lenet5],
      says: [lenet5, "lenet5, not lenet5-classic"])
    try expectFailure(
      ["train", "logistic", "--optimizer", "sgd", "--limit", "40", "--resume", logistic], says: [logistic, "Adam"])
  }

  // MARK: Places to write

  @Test func unwritablePlacesAreNamedBeforeTraining() throws {
    let file = try directory.write([1], "file")
    let places = [
      file + "/below.safetensors": "file",
      "/dev/full": "/dev/full",
      directory.path: "directory",
      directory.path + "/none/c.safetensors": "none",
    ]
    for (place, part) in places {
      try expectFailure(["train", "logistic", "--limit", "40", "--checkpoint", place], says: [place, part])
    }
    for place in [file + "/steps", directory.path, directory.path + "/none/steps"] {
      try expectFailure(["train", "logistic", "--limit", "40", "--json-steps", place], says: [place])
    }
  }

  @Test func fullPlacesLeaveAnExistingCheckpointWhole() throws {
    let path = directory.path + "/mlp.safetensors"
    try FileManager.default.copyItem(atPath: Checkpoints.logistic.get(), toPath: path)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    // 64 blocks of 512 or 1,024 bytes hold the log, but no checkpoint of 8 MB.
    let outcome = try Tool.run(
      ["train", "mlp", "--limit", "40", "--epochs", "1", "--checkpoint", path], shell: "ulimit -f 64")
    #expect(outcome.status == 1 && !outcome.crashed, "\(outcome)")
    let last = outcome.errorLines.last ?? ""
    #expect(last.hasPrefix("tern: ") && last.contains(path) && last.contains("File too large"), "\(outcome.error)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["mlp.safetensors"])
  }

  @Test func fullDiskUnderTheLossesIsNamed() throws {
    let outcome = try Tool.run(["train", "logistic", "--limit", "40", "--json-steps", "/dev/full"])
    #expect(outcome.status == 1 && !outcome.crashed)
    #expect(outcome.errorLines.last?.contains("/dev/full") == true, "\(outcome.error)")
    #expect(outcome.errorLines.last?.contains("No space left") == true, "\(outcome.error)")
  }

  // MARK: Pictures

  @Test func damagedPicturesAreNamed() throws {
    let checkpoint = try Checkpoints.logistic.get()
    let blank = try directory.write(Array("P2 3 2 9 1 1 1 1 1 1".utf8), "blank.pgm")
    try expectFailure(["predict", "--checkpoint", checkpoint, blank], says: [blank, "blank"])
    let cut = try directory.write(Array("P5 28 28 255\nabc".utf8), "cut.pgm")
    try expectFailure(["predict", "--checkpoint", checkpoint, cut], says: [cut, "784 bytes"])
    let missing = directory.path + "/missing.pgm"
    try expectFailure(["predict", "--checkpoint", checkpoint, missing], says: [missing])
  }
}
