// SPDX-License-Identifier: MIT

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

  /// `operand_t` of the kernels.
  var fields: [Int] { [offset, outer, inner, row, column] }
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

/// `c = activation(a · b (+ bias))` for each of `outer * inner` products: `a` is m × k, `b` k × n, `c` m × n.
struct GemmProblem {
  var m, n, k: Int
  var outer = 1
  var inner = 1
  var a, b, c: GemmOperand
  var bias: GemmBias?
  var activation = Activation.none

  var batch: Int { outer * inner }

  /// The same product as `transposed(c) = transposed(b) · transposed(a)`.
  var transposed: GemmProblem {
    GemmProblem(
      m: n, n: m, k: k, outer: outer, inner: inner, a: b.transposed, b: a.transposed, c: c.transposed,
      bias: bias?.transposed, activation: activation)
  }

  /// `epilogue_t` of the kernels.
  var epilogue: [Int] {
    [
      bias?.offset ?? 0, bias?.inner ?? 0, bias?.row ?? 0, bias?.column ?? 0, bias == nil ? 0 : 1,
      Int(activation.rawValue),
    ]
  }

  /// `a`, `b`, `c` and the bias as a kernel's first arguments; in place of no bias stands the result.
  var storages: [KernelArgument] {
    [.storage(a.storage), .storage(b.storage), .storage(c.storage), .storage(bias?.storage ?? c.storage)]
  }
}

extension Activation {
  /// The definition that `activation.cl` expects; without an activation there is none, and no program of its own.
  var definitions: [String] { self == .none ? [] : ["ACTIVATION=\(rawValue)"] }
}

extension OpenCLBackend {
  /// A kernel's definition for a dtype; none for the most usual, so that it is one program.
  func dtypeDefinition(_ name: String, _ dtype: DType) -> [String] { dtype == .float32 ? [] : ["\(name)=\(dtype)"] }

  /// The definition for the dtype of what is copied.
  func sourceDefinitions(_ dtype: DType) -> [String] { dtypeDefinition("SOURCE", dtype) }

  /// The definitions for the dtypes of the result and the bias.
  func resultDefinitions(_ c: GemmOperand, _ bias: GemmBias?) -> [String] {
    dtypeDefinition("RESULT", c.dtype) + (bias.map { $0.dtype == c.dtype ? [] : ["BIAS=\($0.dtype)"] } ?? [])
  }

  func gemm(_ problem: GemmProblem) {
    guard problem.m > 0, problem.n > 0, problem.batch > 0 else { return }
    guard problem.c.dtype.isFloatingPoint else { return integerGemm(problem) }
    gemm(problem, by: GemmAlgorithm.choice(for: problem, on: self))
  }

  /// Runs one of `GemmAlgorithm.candidates(for:on:)`.
  func gemm(_ problem: GemmProblem, by algorithm: GemmAlgorithm) {
    switch algorithm {
    case .wide: wideGemm(problem, packs: false)
    case .widePacked: wideGemm(problem, packs: true)
    case .wideDot: dotGemm(DotProblem(problem)!)
    case .clblast:
      if canUseCLBlast(problem), clblastGemm(problem) { return }
      tiledGemm(problem, GemmTile.choice(for: problem, on: self))
    case .tensorTF32, .tensor3xTF32: tiledGemm(problem, GemmTile.tensor, algorithm)
    default: tiledGemm(problem, GemmTile.named[algorithm]!)
    }
  }

  /// Integers wrap at the width of their dtype; nothing large is multiplied in them, so there is one plain kernel.
  private func integerGemm(_ problem: GemmProblem) {
    require(problem.activation == .none, "matmul: integers have no activation, got \(problem.activation)")
    launch(
      "gemm_integer.cl", "gemm_integer",
      definitions: ["LEFT=\(problem.a.dtype)", "RIGHT=\(problem.b.dtype)"] + resultDefinitions(problem.c, problem.bias),
      global: [roundUp(problem.m * problem.n, to: 64), problem.batch], local: [64, 1],
      problem.storages
        + [
          .longs(
            [problem.m, problem.n, problem.k, problem.inner] + problem.a.fields + problem.b.fields + problem.c.fields
              + problem.epilogue)
        ])
  }

  /// Dense Float32 scratch from the pool; the queue is in order, so it may be dropped as soon as its users are
  /// enqueued.
  func scratch(_ count: Int) -> Storage { allocate(byteCount: max(1, count) * MemoryLayout<Float>.size) }
}

func roundUp(_ a: Int, to multiple: Int) -> Int { ceilDivide(a, multiple) * multiple }
