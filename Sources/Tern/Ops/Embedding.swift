// SPDX-License-Identifier: MIT
import TernRuntime

/// Vectors by number: `y[i..., :] = weight[indices[i...], :]`.
///
/// - Parameters:
///   - indices: `int32` or `int64`, any shape. One outside `0 ..< weight.shape[0]` gives a row of NaN, since reading it
///     back to check would stall the device.
///   - weight: `[count, width]`, floating point.
///   - paddingIndex: a row whose gradient is zero, so that it stays as it is; negative counts from the end.
/// - Returns: `indices.shape + [width]`. The gradient adds up rows in order, the same bits every time.
public func embedding(_ indices: Tensor, _ weight: Tensor, paddingIndex: Int? = nil) -> Tensor {
  require(
    weight.rank == 2 && weight.dtype.isFloatingPoint,
    "embedding: weight must be floating point [count, width], got \(weight.dtype) \(weight.shape)")
  guard let padding = resolvedPadding("embedding", paddingIndex, weight) else { return weight.gathered(rows: indices) }
  let y = weight.detached().gathered(rows: indices)
  // Where the gradient goes to: an index outside of the table goes nowhere.
  let targets = `where`(indices .== indices.like(padding), indices.like(-1), indices)
  let (rows, width) = (weight.shape[0], weight.shape[1])
  return y.recorded("embedding", from: [weight], saving: .tensors([targets])) { gradient, saved in
    let flat = gradient.reshaped(to: [saved[0].count, width])
    return [scatterAddRows(flat, saved[0].reshaped(to: [saved[0].count]), rows: rows)]
  }
}

/// How the vectors of a bag are combined.
public enum EmbeddingBagMode: String, Sendable, CaseIterable {
  /// Added, each times its weight.
  case sum
  /// Added and divided by their number.
  case mean
  /// The greatest number of each column; the gradient goes to the first vector that has it.
  case max
}

/// Sums, means or maxima of bags of vectors, without the vectors in between.
///
///     y[b] = sum of weights[i] * weight[indices[i]] over the entries i of bag b
///
/// - Parameters:
///   - indices: `int32` or `int64`: `[bags, entries]`, or `[n]` with `offsets`. One outside of the table gives NaN.
///   - weight: `[count, width]`, floating point.
///   - offsets: `int32` or `int64` `[bags]`: the first entry of each bag in `indices`, ascending.
///   - mode: how vectors are combined.
///   - entryWeights: of `indices`' shape; for sums only.
///   - paddingIndex: a row that counts for nothing and whose gradient is zero; negative counts from the end.
/// - Returns: `[bags, width]`; 0 for an empty bag.
public func embeddingBag(
  _ indices: Tensor, _ weight: Tensor, offsets: Tensor? = nil, mode: EmbeddingBagMode = .mean,
  entryWeights: Tensor? = nil, paddingIndex: Int? = nil
) -> Tensor {
  let name = "embeddingBag"
  require(
    weight.rank == 2 && weight.dtype.isFloatingPoint,
    "\(name): weight must be floating point [count, width], got \(weight.dtype) \(weight.shape)")
  require(
    indices.dtype == .int32 || indices.dtype == .int64, "\(name): indices must be int32 or int64, got \(indices.dtype)")
  require(
    indices.rank == (offsets == nil ? 2 : 1),
    "\(name): indices must be [bags, entries], or [n] with offsets, got \(indices.shape)")
  require(
    entryWeights == nil || (mode == .sum && entryWeights!.shape == indices.shape),
    "\(name): entry weights are for sums, of the indices' shape \(indices.shape), got \(entryWeights?.shape ?? []) "
      + "for \(mode)")
  if let offsets {
    require(
      offsets.rank == 1 && (offsets.dtype == .int32 || offsets.dtype == .int64),
      "\(name): offsets must be int32 or int64 [bags], got \(offsets.dtype) \(offsets.shape)")
  }
  let kind: Bags.Mode = mode == .sum ? .sum : mode == .mean ? .mean : .max
  let plan = Bags(kind, paddingIndex: resolvedPadding(name, paddingIndex, weight))
  let bags = offsets?.shape[0] ?? indices.shape[0]
  let starts =
    offsets?.cast(to: .int64) ?? Tensor((0..<bags).map { Int64($0 * indices.shape[1]) }, on: indices.device)
  let list = indices.detached().reshaped(to: [indices.count])
  return bagged(plan, list, weight, starts, entryWeights?.cast(to: .float32).reshaped(to: [indices.count]))
}

private func bagged(_ plan: Bags, _ indices: Tensor, _ table: Tensor, _ offsets: Tensor, _ weights: Tensor?) -> Tensor {
  let device = Tensor.commonDevice("embeddingBag", [table, indices, offsets] + (weights.map { [$0] } ?? []))
  let backend = device.backend
  let shape = [offsets.shape[0], table.shape[1]]
  let bagOf = Tensor.empty(indices.shape, dtype: .int32, on: device)
  let shares = Tensor.empty(indices.shape, dtype: .float32, on: device)
  backend.bagEntries(
    plan, indices: indices.view, offsets: offsets.view, weights: weights?.view, bags: bagOf.view, shares: shares.view)
  let positions = plan.mode == .max ? Tensor.empty(shape, dtype: .int32, on: device) : nil
  let y = Tensor.empty(shape, dtype: table.dtype, on: device)
  backend.bags(
    plan, table: table.view, indices: indices.view, offsets: offsets.view, shares: shares.view, into: y.view,
    positions: positions?.view)
  let inputs = [table] + (weights.map { [$0] } ?? [])
  let saved = inputs + [indices, bagOf, shares] + (positions.map { [$0] } ?? [])
  let (count, rows, bags) = (inputs.count, table.shape[0], shape[0])
  return y.recorded("embeddingBag", from: inputs, saving: .tensors(saved)) { gradient, saved in
    let (indices, bagOf, shares) = (saved[count], saved[count + 1], saved[count + 2])
    // Entries that are in a bag and no padding.
    let isInBag = bagOf .>= 0
    let isCounted = plan.paddingIndex.map { isInBag .& (indices .!= indices.like($0)) } ?? isInBag
    if saved.createsGraph {
      return saved.composedGradients(gradient, count: count) { inputs in
        if plan.mode == .max { return greatest(of: inputs[0], indices, owners: saved.tensors.last!) }
        let share = count > 1 ? inputs[1] : shares
        let counted = `where`(isCounted, share, 0).expanded(at: 1).cast(to: inputs[0].dtype)
        return scatterAddRows(gatherRows(inputs[0], indices) * counted, bagOf, rows: bags)
      }
    }
    var gradients: [Tensor?] = [nil]
    if saved.needs(0) {
      let dTable = Tensor.empty([rows, gradient.shape[1]], dtype: gradient.dtype, on: gradient.device)
      gradient.device.backend.bagGradient(
        plan, dy: gradient.view, indices: indices.view, bags: bagOf.view, shares: shares.view,
        positions: plan.mode == .max ? saved.tensors.last!.view : nil, into: dTable.view)
      gradients[0] = dTable
    }
    if saved.needs(1) {
      let products =
        gatherRows(gradient, bagOf).cast(to: .float32) * gatherRows(saved[0], indices).cast(to: .float32)
      gradients.append(`where`(isCounted, products.sum(along: 1), 0))
    }
    return gradients
  }
}

/// The table's numbers that are the greatest of their bags, by differentiable operations.
///
/// - Parameter owners: for each the entry that has it; negative in an empty bag, which gives 0.
private func greatest(of table: Tensor, _ indices: Tensor, owners: Tensor) -> Tensor {
  let hasOwner = owners .>= 0
  let rows = `where`(hasOwner, indices.cast(to: .int64).gathered(rows: owners), -1)
  return `where`(hasOwner, table.gathered("embeddingBag", rows, 0), 0)
}

/// A padding index counted from the front.
private func resolvedPadding(_ operation: String, _ index: Int?, _ weight: Tensor) -> Int? {
  guard let index else { return nil }
  let rows = weight.shape[0]
  require(
    index >= -rows && index < rows,
    "\(operation): the padding index \(index) is out of range for \(rows) rows, expected \(-rows) ..< \(rows)")
  return index < 0 ? index + rows : index
}
