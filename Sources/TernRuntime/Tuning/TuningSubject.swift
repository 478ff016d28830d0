// SPDX-License-Identifier: MIT

/// A problem of a class that is ready to run on a device: operands of its shapes and layouts, and what the result must
/// be.
protocol TuningSubject {
  var result: StridedView { get }
  /// Products that each element of the result sums.
  var depth: Int { get }
  /// Runs the problem once, as a program would; the algorithm is looked up in the device's table.
  func run()
  /// One element of the result in Float64, and the sum of its terms' magnitudes, which its error is measured by.
  func exact(_ place: [Int]) -> (value: Double, magnitude: Double)
}

/// A matrix product on an OpenCL device.
struct GemmSubject: TuningSubject {
  private let backend: OpenCLBackend
  private let problem: GemmProblem
  private let a, b: TuningOperand
  private let bias: TuningOperand?
  private let precision: MatmulPrecision
  let result: StridedView
  var depth: Int { problem.k }

  init(_ gemm: GemmClass, on backend: OpenCLBackend) throws {
    self.backend = backend
    func operand(_ operand: GemmClass.Operand, rows: Int, columns: Int, seed: UInt64) throws -> TuningOperand {
      let layout = Self.layout(operand, gemm, rows: rows, columns: columns)
      return try TuningOperand(
        backend, operand.dtype, shape: [gemm.outer, gemm.inner, rows, columns], strides: layout.strides,
        blockCount: layout.blockCount, seed: seed)
    }
    a = try operand(gemm.a, rows: gemm.m, columns: gemm.k, seed: 1)
    b = try operand(gemm.b, rows: gemm.k, columns: gemm.n, seed: 2)
    let layout = Self.layout(gemm.c, gemm, rows: gemm.m, columns: gemm.n)
    let result = StridedView(
      backend.allocate(byteCount: layout.blockCount * gemm.c.dtype.byteCount), gemm.c.dtype,
      shape: [gemm.outer, gemm.inner, gemm.m, gemm.n], strides: layout.strides)
    self.result = result
    let bias = try gemm.bias.map { bias in
      let strides = [
        0, bias.byInner ? gemm.m * gemm.n : 0, bias.byRow ? (bias.byColumn ? gemm.n : 1) : 0, bias.byColumn ? 1 : 0,
      ]
      return try TuningOperand(
        backend, bias.dtype, shape: result.shape, strides: strides,
        blockCount: (bias.byInner ? gemm.inner : 1) * gemm.m * gemm.n, seed: 3)
    }
    self.bias = bias
    precision = gemm.precision
    problem = GemmProblem(
      m: gemm.m, n: gemm.n, k: gemm.k, outer: gemm.outer, inner: gemm.inner, a: GemmOperand(a.view),
      b: GemmOperand(b.view), c: GemmOperand(result),
      bias: bias.map {
        GemmBias(
          storage: $0.view.storage, dtype: $0.view.dtype, inner: $0.view.strides[1], row: $0.view.strides[2],
          column: $0.view.strides[3])
      }, activation: gemm.hasActivation ? .relu : .none)
  }

  func run() { withMatmulPrecision(precision) { backend.gemm(problem) } }

  func exact(_ place: [Int]) -> (value: Double, magnitude: Double) {
    var value = bias?[place[0], place[1], place[2], place[3]] ?? 0
    var magnitude = abs(value)
    for p in 0..<problem.k {
      let term = a[place[0], place[1], place[2], p] * b[place[0], place[1], p, place[3]]
      value += term
      magnitude += abs(term)
    }
    return (problem.activation == .relu ? max(0, value) : value, magnitude)
  }

  private static func layout(
    _ operand: GemmClass.Operand, _ gemm: GemmClass, rows: Int, columns: Int
  ) -> (strides: [Int], blockCount: Int) {
    let (row, column, size) =
      switch operand.order {
      case .rows: (columns, 1, rows * columns)
      case .columns: (1, rows, rows * columns)
      case .neither: (2 * columns, 2, 2 * rows * columns)
      }
    let inner = operand.sharesInner ? 0 : size
    let outer = operand.sharesOuter ? 0 : (operand.sharesInner ? 1 : gemm.inner) * size
    let copies = (operand.sharesInner ? 1 : gemm.inner) * (operand.sharesOuter ? 1 : gemm.outer)
    return ([outer, inner, row, column], max(1, copies * size))
  }
}

extension GemmOperand {
  /// A view `[outer, inner, rows, columns]`.
  fileprivate init(_ view: StridedView) {
    self.init(
      storage: view.storage, dtype: view.dtype, offset: view.offset, outer: view.strides[0], inner: view.strides[1],
      row: view.strides[2], column: view.strides[3])
  }
}

/// A pass of a convolution on any device.
struct ConvolutionSubject: TuningSubject {
  private let backend: any Backend
  private let pass: ConvolutionPass
  private let geometry: ConvolutionGeometry
  private let precision: MatmulPrecision
  /// By their roles in the forward pass; the one that the pass computes holds its numbers in `result` only.
  private let x, w, y: TuningOperand
  private let bias: TuningOperand?
  let result: StridedView

  init(_ pass: ConvolutionPass, _ convolution: ConvolutionClass, on backend: any Backend) throws {
    self.backend = backend
    self.pass = pass
    geometry = convolution.geometry
    precision = convolution.precision
    func operand(_ operand: ConvolutionClass.Operand, _ shape: [Int], seed: UInt64) throws -> TuningOperand {
      // Where a view is not dense, channels last is the layout that programs have.
      let strides =
        operand.isDense ? contiguousStrides(shape) : [shape[1] * shape[2] * shape[3], 1, shape[3] * shape[1], shape[1]]
      return try TuningOperand(
        backend, operand.dtype, shape: shape, strides: strides, blockCount: elementCount(shape), seed: seed)
    }
    x = try operand(convolution.x, geometry.inputShape, seed: 1)
    w = try operand(convolution.w, geometry.weightShape, seed: 2)
    y = try operand(convolution.y, geometry.outputShape, seed: 3)
    let outputs = geometry.outputChannels
    bias =
      convolution.hasBias
      ? try TuningOperand(backend, convolution.y.dtype, shape: [outputs], strides: [1], blockCount: outputs, seed: 4)
      : nil
    result =
      switch pass {
      case .forward: y.view
      case .inputGradient: x.view
      case .weightGradient: w.view
      }
  }

  var depth: Int {
    let window = geometry.kernelHeight * geometry.kernelWidth
    return switch pass {
    case .forward: geometry.inputChannelsPerGroup * window
    case .inputGradient: geometry.outputChannelsPerGroup * window
    case .weightGradient: geometry.batch * geometry.outputHeight * geometry.outputWidth
    }
  }

  func run() {
    withMatmulPrecision(precision) {
      switch pass {
      case .forward: backend.convolution(geometry, x.view, w.view, bias: bias?.view, into: result)
      case .inputGradient: backend.convolutionInputGradient(geometry, y.view, w.view, into: result)
      case .weightGradient: backend.convolutionWeightGradient(geometry, x.view, y.view, into: result)
      }
    }
  }

  func exact(_ place: [Int]) -> (value: Double, magnitude: Double) {
    var sum = 0.0, magnitude = 0.0
    func add(_ term: Double) {
      sum += term
      magnitude += abs(term)
    }
    let g = geometry
    /// The line of the image under a line of the output and one of the filter; nil in the padding.
    func line(_ output: Int, _ filter: Int) -> Int? {
      let line = output * g.strideHeight - g.padTop + filter * g.dilationHeight
      return 0..<g.inputHeight ~= line ? line : nil
    }
    func column(_ output: Int, _ filter: Int) -> Int? {
      let column = output * g.strideWidth - g.padLeft + filter * g.dilationWidth
      return 0..<g.inputWidth ~= column ? column : nil
    }
    switch pass {
    case .forward:
      if let bias { add(bias[place[1]]) }
      let firstChannel = place[1] / g.outputChannelsPerGroup * g.inputChannelsPerGroup
      for i in 0..<g.kernelHeight {
        for j in 0..<g.kernelWidth {
          guard let h = line(place[2], i), let v = column(place[3], j) else { continue }
          for c in 0..<g.inputChannelsPerGroup { add(x[place[0], firstChannel + c, h, v] * w[place[1], c, i, j]) }
        }
      }
    case .inputGradient:
      let group = place[1] / g.inputChannelsPerGroup
      for i in 0..<g.kernelHeight {
        for j in 0..<g.kernelWidth {
          // The output whose window has this place under (i, j), if there is one.
          let (h, v) = (place[2] + g.padTop - i * g.dilationHeight, place[3] + g.padLeft - j * g.dilationWidth)
          guard h >= 0, v >= 0, h % g.strideHeight == 0, v % g.strideWidth == 0, h / g.strideHeight < g.outputHeight,
            v / g.strideWidth < g.outputWidth
          else { continue }
          for o in 0..<g.outputChannelsPerGroup {
            let output = group * g.outputChannelsPerGroup + o
            add(
              y[place[0], output, h / g.strideHeight, v / g.strideWidth]
                * w[output, place[1] % g.inputChannelsPerGroup, i, j])
          }
        }
      }
    case .weightGradient:
      let channel = place[0] / g.outputChannelsPerGroup * g.inputChannelsPerGroup + place[1]
      for n in 0..<g.batch {
        for p in 0..<g.outputHeight {
          guard let h = line(p, place[2]) else { continue }
          for q in 0..<g.outputWidth {
            if let v = column(q, place[3]) { add(x[n, channel, h, v] * y[n, place[0], p, q]) }
          }
        }
      }
    }
    return (sum, magnitude)
  }
}
