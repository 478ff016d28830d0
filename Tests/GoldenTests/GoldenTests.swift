// SPDX-License-Identifier: MIT
import Conformance
import Foundation
import Tern
import TestSupport
import Testing

private let sharedCases = PackageFiles.root.appending(path: "../shared/conformance/golden-open").standardizedFileURL
private let hasSharedCases = FileManager.default.fileExists(atPath: sharedCases.appending(path: "index.json").path)

/// Values and gradients against numbers computed elsewhere in float64, on every device.
@Suite struct GoldenTests {
  static let fixtures = PackageFiles.root.appending(path: "Tests/GoldenTests/Fixtures")

  /// The package's own cases.
  @Test(arguments: try GoldenCase.load(from: fixtures), TestDevices.all)
  func own(golden: GoldenCase, device: Device) throws { try Self.check(golden, on: device) }

  /// What is random is judged by its distribution, in tests of its own.
  @Test func everyOperationHasACase() throws {
    let covered = Set(try GoldenCase.load(from: Self.fixtures).map(\.operation))
    #expect(Operations.known.subtracting(covered).sorted() == ["dropout_statistics", "init_statistics"])
  }

  /// A program costs its first user a tenth of a second to a second, so kernels take shapes and most attributes as
  /// arguments. Of the operations with most cases only depthwise convolution is compiled for each size of filter, to
  /// unroll the loops over it.
  @Test(.enabled(if: Device.all.count > 1, "skipped: there is no OpenCL device"))
  func programsDoNotGrowWithCases() throws {
    let device = try #require(Device.all.compactMap { TestDevices.reopened($0) }.first)
    let operations: Set = [
      "conv2d", "depthwise_conv2d", "max_pool2d", "avg_pool2d", "interpolate", "pad", "reduce", "unary",
      "binary_broadcast", "softmax", "log_softmax", "matmul", "einsum", "cross_entropy", "lstm", "gru",
    ]
    let cases = try GoldenCase.load(from: Self.fixtures).filter { operations.contains($0.operation) }
    try #require(cases.count > 100)
    for golden in cases { _ = try Operations.run(golden, on: device) }
    let statistics = device.statistics
    let programs = statistics.programBuilds + statistics.programLoads
    #expect(programs <= 24, "\(programs) programs for \(cases.count) cases")
  }

  /// Cases beside the package, where they are.
  @Test(
    .enabled(if: hasSharedCases, "no further golden cases in \(sharedCases.path)"),
    arguments: hasSharedCases ? try GoldenCase.load(from: sharedCases).filter { !$0.isStatistical } : [], Device.all)
  func shared(golden: GoldenCase, device: Device) throws {
    try Self.check(golden, on: device, skippingVariants: true)
  }

  /// The comparison itself: it must see one wrong element, a wrong shape and a missing array.
  @Test func wrongResultsAreSeen() throws {
    let golden = try #require(try GoldenCase.load(from: Self.fixtures).first { $0.id == "matmul_0" })
    let right = try #require(try Operations.run(golden, on: .cpu)?["out.y"])
    #expect(try golden.difference("out.y", right) == nil)
    var numbers = try right.scalars(as: Float.self)
    numbers[3] += 0.01
    #expect(try golden.difference("out.y", Tensor(numbers, shape: right.shape, on: .cpu))?.contains("[3]") == true)
    numbers[3] = .nan
    #expect(try golden.difference("out.y", Tensor(numbers, shape: right.shape, on: .cpu)) != nil)
    #expect(try golden.difference("out.y", right.flattened()) != nil)
    #expect(try golden.difference("out.y", nil) != nil)
  }

  /// - Parameter skippingVariants: skips cases that ask for something Tern does not have.
  static func check(_ golden: GoldenCase, on device: Device, skippingVariants: Bool = false) throws {
    guard let produced = try Operations.run(golden, on: device) else {
      if skippingVariants { try Test.cancel("no such variant of \(golden.operation)") }
      Issue.record("\(golden.id): no such variant of \(golden.operation)")
      return
    }
    for name in golden.expected {
      if let difference = try golden.difference(name, produced[name]) {
        Issue.record("\(golden.id) on \(device), \(device.name): \(difference)")
      }
    }
  }
}

extension GoldenCase: CustomTestStringConvertible {
  public var testDescription: String { id }
}
