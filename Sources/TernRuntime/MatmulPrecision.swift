// SPDX-License-Identifier: MIT

/// How precisely products of Float32 matrices are computed, named as PyTorch names it. It matters on devices with
/// tensor cores (NVIDIA, from compute capability 8.0); elsewhere every product is computed in Float32.
///
/// Products of `float16` and `bfloat16` matrices use tensor cores at every precision: they lose nothing there.
public enum MatmulPrecision: String, Sendable, Hashable, CaseIterable {
  /// Float32 throughout.
  case highest
  /// Each number as a sum of two of TF32: nearly the accuracy of Float32, sums a few last bits apart.
  case high
  /// TF32, 11 bits of significand: relative errors of about 5e-4 for each number.
  case medium

  @TaskLocal static var scoped: MatmulPrecision?

  /// The precision in force: that of the innermost `withMatmulPrecision`, else `TERN_MATMUL_PRECISION`, else
  /// `.highest`.
  public static var current: MatmulPrecision { scoped ?? fromEnvironment }

  private static let fromEnvironment: MatmulPrecision = {
    guard let text = environmentValue("TERN_MATMUL_PRECISION") else { return .highest }
    guard let precision = MatmulPrecision(rawValue: text) else {
      trap("TERN_MATMUL_PRECISION: '\(text)' is none of \(allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return precision
  }()
}

/// Runs `body` with products of Float32 matrices at another precision.
///
///     let y = withMatmulPrecision(.high) { model(x) }
public func withMatmulPrecision<R>(_ precision: MatmulPrecision, _ body: () throws -> R) rethrows -> R {
  try MatmulPrecision.$scoped.withValue(precision, operation: body)
}
