// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite struct ProblemClassTests {
  static let examples: [(ProblemClass, String)] = [
    (
      .gemm(
        GemmClass(
          m: 31, n: 65, k: 0, outer: 2, inner: 3,
          a: GemmClass.Operand(dtype: .float32, order: .rows, sharesOuter: true),
          b: GemmClass.Operand(dtype: .bfloat16, order: .columns, sharesInner: true),
          c: GemmClass.Operand(dtype: .float16, order: .neither),
          bias: GemmClass.Bias(dtype: .float32, byInner: true, byRow: false, byColumn: true))),
      "gemm m=31 n=65 k=0 outer=2 inner=3 a=float32,rows,outer b=bfloat16,columns,inner c=float16,neither "
        + "bias=float32,inner,column"
    ),
    (
      .convolution(
        .inputGradient,
        ConvolutionClass(
          geometry: ConvolutionGeometry(
            "test", input: [2, 6, 33, 31], weight: [4, 3, 5, 3], stride: (2, 1), padding: (1, 2, 0, 3),
            dilation: (1, 2), groups: 2),
          x: ConvolutionClass.Operand(dtype: .float32, isDense: true),
          w: ConvolutionClass.Operand(dtype: .float32, isDense: false),
          y: ConvolutionClass.Operand(dtype: .float16, isDense: true), hasBias: true)),
      "convolution.inputGradient input=2,6,33,31 weight=4,3,5,3 stride=2,1 padding=1,2,0,3 dilation=1,2 groups=2 "
        + "x=float32,dense w=float32,strided y=float16,dense bias=yes"
    ),
    (
      .gemm(
        GemmClass(
          m: 8, n: 9, k: 10, outer: 1, inner: 1, a: GemmClass.Operand(dtype: .float32, order: .rows),
          b: GemmClass.Operand(dtype: .float32, order: .rows), c: GemmClass.Operand(dtype: .float32, order: .rows),
          bias: nil, hasActivation: true, precision: .medium)),
      "gemm m=8 n=9 k=10 outer=1 inner=1 a=float32,rows b=float32,rows c=float32,rows bias=none activation=yes "
        + "precision=medium"
    ),
    (
      .convolution(
        .forward,
        ConvolutionClass(
          geometry: ConvolutionGeometry(
            "test", input: [1, 1, 4, 4], weight: [1, 1, 3, 3], stride: (1, 1), padding: (0, 0, 0, 0),
            dilation: (1, 1), groups: 1),
          x: ConvolutionClass.Operand(dtype: .float32, isDense: true),
          w: ConvolutionClass.Operand(dtype: .float32, isDense: true),
          y: ConvolutionClass.Operand(dtype: .float32, isDense: true), hasBias: false, precision: .high)),
      "convolution.forward input=1,1,4,4 weight=1,1,3,3 stride=1,1 padding=0,0,0,0 dilation=1,1 groups=1 "
        + "x=float32,dense w=float32,dense y=float32,dense bias=no precision=high"
    ),
  ]

  @Test(arguments: examples) func textComesBackAsTheSameProblem(_ problem: ProblemClass, _ text: String) {
    #expect(problem.description == text)
    #expect(ProblemClass(text) == problem)
  }

  /// A file may have been changed by anyone; no text may trap in what is built from it.
  @Test(arguments: [
    "", "gemm", "gemm ", "pooling m=1", "convolution.backward input=1,1,1,1",
    "gemm m=31 n=65 k=0 outer=2 inner=3 a=float32,rows b=float32,rows c=float32,rows",
    "gemm m=0 n=65 k=1 outer=1 inner=1 a=float32,rows b=float32,rows c=float32,rows bias=none",
    "gemm m=1 m=1 n=65 k=1 outer=1 inner=1 a=float32,rows b=float32,rows c=float32,rows bias=none",
    "gemm m=1,2 n=65 k=1 outer=1 inner=1 a=float32,rows b=float32,rows c=float32,rows bias=none",
    "gemm m=99999999999 n=65 k=1 outer=1 inner=1 a=float32,rows b=float32,rows c=float32,rows bias=none",
    "gemm m=1 n=65 k=1 outer=1 inner=1 a=float64,rows b=float32,rows c=float32,rows bias=none",
    "gemm m=1 n=65 k=1 outer=1 inner=1 a=float32,rows,much b=float32,rows c=float32,rows bias=none",
    "gemm m=1 n=65 k=1 outer=1 inner=1 a=float32,rows b=float32,rows c=float32,rows bias=float32,x",
    "gemm m=1 n=65 k=1 outer=1 inner=1 a=float32,rows b=float32,rows c=float32,rows bias=none activation=relu",
    "gemm m=1 n=65 k=1 outer=1 inner=1 a=float32,rows b=float32,rows c=float32,rows bias=none precision=low",
    "gemm m=1 n=65 k=1 outer=1 inner=1 a=float32,rows b=float32,rows c=float32,rows bias=none "
      + "precision=high precision=high",
    "convolution.forward input=2,6,33,31 weight=4,2,5,3 stride=2,1 padding=1,2,0,3 dilation=1,2 groups=2 "
      + "x=float32,dense w=float32,dense y=float32,dense bias=no",  // 2 * 2 channels for 6
    "convolution.forward input=2,6,33,31 weight=3,3,5,3 stride=2,1 padding=1,2,0,3 dilation=1,2 groups=2 "
      + "x=float32,dense w=float32,dense y=float32,dense bias=no",  // 3 outputs in 2 groups
    "convolution.forward input=1,1,4,4 weight=1,1,5,3 stride=1,1 padding=0,0,0,0 dilation=1,1 groups=1 "
      + "x=float32,dense w=float32,dense y=float32,dense bias=no",  // larger than the input
    "convolution.forward input=1,1,4,4 weight=1,1,3,3 stride=1,0 padding=0,0,0,0 dilation=1,1 groups=1 "
      + "x=float32,dense w=float32,dense y=float32,dense bias=no",
    "convolution.forward input=1,1,4,4 weight=1,1,3,3 stride=1,1 padding=0,-1,0,0 dilation=1,1 groups=1 "
      + "x=float32,dense w=float32,dense y=float32,dense bias=no",
  ]) func textsOfNoProblemAreRefused(_ text: String) {
    #expect(ProblemClass(text) == nil)
  }

  @Test func operationsCountMultiplicationsAndAdditions() {
    #expect(ProblemClass(Self.examples[0].1)!.operations == 0)
    // 16 x 29 positions of the output in each of 2 images and 4 channels, each of 3 * 5 * 3 products.
    #expect(ProblemClass(Self.examples[1].1)!.operations == 2 * 2 * 4 * 16 * 30 * 45)
  }

  @Test func addressesDoNotMatterButLayoutDoes() {
    let backend = Device.cpu.backend
    let storage = backend.allocate(byteCount: 4000)
    func problem(_ a: GemmOperand, n: Int = 5) -> ProblemClass {
      let other = GemmOperand(storage: storage, dtype: .float32, row: n, column: 1)
      return GemmProblem(m: 4, n: n, k: 3, a: a, b: other, c: other, bias: nil).problemClass(.highest)
    }
    let rows = GemmOperand(storage: storage, dtype: .float32, row: 3, column: 1)
    var moved = rows
    (moved.offset, moved.row) = (17, 8)
    #expect(problem(rows) == problem(moved))
    #expect(problem(rows) != problem(rows, n: 6))
    #expect(problem(rows) != problem(GemmOperand(storage: storage, dtype: .float32, row: 1, column: 4)))
    #expect(problem(rows) != problem(GemmOperand(storage: storage, dtype: .float32, row: 0, column: 1)))
    #expect(problem(rows) != problem(GemmOperand(storage: storage, dtype: .float16, row: 3, column: 1)))
  }

  /// CLBlast knows no activation, and tensor cores are for some precisions: other algorithms, other classes.
  @Test func activationAndPrecisionMatterWhereTheyChangeTheMenu() {
    let storage = Device.cpu.backend.allocate(byteCount: 4000)
    func problem(_ dtype: DType, _ activation: Activation = .none, at precision: MatmulPrecision) -> ProblemClass {
      let operand = GemmOperand(storage: storage, dtype: dtype, row: 8, column: 1)
      return GemmProblem(m: 8, n: 8, k: 8, a: operand, b: operand, c: operand, activation: activation)
        .problemClass(precision)
    }
    let usual = problem(.float32, at: .highest)
    #expect(usual.description == ProblemClass.square(8).description)
    #expect(usual != problem(.float32, .relu, at: .highest))
    #expect(problem(.float32, .gelu, at: .highest) == problem(.float32, .relu, at: .highest))
    #expect(Set(MatmulPrecision.allCases.map { problem(.float32, at: $0) }).count == 3)
    // Products of half types are the same at each precision.
    #expect(Set(MatmulPrecision.allCases.map { problem(.bfloat16, at: $0) }).count == 1)
  }
}
