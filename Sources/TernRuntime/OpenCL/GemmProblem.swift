// SPDX-License-Identifier: MIT
import Foundation

/// A matrix in a batch that is indexed by two numbers (image and group, say); strides in elements.
struct GemmOperand {
  var storage: Storage
  var dtype: DType
  var offset = 0
  var outer = 0
  var inner = 0
  var row: Int
  var column: Int

  /// The same matrix with rows and columns exchanged.
  var transposed: GemmOperand {
    var copy = self
    swap(&copy.row, &copy.column)
    return copy
  }
}

/// Added to the result: element `offset + inner index * inner + i * row + j * column` of a vector.
struct GemmBias {
  var storage: Storage
  var dtype: DType
  var offset = 0
  var inner = 0
  var row = 0
  var column = 0

  var transposed: GemmBias {
    var copy = self
    swap(&copy.row, &copy.column)
    return copy
  }
}

/// `c = a · b (+ bias)` for each of `outer * inner` products: `a` is m × k, `b` k × n, `c` m × n.
struct GemmProblem {
  var m, n, k: Int
  var outer = 1
  var inner = 1
  var a, b, c: GemmOperand
  var bias: GemmBias?

  var batch: Int { outer * inner }

  /// The same product as `transposed(c) = transposed(b) · transposed(a)`.
  var transposed: GemmProblem {
    GemmProblem(
      m: n, n: m, k: k, outer: outer, inner: inner, a: b.transposed, b: a.transposed, c: c.transposed,
      bias: bias?.transposed)
  }
}

/// The algorithms for matrix products on OpenCL, and with them the family of convolutions.
package enum GemmChoice: String, Sendable, CaseIterable {
  /// A tile of wide vectors for each work-item: devices of type CPU.
  case wide
  /// Tiles in local memory.
  case own
  /// The library CLBlast, where it takes the operands' layout and dtype; else `own`.
  case clblast

  /// Overrides the choice for the calls of a test.
  @TaskLocal package static var forced: GemmChoice?

  /// `TERN_GEMM=wide|own|clblast`.
  static let fromEnvironment: GemmChoice? = environmentValue("TERN_GEMM").map { text in
    guard let choice = GemmChoice(rawValue: text) else {
      trap("TERN_GEMM: '\(text)' is none of \(allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }
}

extension OpenCLBackend {
  /// Whether products and convolutions run as wide vectors, or in work-groups with local memory.
  var prefersWideVectors: Bool {
    (GemmChoice.forced ?? GemmChoice.fromEnvironment).map { $0 == .wide } ?? isCPUDevice
  }

  /// The algorithm for a product, unless something overrides it. CLBlast runs what is small, and each product of a
  /// batch, with a slow kernel of its own.
  private func choice(for problem: GemmProblem) -> GemmChoice {
    if let choice = GemmChoice.forced ?? GemmChoice.fromEnvironment { return choice }
    if let tuned = choices.choice(for: problem.problemClass, among: GemmChoice.allCases) { return tuned }
    if isCPUDevice { return .wide }
    return problem.batch == 1 && problem.m * problem.n * problem.k >= 1 << 30 ? .clblast : .own
  }

  func gemm(_ problem: GemmProblem) {
    guard problem.m > 0, problem.n > 0, problem.batch > 0 else { return }
    guard problem.c.dtype.isFloatingPoint else { return integerGemm(problem) }
    switch choice(for: problem) {
    case .wide: wideGemm(problem)
    case .own: tiledGemm(problem)
    case .clblast: if !clblastGemm(problem) { tiledGemm(problem) }
    }
  }

  /// Integers wrap at the width of their dtype; nothing large is multiplied in them, so there is one plain kernel.
  private func integerGemm(_ problem: GemmProblem) {
    let (a, b, c, bias) = (problem.a, problem.b, problem.c, problem.bias)
    launch(
      "gemm_integer.cl", "gemm_integer",
      definitions: ["LEFT=\(a.dtype)", "RIGHT=\(b.dtype)", "RESULT=\(c.dtype)", "BIAS=\(bias?.dtype ?? c.dtype)"],
      global: [roundUp(problem.m * problem.n, to: 64), problem.batch], local: [64, 1],
      [
        .storage(a.storage), .storage(b.storage), .storage(c.storage), .storage(bias?.storage ?? c.storage),
        .longs([
          problem.m, problem.n, problem.k, problem.inner,
          a.offset, a.outer, a.inner, a.row, a.column,
          b.offset, b.outer, b.inner, b.row, b.column,
          c.offset, c.outer, c.inner, c.row, c.column,
          bias?.offset ?? 0, bias?.inner ?? 0, bias?.row ?? 0, bias?.column ?? 0, bias == nil ? 0 : 1,
        ]),
      ])
  }

  /// Dense Float32 scratch from the pool; the queue is in order, so it may be dropped as soon as its users are enqueued.
  func scratch(_ count: Int) -> Storage { allocate(byteCount: max(1, count) * MemoryLayout<Float>.size) }
}

func roundUp(_ a: Int, to multiple: Int) -> Int { ceilDivide(a, multiple) * multiple }

/// An environment variable's text; nil when it is unset or empty.
func environmentValue(_ name: String) -> String? {
  guard let text = getenv(name), text.pointee != 0 else { return nil }
  return String(cString: text)
}
