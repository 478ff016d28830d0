// SPDX-License-Identifier: MIT
import TernRuntime

/// A multidimensional array of numbers on a device: an immutable value, cheap to copy.
///
/// Transposes, slices, broadcasts and most reshapes are views that share memory. Pointwise operations (arithmetic,
/// activations, comparisons) are collected and run fused when something needs their result; everything else starts at
/// once. On OpenCL both return before the device is done; reading values waits.
///
///     let x = Tensor([1, 2, 3, 4], shape: [2, 2])
///     let y = matmul(x, x.transposed()) + 1
///     print(try y.scalars(as: Float.self))
public struct Tensor: Sendable {
  package private(set) var value: Value
  /// Extents of the axes, outermost first; `[]` for a scalar.
  public let shape: [Int]
  package let strides: [Int]
  package let offset: Int
  let node: Node?

  init(_ value: Value, shape: [Int], strides: [Int], offset: Int, node: Node? = nil) {
    self.value = value
    self.shape = shape
    self.strides = strides
    self.offset = offset
    self.node = node
  }

  /// All of a value, in its own shape.
  init(_ value: Value, node: Node? = nil) {
    self.init(value, shape: value.shape, strides: contiguousStrides(value.shape), offset: 0, node: node)
  }

  /// The number of axes.
  public var rank: Int { shape.count }
  /// The number of elements.
  public var count: Int { elementCount(shape) }
  /// The type of the elements in memory. Half types compute in Float32 and round when they store.
  public var dtype: DType { value.dtype }
  /// The device that holds the values and computes with them.
  public var device: Device { value.device }

  /// The same numbers as a constant: no gradient flows through it.
  public func detached() -> Tensor { attached(to: nil) }

  func attached(to node: Node?) -> Tensor {
    Tensor(value, shape: shape, strides: strides, offset: offset, node: node)
  }

  /// Runs what is pending, so that later uses start from memory. The device may still be at work.
  @discardableResult
  public func evaluated() -> Tensor {
    _ = value.storage()
    return self
  }

  /// Runs the pending work of many tensors in as few launches as the device allows.
  ///
  /// Each inner array becomes one program with several results, if the shapes agree; arrays with equal programs are one
  /// launch. An optimizer ends with it: one array for each parameter, holding the new value and the new state.
  public static func evaluate(_ groups: [[Tensor]]) { Evaluation.run(groups.map { $0.map(\.value) }) }

  /// Runs pending work like `evaluate(_:)`, and lets each result take the memory of the tensor at its position in
  /// `owned`, where one program computes the whole group and nothing else reads that tensor.
  ///
  /// - Precondition: `owned` tensors were sole owners before the group's values were made from them.
  package static func evaluate(_ groups: [[Tensor]], overwriting owned: [[Tensor?]]) {
    Evaluation.run(groups.map { $0.map(\.value) }, overwriting: owned.map { $0.map { $0?.value } })
  }

  // MARK: Memory

  /// Whether nobody else can see this tensor's memory: no copy of the tensor, no view, no pending work.
  package mutating func isSoleOwner() -> Bool {
    node == nil && coversValue && isKnownUniquelyReferenced(&value) && value.ownsMemoryAlone()
  }

  /// What a backend reads; runs what is pending.
  package var view: StridedView { StridedView(value.storage(), dtype, shape: shape, strides: strides, offset: offset) }

  /// Whether the tensor is all of its value in order, so that it can stand for it in a recipe.
  var coversValue: Bool { shape == value.shape && offset == 0 && strides == contiguousStrides(shape) }

  /// The same numbers, dense in row-major order.
  package func contiguous() -> Tensor {
    if isDense { return self }
    return Tensor.record(
      "contiguous", shape: shape, dtype: dtype, from: [self], saving: .none,
      compute: { backend, inputs, y in
        backend.pointwise(.copy(from: y.dtype, to: y.dtype), [PointwiseOperands(inputs: inputs, outputs: [y])])
      }, pullback: { gradient, _ in [gradient] })
  }

  package var isDense: Bool {
    var expected = 1
    for axis in shape.indices.reversed() {
      if shape[axis] != 1 && strides[axis] != expected { return false }
      expected *= shape[axis]
    }
    return true
  }
}
