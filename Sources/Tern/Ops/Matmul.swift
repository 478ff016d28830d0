// SPDX-License-Identifier: MIT
import TernRuntime

/// The matrix product.
///
/// - Parameters:
///   - a: `[..., m, k]`, or `[k]`, a row.
///   - b: `[..., k, n]`, or `[k]`, a column. Leading axes broadcast.
/// - Returns: `[..., m, n]`, without the axis of a one-dimensional operand. Accumulated in Float32.
/// - Precondition: the inner extents agree.
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor {
  require(a.rank >= 1 && b.rank >= 1, "matmul: needs at least one axis, got \(a.shape) and \(b.shape)")
  if a.rank == 1 { return matmul(a.expanded(at: 0), b).squeezed(at: b.rank == 1 ? -1 : -2) }
  if b.rank == 1 { return matmul(a, b.expanded(at: 1)).squeezed(at: -1) }
  require(
    a.shape[a.rank - 1] == b.shape[b.rank - 2],
    "matmul: inner extents of \(a.shape) and \(b.shape) differ: \(a.shape[a.rank - 1]) and \(b.shape[b.rank - 2])")
  if a.rank == 2 && b.rank == 2 { return product(a, b) }
  let leading = broadcastShape("matmul", Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)))
  if b.rank == 2 && a.isDense {  // one matrix for all rows: a single product
    let rows = elementCount(Array(a.shape.dropLast()))
    return product(a.reshaped(to: [rows, a.shape[a.rank - 1]]), b)
      .reshaped(to: Array(a.shape.dropLast()) + [b.shape[1]])
  }
  let count = elementCount(leading)
  func batched(_ x: Tensor) -> Tensor {
    let matrix = Array(x.shape.suffix(2))
    if x.rank == 2 { return x.expanded(at: 0).broadcast(to: [count] + matrix) }
    return x.broadcast(to: leading + matrix).reshaped(to: [count] + matrix)
  }
  let y = product(batched(a), batched(b))
  return y.reshaped(to: leading + [a.shape[a.rank - 2], b.shape[b.rank - 1]])
}

/// An affine map of rows and what follows it: `y = activation(x · weightᵀ + bias)`.
///
/// The activation is applied before the product is stored, so it costs no pass over memory. Gradients of `relu`, `tanh`
/// and `sigmoid` follow from `y`; those of `gelu`, `geluTanh` and `silu` need what was activated, which is then kept
/// instead and activated by an operation of its own: only without gradients do these fuse.
///
/// - Parameters:
///   - x: `[..., inputs]`.
///   - weight: `[outputs, inputs]`.
///   - bias: `[outputs]`.
/// - Returns: `[..., outputs]`.
public func linear(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, activation: Activation = .none
) -> Tensor {
  require(weight.rank == 2, "linear: weight must be [outputs, inputs], got \(weight.shape)")
  require(
    x.rank >= 1 && x.shape[x.rank - 1] == weight.shape[1],
    "linear: input \(x.shape) does not end in the \(weight.shape[1]) inputs of weight \(weight.shape)")
  if let bias {
    require(
      bias.shape == [weight.shape[0]],
      "linear: bias must be [\(weight.shape[0])] for weight \(weight.shape), got \(bias.shape)")
  }
  let rows = x.rank == 2 ? x : x.reshaped(to: [elementCount(Array(x.shape.dropLast())), weight.shape[1]])
  let fuses = activation.fuses(withOperationOn: [x, weight] + (bias.map { [$0] } ?? []))
  let product = affine(rows, weight, bias, fuses ? activation : .none)
  let y = fuses ? product : activation(product)
  return x.rank == 2 ? y : y.reshaped(to: Array(x.shape.dropLast()) + [weight.shape[0]])
}

/// `linear` of a matrix. An operation of its own, so that the weight's gradient comes out in the weight's layout: that
/// of a product with the transpose would be a transposed view, which the optimizer reads at a fraction of the speed.
private func affine(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation) -> Tensor {
  let inputs = [x, weight] + (bias.map { [$0] } ?? [])
  return .record(
    "linear", shape: [x.shape[0], weight.shape[0]], dtype: floatingPointDType("linear", inputs), from: inputs,
    saving: activation == .none ? .tensors([x, weight]) : .tensorsAndOutput([x, weight]),
    compute: { backend, inputs, y in
      backend.matmul(
        inputs[0].asBatch, inputs[1].transposed.asBatch,
        Epilogue(bias: inputs.count > 2 ? inputs[2] : nil, activation: activation), into: y.asBatch)
    },
    pullback: { gradient, saved in
      let gradient = activation == .none ? gradient : activation.pulledBack(gradient, output: saved.output)
      return [
        saved.needs(0) ? product(gradient, saved[1]) : nil,
        saved.needs(1) ? product(gradient.transposed(), saved[0]) : nil,
        saved.needs(2) ? gradient.sum(along: [0]) : nil,
      ]
    })
}

/// The recorded product of two matrices, or of two equally long batches of them.
private func product(_ a: Tensor, _ b: Tensor) -> Tensor {
  return .record(
    "matmul", shape: Array(a.shape.dropLast()) + [b.shape[b.rank - 1]], dtype: floatingPointDType("matmul", [a, b]),
    from: [a, b],
    saving: .inputs,
    compute: { backend, inputs, c in
      backend.matmul(inputs[0].asBatch, inputs[1].asBatch, bias: nil, into: c.asBatch)
    },
    pullback: { gradient, saved in
      [
        saved.needs(0) ? product(gradient, saved[1].transposed()) : nil,
        saved.needs(1) ? product(saved[0].transposed(), gradient) : nil,
      ]
    })
}

private func floatingPointDType(_ operation: String, _ tensors: [Tensor]) -> DType {
  let dtype = Tensor.commonDType(operation, tensors)
  require(dtype.isFloatingPoint, "\(operation): needs floating-point tensors, got \(dtype); convert with x.cast(to:)")
  return dtype
}

extension StridedView {
  /// A matrix with rows and columns exchanged.
  fileprivate var transposed: StridedView { viewed(shape: shape.reversed(), strides: strides.reversed()) }

  /// A matrix as a batch of one.
  var asBatch: StridedView {
    shape.count == 3 ? self : viewed(shape: [1] + shape, strides: [0] + strides)
  }
}
