// SPDX-License-Identifier: MIT
import TernRuntime

/// Projected queries, keys and values, and what is to be done with them.
struct ProjectedAttention {
  let sources: [Tensor]
  let operation: AttentionOperation
  let mask: Tensor?

  /// - Parameter seen: positions before those of `key`, in a cache; nil when there is none.
  init(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, _ heads: Int, _ weights: AttentionWeights,
    _ options: AttentionOptions, seen: Int? = nil
  ) {
    let name = "multiHeadAttention"
    let width = query.shape.last ?? 0
    let (batch, length) = options.batchFirst ? (0, 1) : (1, 0)
    require(
      query.rank == 3 && key.rank == 3 && value.rank == 3 && key.shape[..<2] == value.shape[..<2]
        && key.shape[batch] == query.shape[batch],
      "\(name): needs query \(options.batchFirst ? "[N, T, width]" : "[T, N, width]") and key and value alike, got "
        + "\(query.shape), \(key.shape) and \(value.shape)")
    require(heads >= 1 && width % heads == 0, "\(name): the width \(width) must be a multiple of \(heads) heads")
    let size = width / heads
    let rows = weights.keyRows(name, width: width, key: key.shape[2], value: value.shape[2])
    require(
      rows > 0 && width % rows == 0 && rows % size == 0,
      "\(name): keys of \(rows) numbers must be heads of \(size), of which \(heads) heads of queries are a multiple")
    checkAttentionDropout(name, options.dropout)
    func project(_ x: Tensor, _ matrix: Tensor, _ first: Int) -> Tensor {
      let bias = weights.inputBias?.sliced(along: 0, from: first, to: first + matrix.shape[0])
      return linear(x, matrix, bias).cast(to: .float32)
    }
    /// Rows of the matrix that makes all three.
    func packed(_ x: Tensor, _ rows: Range<Int>) -> Tensor {
      project(x, weights.input.sliced(along: 0, from: rows.lowerBound, to: rows.upperBound), rows.lowerBound)
    }
    func columns(_ first: Int, ofKeys: Bool = true) -> AttentionOperand.Layout {
      .columns(first: first, heads: ofKeys ? rows / size : heads, size: size, batchFirst: options.batchFirst)
    }
    let queries = columns(0, ofKeys: false)
    let places: [(source: Int, first: Int)]
    if let keyWeight = weights.key, let valueWeight = weights.value {
      sources = [
        project(query, weights.input, 0), project(key, keyWeight, width), project(value, valueWeight, width + rows),
      ]
      places = [(1, 0), (2, 0)]
    } else if query.isSame(as: key) && key.isSame(as: value) {
      sources = [packed(query, 0..<width + 2 * rows)]
      places = [(0, width), (0, width + rows)]
    } else if key.isSame(as: value) {
      sources = [packed(query, 0..<width), packed(key, width..<width + 2 * rows)]
      places = [(1, 0), (1, rows)]
    } else {
      sources = [
        packed(query, 0..<width), packed(key, width..<width + rows), packed(value, width + rows..<width + 2 * rows),
      ]
      places = [(1, 0), (2, 0)]
    }
    let operands =
      [AttentionOperand(source: 0, layout: queries)]
      + places.map { AttentionOperand(source: $0.source, layout: columns($0.first)) }
    let plan = Attention(
      batch: query.shape[batch], heads: heads, queries: query.shape[length], keys: key.shape[length] + (seen ?? 0),
      scale: 1 / Float(size).squareRoot(), causalOffset: options.causal || seen != nil ? seen ?? 0 : nil)
    operation = AttentionOperation(
      plan: plan, query: operands[0], key: operands[1], value: operands[2], output: queries,
      dropout: AttentionOperation.Dropped(options.dropout, options.generator))
    mask = Self.mask(name, options, plan)
  }

  /// Both masks in one.
  private static func mask(_ name: String, _ options: AttentionOptions, _ plan: Attention) -> Tensor? {
    var mask = options.mask
    if let given = mask, given.rank == 3 { mask = given.expanded(at: 1) }
    if let keyMask = options.keyMask {
      require(
        keyMask.dtype == .bool && keyMask.shape == [plan.batch, plan.keys],
        "\(name): the key mask must be bool [\(plan.batch), \(plan.keys)], got \(keyMask.dtype) \(keyMask.shape)")
      let keys = keyMask.reshaped(to: [plan.batch, 1, 1, plan.keys])
      mask = mask.map { $0.dtype == .bool ? $0 .& keys : `where`(keys, $0, -Float.infinity) } ?? keys
    }
    return mask.map { attentionMask(name, $0, broadcastTo: plan.shape) }
  }
}

extension Tensor {
  /// Whether two tensors are the same view of the same value in the same place of the graph.
  fileprivate func isSame(as other: Tensor) -> Bool {
    value === other.value && shape == other.shape && strides == other.strides && offset == other.offset
      && node === other.node
  }
}

extension AttentionWeights {
  /// Rows that make keys, and as many that make values; traps unless all shapes agree.
  fileprivate func keyRows(_ name: String, width: Int, key keyWidth: Int, value valueWidth: Int) -> Int {
    var rows = (input.shape[0] - width) / 2
    if let key, let value {
      rows = key.shape[0]
      require(
        input.shape == [width, width] && key.shape == [rows, keyWidth] && value.shape == [rows, valueWidth],
        "\(name): the projections must be [\(width), \(width)], [rows, \(keyWidth)] and [rows, \(valueWidth)], got "
          + "\(input.shape), \(key.shape) and \(value.shape)")
    } else {
      require(
        input.shape == [width + 2 * rows, width] && keyWidth == width && valueWidth == width,
        "\(name): one projection of queries, keys and values must be [\(3 * width), \(width)], or have fewer rows for "
          + "keys and values, for tensors of one width; got \(input.shape) for \(width), \(keyWidth) and \(valueWidth)")
    }
    require(
      output.shape == [width, width] && (inputBias.map { $0.shape == [width + 2 * rows] } ?? true),
      "\(name): the output's projection must be [\(width), \(width)] and the input's bias [\(width + 2 * rows)], got "
        + "\(output.shape) and \(inputBias?.shape ?? [])")
    return rows
  }
}
