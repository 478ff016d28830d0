// SPDX-License-Identifier: MIT
import Tern

/// One thing to time. Inputs are made when the case's turn comes, so that only one case at a time holds memory.
struct Case: Sendable {
  /// Cases that are drawn together in the report.
  enum Family: String, CaseIterable {
    case matmul = "Matrix products"
    case convolution = "Convolutions"
    case streaming = "Memory-bound operations"
    case training = "Training steps"
  }

  /// Does the work once. It may leave work on the device's queue, which the clock waits for, but nothing pending.
  typealias Step = () throws -> Void

  let name: String
  let family: Family
  /// What one step does, in units of `unit` times seconds: 10^9 operations, 10^9 bytes, samples.
  let work: Double
  let unit: String
  /// Billions of floating-point operations in a step that arithmetic bounds; nil where memory does.
  var operations: Double?
  let prepare: @Sendable (Device) throws -> Step

  static let all: [Case] = matmulCases + convolutionCases + streamingCases + trainingCases + sequenceCases

  /// What part of a device's peak a step that takes so long reaches: of multiply-adds where it has operations, else of
  /// bytes copied. More than 1 where data stay in a cache, or where an algorithm needs fewer operations than are
  /// counted.
  func share(ofPeak peak: Peak, seconds: Double) -> Double {
    if let operations { return operations / seconds / peak.multiplyAdds }
    return work / seconds / peak.copied
  }

  static func named(_ name: String) -> Case? { all.first { $0.name == name } }

  /// Whether the name contains one of the parts of a list separated by commas; an empty list takes all.
  func matches(_ list: String) -> Bool {
    let parts = list.split(separator: ",")
    return parts.isEmpty || parts.contains { name.contains($0) }
  }
}
