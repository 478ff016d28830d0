// SPDX-License-Identifier: MIT
import Foundation

/// The algorithms for matrix products on OpenCL.
package enum GemmAlgorithm: String, CaseIterable, Sendable {
  /// Tiles of wide vectors that read `b` in place: devices of type CPU.
  case wide
  /// The same, from a copy of `b` in panels.
  case widePacked = "wide-packed"
  /// Vectors along k, for operands that both have neighbouring elements there.
  case wideDot = "wide-dot"
  /// Tiles in local memory, named by the rows and columns of a work-group (and its
  /// depth).
  case tiled128x256 = "tiled-128x256"
  case tiled128x128x16 = "tiled-128x128x16"
  case tiled128x128 = "tiled-128x128"
  case tiled128x64 = "tiled-128x64"
  case tiled64x128 = "tiled-64x128"
  case tiled64x64 = "tiled-64x64"
  case tiled128x32 = "tiled-128x32"
  case tiled32x128 = "tiled-32x128"
  case tiled32x32 = "tiled-32x32"
  /// Tensor cores of NVIDIA: TF32, or two of them for each Float32.
  case tensorTF32 = "tensor-tf32"
  case tensor3xTF32 = "tensor-3xtf32"
  /// The library CLBlast.
  case clblast

  var family: GemmChoice {
    switch self {
    case .wide, .widePacked, .wideDot: .wide
    case .clblast: .clblast
    default: .own
    }
  }

  /// All algorithms that are valid for a floating-point product, the default first.
  static func candidates(for problem: GemmProblem, on backend: OpenCLBackend) -> [GemmAlgorithm] {
    let first = byDefault(for: problem, on: backend)
    let families: [GemmChoice] = backend.isCPUDevice ? [.wide] : [.own, .clblast]
    var others: [GemmAlgorithm] = []
    for family in families { others += candidates(for: problem, of: family, on: backend) }
    return [first] + others.filter { $0 != first }
  }

  private static func byDefault(for problem: GemmProblem, on backend: OpenCLBackend) -> GemmAlgorithm {
    // CLBlast runs what is small, and each product of a batch, with a slow kernel of its own, and knows no tile shapes
    // for NVIDIA's devices of the last years; elsewhere large products are what it is tuned for.
    let suitsCLBlast = problem.batch == 1 && problem.m * problem.n * problem.k >= 1 << 30
    if suitsCLBlast && !backend.isCPUDevice && !backend.info.isNVIDIA && backend.canUseCLBlast(problem) {
      return .clblast
    }
    return candidates(for: problem, of: backend.isCPUDevice ? .wide : .own, on: backend)[0]
  }

  private static func candidates(
    for problem: GemmProblem, of family: GemmChoice, on backend: OpenCLBackend
  ) -> [GemmAlgorithm] {
    switch family {
    case .wide: return backend.wideCandidates(for: problem)
    case .own:
      // Other precisions give other results, so the choice between them is the caller's alone.
      if let tensor = backend.tensorCores.algorithm(for: problem, on: backend) { return [tensor] }
      return GemmTile.candidates(for: problem, on: backend)
    case .clblast: return backend.canUseCLBlast(problem) ? [.clblast] : []
    }
  }

  /// Overrides the choice for the calls of a test.
  @TaskLocal package static var forced: GemmAlgorithm?

  /// The algorithm for a product: what something forces, as far as it is valid, else what was tuned, else the default.
  static func choice(for problem: GemmProblem, on backend: OpenCLBackend) -> GemmAlgorithm {
    let wanted = forced ?? fromEnvironment?.algorithm
    let family = wanted?.family ?? GemmChoice.forced ?? fromEnvironment?.family
    guard let family else {
      return backend.choices.choice(
        for: problem.problemClass(backend.tensorPrecision), among: candidates(for: problem, on: backend))
        ?? byDefault(for: problem, on: backend)
    }
    let valid = candidates(for: problem, of: family, on: backend)
    // Tensor cores are emulated where there are none, for tests.
    if let wanted, valid.contains(wanted) || wanted == .tensorTF32 || wanted == .tensor3xTF32 { return wanted }
    return valid.first ?? candidates(for: problem, of: .own, on: backend)[0]
  }

  /// What `TERN_GEMM` may be.
  static let settings = GemmChoice.allCases.map(\.rawValue) + allCases.map(\.rawValue)

  /// `TERN_GEMM`: a family (`wide`, `own`, `clblast`) or the name of an algorithm.
  private static let fromEnvironment: (family: GemmChoice, algorithm: GemmAlgorithm?)? =
    environmentValue("TERN_GEMM").map { text in
      if let family = GemmChoice(rawValue: text) { return (family, nil) }
      if let algorithm = GemmAlgorithm(rawValue: text) { return (algorithm.family, algorithm) }
      trap("TERN_GEMM: '\(text)' is none of \(settings.joined(separator: ", "))")
    }
}

/// The families of algorithms, for products and with them for convolutions.
package enum GemmChoice: String, Sendable, CaseIterable {
  /// A tile of wide vectors for each work-item: devices of type CPU.
  case wide
  /// Tiles in local memory.
  case own
  /// The library CLBlast, where it takes the operands' layout and dtype; else `own`.
  case clblast

  /// Overrides the choice for the calls of a test.
  @TaskLocal package static var forced: GemmChoice?
}

extension OpenCLDeviceInfo {
  var isNVIDIA: Bool { platformName.contains("NVIDIA") }
}

/// An environment variable's text; nil when it is unset or empty.
func environmentValue(_ name: String) -> String? {
  guard let text = getenv(name), text.pointee != 0 else { return nil }
  return String(cString: text)
}
