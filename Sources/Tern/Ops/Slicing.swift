// SPDX-License-Identifier: MIT
import TernRuntime

/// One entry of a subscript: a position, which drops the axis, or a range of positions.
public enum SliceIndex: Sendable, ExpressibleByIntegerLiteral {
  /// One position; its axis is dropped. Negative ones count from the end.
  case at(Int)
  /// Every `step`-th position from `from` up to but excluding `to`; see `sliced(along:from:to:step:)`.
  case range(from: Int, to: Int?, step: Int)

  /// One position.
  public init(integerLiteral value: Int) { self = .at(value) }
}

/// What may stand in a tensor's subscript: integers, ranges and `.all`.
public protocol SliceIndexConvertible {
  /// What the value selects of its axis. Whether it lies inside the axis is checked by the subscript.
  var sliceIndex: SliceIndex { get }
}
extension SliceIndexConvertible where Self == SliceIndex {
  /// The whole axis.
  public static var all: SliceIndex { .range(from: 0, to: nil, step: 1) }

  /// Every `step`-th position of the axis, from `from` up to but excluding `to`.
  public static func every(_ step: Int, from: Int = 0, to: Int? = nil) -> SliceIndex {
    .range(from: from, to: to, step: step)
  }
}
extension SliceIndex: SliceIndexConvertible {
  /// The entry itself.
  public var sliceIndex: SliceIndex { self }
}
extension Int: SliceIndexConvertible {
  /// One position; its axis is dropped.
  public var sliceIndex: SliceIndex { .at(self) }
}
extension Range<Int>: SliceIndexConvertible {
  /// The positions `from ..< to`; negative bounds count from the end.
  public var sliceIndex: SliceIndex { .range(from: lowerBound, to: upperBound, step: 1) }
}
extension ClosedRange<Int>: SliceIndexConvertible {
  /// The positions `from ... to`; negative bounds count from the end.
  ///
  /// An upper bound of -1 traps, since the position behind it would be 0: the last three are `x[(-3)...]`.
  public var sliceIndex: SliceIndex { .range(from: lowerBound, to: upperBound + 1, step: 1) }
}
extension PartialRangeFrom<Int>: SliceIndexConvertible {
  /// The positions from the bound to the end; a negative one counts from there.
  public var sliceIndex: SliceIndex { .range(from: lowerBound, to: nil, step: 1) }
}
extension PartialRangeUpTo<Int>: SliceIndexConvertible {
  /// The positions before the bound; `..<(-1)` are all but the last.
  public var sliceIndex: SliceIndex { .range(from: 0, to: upperBound, step: 1) }
}

extension Tensor {
  /// A view of part of the tensor: `x[0]`, `x[1..<3]`, `x[.all, 2..<5, -1]`. Axes left out are whole.
  ///
  /// Negative positions count from the end.
  /// - Precondition: positions lie inside their axes.
  public subscript(_ indices: any SliceIndexConvertible...) -> Tensor {
    require(indices.count <= rank, "subscript: \(indices.count) indices for shape \(shape)")
    var result = self
    var axis = 0
    for index in indices {
      switch index.sliceIndex {
      case .at(let position):
        let length = result.shape[axis]
        require(
          position >= -length && position < length,
          "subscript: position \(position) is out of range for axis \(axis) of shape \(result.shape)")
        let start = position < 0 ? position + length : position
        result = result.sliced(along: axis, from: start, to: start + 1).squeezed(at: axis)
      case .range(let from, let to, let step):
        result = result.sliced(along: axis, from: from, to: to, step: step)
        axis += 1
      }
    }
    return result
  }

  /// A view of every `step`-th position along one axis, from `from` up to but excluding `to`.
  ///
  /// - Parameters:
  ///   - from: the first position; negative ones count from the end.
  ///   - to: the position behind the last one; negative ones count from the end, nil is the end.
  ///   - step: at least 1.
  /// - Precondition: `0 <= from <= to <= length`, after counting from the end.
  public func sliced(along axis: Int, from: Int = 0, to: Int? = nil, step: Int = 1) -> Tensor {
    let axis = resolvedAxis("sliced", axis)
    let length = shape[axis]
    let start = from < 0 ? from + length : from
    let end = to.map { $0 < 0 ? $0 + length : $0 } ?? length
    require(
      start >= 0 && start <= end && end <= length && step >= 1,
      "sliced: \(from) ..< \(to ?? length) by \(step) is out of range for axis \(axis) of shape \(shape)")
    if start == 0 && end == length && step == 1 { return self }
    let slice = AxisSlice(axis: axis, start: start, count: (end - start + step - 1) / step, step: step)
    let full = shape
    return slice.view(of: self)
      .recorded("sliced", from: [self], saving: .none) { gradient, _ in [slice.embed(gradient, in: full)] }
  }

  /// Consecutive parts along one axis.
  ///
  /// - Precondition: the sizes sum to the axis.
  public func split(sizes: [Int], along axis: Int = 0) -> [Tensor] {
    let axis = resolvedAxis("split", axis)
    require(
      sizes.allSatisfy { $0 >= 0 } && sizes.reduce(0, +) == shape[axis],
      "split: sizes \(sizes) do not sum to axis \(axis) of shape \(shape)")
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return sliced(along: axis, from: start, to: start + size)
    }
  }
}

/// A regular selection along one axis.
struct AxisSlice: Sendable {
  let axis, start, count, step: Int

  func view(of x: Tensor) -> Tensor {
    let (shape, strides, offset) = layout(x.shape, x.strides, x.offset)
    return x.viewed(shape, strides, offset)
  }

  func part(of view: StridedView) -> StridedView {
    let (shape, strides, offset) = layout(view.shape, view.strides, view.offset)
    return view.viewed(shape: shape, strides: strides, offset: offset)
  }

  private func layout(_ shape: [Int], _ strides: [Int], _ offset: Int) -> (shape: [Int], strides: [Int], offset: Int) {
    var (shape, steps) = (shape, strides)
    shape[axis] = count
    steps[axis] *= step
    return (shape, steps, offset + start * strides[axis])
  }

  /// A tensor of zeros of `shape` that holds `part` in the selection.
  func embed(_ part: Tensor, in shape: [Int]) -> Tensor {
    Tensor.record(
      "embed", shape: shape, dtype: part.dtype, from: [part], saving: .none,
      compute: { backend, inputs, y in
        // Zeros where no part will stand; between its positions everywhere.
        let around = step == 1 ? [0..<start, start + count..<shape[axis]].filter { !$0.isEmpty } : [0..<shape[axis]]
        let zeros = around.map { range in
          let slice = AxisSlice(axis: axis, start: range.lowerBound, count: range.count, step: 1)
          return PointwiseOperands(inputs: [], outputs: [slice.part(of: y)])
        }
        backend.pointwise(.fill(.real(0), dtype: y.dtype), zeros)
        backend.pointwise(
          .copy(from: y.dtype, to: y.dtype), [PointwiseOperands(inputs: inputs, outputs: [self.part(of: y)])])
      },
      pullback: { gradient, _ in
        [gradient.sliced(along: axis, from: start, to: Swift.min(start + count * step, shape[axis]), step: step)]
      })
  }
}

/// Joins tensors along an existing axis.
///
/// - Precondition: at least one tensor; dtypes, devices and all other axes agree.
public func concatenated(_ tensors: [Tensor], along axis: Int = 0) -> Tensor {
  require(!tensors.isEmpty, "concatenated: needs at least one tensor")
  let first = tensors[0]
  let axis = first.resolvedAxis("concatenated", axis)
  let dtype = Tensor.commonDType("concatenated", tensors)
  for tensor in tensors {
    var (one, other) = (first.shape, tensor.shape)
    require(one.count == other.count, "concatenated: ranks of \(first.shape) and \(tensor.shape) differ")
    (one[axis], other[axis]) = (0, 0)
    require(one == other, "concatenated: shapes \(first.shape) and \(tensor.shape) differ beside axis \(axis)")
  }
  if tensors.count == 1 { return first }
  let sizes = tensors.map { $0.shape[axis] }
  var shape = first.shape
  shape[axis] = sizes.reduce(0, +)
  return Tensor.record(
    "concatenated", shape: shape, dtype: dtype, from: tensors, saving: .none,
    compute: { backend, inputs, y in
      var start = 0
      let parts = inputs.map { input in
        defer { start += input.shape[axis] }
        let slice = AxisSlice(axis: axis, start: start, count: input.shape[axis], step: 1)
        return PointwiseOperands(inputs: [input], outputs: [slice.part(of: y)])
      }
      backend.pointwise(.copy(from: dtype, to: dtype), parts)
    }, pullback: { gradient, _ in gradient.split(sizes: sizes, along: axis) })
}

/// Joins tensors of one shape along a new axis.
public func stacked(_ tensors: [Tensor], along axis: Int = 0) -> Tensor {
  concatenated(tensors.map { $0.expanded(at: axis) }, along: axis)
}
