// SPDX-License-Identifier: MIT
import TernRuntime

/// Scaled dot-product attention of all heads as one recorded operation. Heads are read and written where they stand, in
/// the columns of a projection say, and the gradients of queries, keys and values go to one array if they come from
/// one.
struct AttentionOperation: Sendable {
  let plan: Attention
  let query, key, value: AttentionOperand
  /// Of the result.
  let output: AttentionOperand.Layout
  let dropout: Dropped?

  /// A mask of probabilities to be drawn, and what the others are multiplied with.
  struct Dropped: Sendable {
    let draw: RandomDraw
    let scale: Float

    /// Nil outside training, or where nothing is dropped.
    init?(_ probability: Float, _ generator: RandomGenerator) {
      guard let draw = activeMask("attention", probability, generator) else { return nil }
      self.draw = draw
      scale = 1 / (1 - probability)
    }
  }

  /// - Parameters:
  ///   - sources: what the operands are parts of; Float32.
  ///   - mask: of the scores' shape, with strides of 0 where it repeats; `bool` or Float32.
  func callAsFunction(_ sources: [Tensor], mask: Tensor?) -> Tensor {
    let views = sources.map(\.view)
    let (q, k, v) = (query.view(views[query.source]), key.view(views[key.source]), value.view(views[value.source]))
    let backend = Tensor.commonDevice("attention", sources + (mask.map { [$0] } ?? [])).backend
    let headProducts = HeadProducts(backend: backend)
    func empty(_ shape: [Int]) -> Tensor { .empty(shape, dtype: .float32, on: sources[0].device) }
    let probabilities = empty(plan.shape)
    headProducts(q, k.transposedMatrices, into: probabilities.view)
    backend.attentionSoftmax(plan, probabilities.view, mask: mask?.view)
    let y = empty(outputShape(valueSize: v.shape[3]))
    headProducts(dropped(probabilities).view, v, into: outputView(y.view))
    let saved = sources + [probabilities] + (mask.map { [$0] } ?? [])
    return y.recorded("attention", from: sources, saving: .tensors(saved)) { gradient, saved in
      if saved.createsGraph {
        let mask = saved.tensors.count > sources.count + 1 ? saved.tensors.last : nil
        return saved.composedGradients(gradient, count: sources.count) { composed($0, mask: mask).outputs }
      }
      return pulledBack(gradient, saved, count: sources.count)
    }
  }

  private func pulledBack(_ gradient: Tensor, _ saved: Saved, count: Int) -> [Tensor?] {
    let sources = Array(saved.tensors[..<count])
    let (views, probabilities) = (sources.map(\.view), saved[count])
    let backend = gradient.device.backend
    let headProducts = HeadProducts(backend: backend)
    // A source may have columns that no operand reads.
    let used = Set([query.source, key.source, value.source])
    let gradients = sources.indices.map {
      used.contains($0) ? Tensor.empty(sources[$0].shape, dtype: .float32, on: gradient.device) : nil
    }
    let targets = gradients.map { $0?.view }
    func target(_ operand: AttentionOperand) -> StridedView { operand.view(targets[operand.source]!) }
    let dy = outputView(gradient.view)
    let (q, k, v) = (query.view(views[query.source]), key.view(views[key.source]), value.view(views[value.source]))
    headProducts(dropped(probabilities).view.transposedMatrices, dy, into: target(value))
    let products = Tensor.empty(plan.shape, dtype: .float32, on: gradient.device)
    headProducts(dy, v.transposedMatrices, into: products.view)
    let dScores = dropped(products)
    backend.attentionSoftmaxGradient(plan, probabilities: probabilities.view, dScores.view)
    headProducts(dScores.view, k, into: target(query))
    headProducts(dScores.view.transposedMatrices, q, into: target(key))
    return gradients
  }

  private func dropped(_ x: Tensor) -> Tensor {
    guard let dropout else { return x }
    return Dropping(dropout.draw, x.shape, scale: dropout.scale)(x).evaluated()
  }

  private func outputShape(valueSize: Int) -> [Int] {
    switch output {
    case .heads: return [plan.batch, plan.heads, plan.queries, valueSize]
    case .columns(_, let heads, let size, let batchFirst):
      return (batchFirst ? [plan.batch, plan.queries] : [plan.queries, plan.batch]) + [heads * size]
    }
  }

  private func outputView(_ y: StridedView) -> StridedView { AttentionOperand(source: 0, layout: output).view(y) }

  /// Outputs and probabilities by differentiable operations.
  func composed(_ sources: [Tensor], mask: Tensor?) -> (outputs: Tensor, probabilities: Tensor) {
    let q = query.tensor(sources)
    let (k, v) = (key.tensor(sources).repeatedHeads(plan.heads), value.tensor(sources).repeatedHeads(plan.heads))
    var scores = matmul(q, k.swappedAxes(-1, -2)) * plan.scale
    if let mask { scores = mask.dtype == .bool ? `where`(mask, scores, -Float.infinity) : scores + mask }
    if let offset = plan.causalOffset {
      let queries = Tensor.range(offset..<plan.queries + offset, on: scores.device).reshaped(to: [plan.queries, 1])
      scores = `where`(Tensor.range(0..<plan.keys, on: scores.device) .<= queries, scores, -Float.infinity)
    }
    // Rows without anything to attend are computed as if they had no mask, so that no gradient meets an infinity.
    let isSeen = scores.detached().max(along: -1, keepingDimensions: true) .!= -Float.infinity
    let probabilities = `where`(isSeen, softmax(`where`(isSeen, scores, 0)), 0)
    var kept = probabilities
    if let dropout { kept = Dropping(dropout.draw, kept.shape, scale: dropout.scale)(kept) }
    var y = matmul(kept, v)
    if case .columns(_, let heads, let size, let batchFirst) = output {
      y = y.transposed(batchFirst ? [0, 2, 1, 3] : [2, 0, 1, 3])
      y = y.reshaped(to: [y.shape[0], y.shape[1], heads * size])
    }
    return (y, probabilities)
  }
}

extension Tensor {
  /// Each of the heads of `[batch, heads, length, size]` as often as it takes to have `count`.
  fileprivate func repeatedHeads(_ count: Int) -> Tensor {
    if shape[1] == count { return self }
    let wide = [shape[0], shape[1], count / shape[1], shape[2], shape[3]]
    return expanded(at: 2).broadcast(to: wide).reshaped(to: [shape[0], count, shape[2], shape[3]])
  }
}

extension StridedView {
  /// Rows and columns of the last two axes exchanged.
  fileprivate var transposedMatrices: StridedView {
    var (shape, strides) = (shape, strides)
    shape.swapAt(shape.count - 2, shape.count - 1)
    strides.swapAt(strides.count - 2, strides.count - 1)
    return viewed(shape: shape, strides: strides)
  }
}
