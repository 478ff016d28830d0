// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  /// Float types run as packed products in Float32 and are rounded once; `int32` and `int64` run as plain loops that
  /// wrap on overflow.
  package func matmul(_ a: StridedView, _ b: StridedView, _ epilogue: Epilogue, into c: StridedView) {
    let (bias, activation) = (epilogue.bias, epilogue.activation)
    require(
      a.dtype == b.dtype && a.dtype == c.dtype && (bias == nil || bias?.dtype == c.dtype),
      "matmul: dtypes must agree, got a \(a.dtype), b \(b.dtype), bias \(bias.map { "\($0.dtype)" } ?? "none"), "
        + "c \(c.dtype)")
    require(
      activation == .none || c.dtype.isFloatingPoint,
      "matmul: \(activation) needs a floating-point dtype, got \(c.dtype)")
    if c.count == 0 { return }
    let launch = begin()
    defer { launch.end() }
    switch c.dtype {
    case .int32: integerMatmul(a, b, bias: bias, into: c, as: Int32.self)
    case .int64: integerMatmul(a, b, bias: bias, into: c, as: Int64.self)
    case .bool: trap("matmul: dtype bool has no product, expected a number type")
    case .float32, .float16, .bfloat16:
      guard let bias else { return floatMatmul(a, b, bias: nil, activation, into: c) }
      bias.withDenseFloats { floatMatmul(a, b, bias: $0, activation, into: c) }
    }
  }

  package func matmul(_ a: StridedView, _ factors: [StridedView], into products: [StridedView]) {
    let shared = zip(factors, products).compactMap { b, c in
      a.dtype == .float32 && b.dtype == .float32 && c.count > 0 ? BatchedProduct(a, b, c, .none).rowMajorProduct : nil
    }
    guard shared.count == products.count, MatrixProduct.canSharePacking(shared) else {
      for (b, c) in zip(factors, products) { matmul(a, b, Epilogue(), into: c) }
      return
    }
    let launch = begin()
    defer { launch.end() }
    MatrixProduct.runBlocked(shared, threads)
  }

  private func floatMatmul(
    _ a: StridedView, _ b: StridedView, bias: UnsafePointer<Float>?, _ activation: Activation, into c: StridedView
  ) {
    let batch = BatchedProduct(a, b, c, activation)
    let work = batch.m * batch.n * max(1, batch.k)
    if batch.count == 1 || work >= 8 * MatrixProduct.chunkWork {
      for index in 0..<batch.count { batch.run(index, bias: bias, threads) }
      return
    }
    let chunks = max(1, min(batch.count, 64, batch.count * work / MatrixProduct.chunkWork))
    threads.run(chunks: chunks) { chunk in
      for index in batch.count * chunk / chunks..<batch.count * (chunk + 1) / chunks {
        batch.run(index, bias: bias, threads)
      }
    }
  }

  private func integerMatmul<Integer: FixedWidthInteger>(
    _ a: StridedView, _ b: StridedView, bias: StridedView?, into c: StridedView, as type: Integer.Type
  ) {
    let (count, m, n, k) = (c.shape[0], c.shape[1], c.shape[2], a.shape[2])
    func start(_ view: StridedView) -> UnsafeMutablePointer<Integer>? {
      view.address.assumingMemoryBound(to: Integer.self)
    }
    guard let target = start(c) else { return }
    let (left, right, addend) = (start(a), start(b), bias.flatMap { start($0) })
    threads.run(chunks: count * m) { chunk in
      let (item, i) = (chunk / m, chunk % m)
      let row = target + item * c.strides[0] + i * c.strides[1]
      for j in 0..<n { row[j * c.strides[2]] = addend?[j * bias!.strides[0]] ?? 0 }
      guard let left, let right else { return }
      for p in 0..<k {
        let factor = left[item * a.strides[0] + i * a.strides[1] + p * a.strides[2]]
        let source = right + item * b.strides[0] + p * b.strides[1]
        for j in 0..<n { row[j * c.strides[2]] &+= factor &* source[j * b.strides[2]] }
      }
    }
  }
}

/// A batch of products of float matrices, each of which is written in place where `c`'s layout allows it.
struct BatchedProduct {
  let count: Int, m: Int, n: Int, k: Int
  private let a: StridedView, b: StridedView, c: StridedView
  private let activation: Activation

  init(_ a: StridedView, _ b: StridedView, _ c: StridedView, _ activation: Activation) {
    self.activation = activation
    let (count, m, n, k) = (c.shape[0], c.shape[1], c.shape[2], a.shape[2])
    (self.n, self.k) = (n, k)
    // One matrix for all: the batch is more rows, if these follow each other.
    func follows(_ view: StridedView) -> Bool { m == 1 || view.strides[0] == m * view.strides[1] }
    if count > 1 && b.strides[0] == 0 && follows(a) && follows(c) {
      (self.count, self.m) = (1, count * m)
      func folded(_ view: StridedView) -> StridedView {
        view.viewed(
          shape: [1, count * m, view.shape[2]],
          strides: [0, m == 1 ? view.strides[0] : view.strides[1], view.strides[2]])
      }
      (self.a, self.b, self.c) = (folded(a), b, folded(c))
    } else {
      (self.count, self.m) = (count, m)
      (self.a, self.b, self.c) = (a, b, c)
    }
  }

  /// The only product as it stands, not transposed, where the result's rows are dense.
  var rowMajorProduct: MatrixProduct? {
    count == 1 && c.dtype == .float32 && c.strides[2] == 1 ? product(0, into: c.floats, rowStep: c.strides[1]) : nil
  }

  /// A product as it stands.
  private func product(_ index: Int, into target: UnsafeMutablePointer<Float>, rowStep: Int) -> MatrixProduct {
    MatrixProduct(
      m: m, n: n, k: k, a: a.matrix(row: 1, column: 2, at: index * a.strides[0]),
      b: b.matrix(row: 1, column: 2, at: index * b.strides[0]), c: target, rowStep: rowStep)
  }

  func run(_ index: Int, bias: UnsafePointer<Float>?, _ threads: ThreadPool) {
    let left = a.matrix(row: 1, column: 2, at: index * a.strides[0])
    let right = b.matrix(row: 1, column: 2, at: index * b.strides[0])
    let target = c.address + index * c.strides[0] * c.dtype.byteCount
    let isFloat = c.dtype == .float32
    let rowMajor = isFloat && (c.strides[2] == 1 || n == 1)
    let columnMajor = isFloat && (c.strides[1] == 1 || m == 1)
    // A column-major matrix times a vector reads the matrix along its columns when seen as a row times its transpose.
    let transposes = columnMajor && (!rowMajor || (n == 1 && left.row_stride == 1))
    if transposes {
      var product = MatrixProduct(
        m: n, n: m, k: k, a: transposed(right), b: transposed(left), c: target.assumingMemoryBound(to: Float.self),
        rowStep: c.strides[2])
      product.rowBias = bias
      product.activation = activation
      return product.run(threads)
    }
    if rowMajor {
      var product = product(index, into: target.assumingMemoryBound(to: Float.self), rowStep: c.strides[1])
      product.columnBias = bias
      product.activation = activation
      return product.run(threads)
    }
    ScratchPool.shared.withFloats(m * n) { dense in
      var product = product(index, into: dense, rowStep: n)
      product.columnBias = bias
      product.activation = activation
      product.run(threads)
      product.functions.store(UnsafePointer(dense), m, n, target, c.strides[1], c.strides[2], c.element)
    }
  }

  private func transposed(_ matrix: tern_matrix) -> tern_matrix {
    tern_matrix(
      data: matrix.data, row_stride: matrix.column_stride, column_stride: matrix.row_stride, element: matrix.element)
  }
}
