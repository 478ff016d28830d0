// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernData
import TestSupport
import Testing

/// Failures of the world: one line on standard error that says what, where and what to do, and exit code 1.
@Suite struct WrongInputTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

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
    try Tool.expectFailure(["train", "lenet5", "--data", directory.path], says: [directory.path, data.says])
  }

  @Test func missingDataAreNamed() throws {
    try Tool.expectFailure(["train", "mlp", "--data", directory.path + "/none"], says: [directory.path + "/none"])
    try Tool.expectFailure(
      ["train", "mlp", "--data", directory.path], says: ["train-images-idx3-ubyte", directory.path])
    _ = try directory.write(Self.images, "t10k-images-idx3-ubyte")
    try Tool.expectFailure(
      ["eval", "--checkpoint", Checkpoints.logistic.get(), "--data", directory.path], says: ["t10k-labels-idx1-ubyte"])
  }

  // MARK: Devices

  @Test(arguments: ["tpu", "opencl:99", "opencl:-1", "opencl:", "OPENCL:0", "cpu:0"])
  func unknownDevicesAreNamed(name: String) throws {
    try Tool.expectFailure(["train", "logistic", "--device", name], says: [name.hasPrefix("opencl:9") ? "99" : name])
    try Tool.expectFailure(["train", "logistic"], says: ["TERN_DEVICE"], environment: ["TERN_DEVICE": name])
  }

  @Test(arguments: [
    ("TERN_THREADS", "many"), ("TERN_THREADS", "0"), ("TERN_ISA", "mmx"),
    ("TERN_GEMM", "foo"), ("TERN_TUNING", "foo"), ("TERN_MATMUL_PRECISION", "foo"), ("TERN_CONV", "foo"),
    ("TERN_CLBLAST_PARAMETERS", "foo"),
  ])
  func settingsThatMeanNothingAreNamed(name: String, value: String) throws {
    for command in ["train logistic --limit 40", "devices"] {
      try Tool.expectFailure(
        command.split(separator: " ").map(String.init), says: [name, "'\(value)'"], environment: [name: value])
    }
    let doctor = try Tool.run(["doctor"], environment: [name: value])
    #expect(doctor.status == 1 && doctor.output.contains("problem  Setting \(name)"), "\(doctor)")
  }

  @Test func missingLoaderLeavesTheCPU() throws {
    let missing = ["TERN_OPENCL_LIBRARY": "/nonexistent"]
    try Tool.expectFailure(["train", "logistic", "--device", "opencl"], says: ["OpenCL"], environment: missing)
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
    try Tool.expectFailure(["eval", "--checkpoint", path], says: [path, says])
    if what != "not the tool's" {
      try Tool.expectFailure(["train", "lenet5", "--limit", "40", "--resume", path], says: [path, says])
    }
  }

  @Test func truncatedAndMissingCheckpointsAreNamed() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: Checkpoints.logistic.get()))
    let path = try directory.write(Array(whole.dropLast(100)), "cut.safetensors")
    try Tool.expectFailure(["eval", "--checkpoint", path], says: [path])
    try Tool.expectFailure(["eval", "--checkpoint", directory.path + "/none"], says: [directory.path + "/none"])
    try Tool.expectFailure(["predict", "--checkpoint", directory.path, "x.pgm"], says: [directory.path])
  }

  @Test func checkpointsOfAnotherModelAreNamedWithTheFirstDifference() throws {
    let logistic = try Checkpoints.logistic.get()
    try Tool.expectFailure(
      ["train", "lenet5", "--limit", "40", "--resume", logistic, "--checkpoint", directory.path + "/new"],
      says: [logistic, "no 'convolution1.weight', which is [6, 1, 5, 5]", "but 'output.weight' [10, 784]"])
    let lenet5 = try Checkpoints.lenet5.get()
    try Tool.expectFailure(
      ["train", "lenet5", "--classic", "--limit", "40", "--resume", lenet5],
      says: [lenet5, "lenet5, not lenet5-classic"])
    try Tool.expectFailure(
      ["train", "logistic", "--optimizer", "sgd", "--limit", "40", "--resume", logistic], says: [logistic, "Adam"])
    // Equal names, another shape.
    let wide = directory.file("wide.st")
    try Checkpoints.rewrite(
      logistic, to: wide, tensors: { $0 == "output.bias" ? Tensor.zeros([20], on: .cpu) : $1 })
    for arguments in [["eval", "--checkpoint", wide], ["train", "logistic", "--limit", "40", "--resume", wide]] {
      try Tool.expectFailure(arguments, says: [wide, "'output.bias' is [20] there and [10] in this model"])
    }
  }

  @Test(arguments: [
    (#""step":\d+"#, #""step":9223372036854775807"#, "step is 9223372036854775807"),
    (#""step":\d+"#, #""step":-5"#, "step is -5"),
    (#""samples":0"#, #""samples":9223372036854775807"#, "total.samples is 9223372036854775807"),
    (#""batchCount":\d+,"#, "", "'batchCount' is missing"),
    (#""epoch":\d+,"#, #""epoch":[],"#, "at 'epoch'"),
  ]) func damagedTrainingStatesAreNamed(pattern: String, replacement: String, says: String) throws {
    let path = directory.file("damaged.st")
    try Checkpoints.rewrite(
      Checkpoints.logistic.get(), to: path,
      state: { $0.replacingOccurrences(of: pattern, with: replacement, options: .regularExpression) })
    try Tool.expectFailure(
      ["train", "logistic", "--limit", "40", "--epochs", "3", "--resume", path],
      says: [path, "the training state", says, "the file is damaged"])
  }

  @Test func pipesAreRefusedAtOnce() throws {
    let pipe = directory.file("pipe"), checkpoint = try Checkpoints.logistic.get()
    try #require(mkfifo(pipe, 0o600) == 0 && mkfifo(directory.file("train-images-idx3-ubyte"), 0o600) == 0)
    _ = try directory.write(Self.labels, "train-labels-idx1-ubyte")
    for arguments in [
      ["eval", "--checkpoint", pipe], ["train", "logistic", "--resume", pipe],
      ["predict", "--checkpoint", checkpoint, pipe], ["train", "lenet5", "--data", directory.path],
    ] {
      try Tool.expectFailure(arguments, says: [directory.path, "not a regular file"])
    }
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
      try Tool.expectFailure(["train", "logistic", "--limit", "40", "--checkpoint", place], says: [place, part])
    }
    for place in [file + "/steps", directory.path, directory.path + "/none/steps"] {
      try Tool.expectFailure(["train", "logistic", "--limit", "40", "--json-steps", place], says: [place])
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
    #expect(
      outcome.errorLines.last
        == "tern: cannot write /dev/full (No space left on device); free some space, or write to another disk")
  }

  @Test func lossesNeverTakeThePlaceOfACheckpoint() throws {
    let path = directory.file("g.st"), link = directory.file("link"), hanging = directory.file("hanging")
    try FileManager.default.copyItem(atPath: Checkpoints.logistic.get(), toPath: path)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "g.st")
    try FileManager.default.createSymbolicLink(atPath: hanging, withDestinationPath: "new")
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    for (checkpoint, losses) in [
      (path, path), (path, directory.file("./g.st")), (path, link), (directory.file("new"), hanging),
    ] {
      for option in ["--checkpoint", "--resume"] {
        let outcome = try Tool.run(["train", "logistic", "--limit", "40", option, checkpoint, "--json-steps", losses])
        #expect(outcome.status == 64 && outcome.error.contains("\(option) name the same file"), "\(outcome)")
      }
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }

  @Test func failedStartsKeepTheLossesOfAnEarlierRun() throws {
    let losses = try directory.write(Array("2.5\n1.5\n".utf8), "losses")
    try Tool.expectFailure(
      ["train", "logistic", "--limit", "40", "--json-steps", losses, "--checkpoint", "/dev/full"], says: ["/dev/full"])
    #expect(try String(contentsOfFile: losses, encoding: .utf8) == "2.5\n1.5\n")
  }

  @Test func placesMayBeNamesOfOneLetter() throws {
    let outcome = try Tool.run(
      ["train", "logistic", "--limit", "40", "--epochs", "1", "--checkpoint", "a", "--json-steps", "b"],
      shell: "cd '\(directory.path)'")
    #expect(outcome.status == 0 && directory.contents == ["a", "b"], "\(outcome)")
  }

  // MARK: Pictures

  @Test func damagedPicturesAreNamed() throws {
    let checkpoint = try Checkpoints.logistic.get()
    let blank = try directory.write(Array("P2 3 2 9 1 1 1 1 1 1".utf8), "blank.pgm")
    try Tool.expectFailure(["predict", "--checkpoint", checkpoint, blank], says: [blank, "blank"])
    let cut = try directory.write(Array("P5 28 28 255\nabc".utf8), "cut.pgm")
    try Tool.expectFailure(["predict", "--checkpoint", checkpoint, cut], says: [cut, "784 bytes"])
    let missing = directory.path + "/missing.pgm"
    try Tool.expectFailure(["predict", "--checkpoint", checkpoint, missing], says: [missing])
  }
}
