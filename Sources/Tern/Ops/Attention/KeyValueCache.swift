// SPDX-License-Identifier: MIT
import Synchronization
import TernRuntime

/// Keys and values of the positions that self-attention has seen, for decoding one position, or a few, at a time.
///
/// New positions are written behind the earlier ones, in memory that is kept larger than needed, so that a step costs
/// what its own positions cost. Copies of a cache share memory; of two that go on from one, the second moves to memory
/// of its own. Positions that a gradient flows to are joined to new tensors instead.
///
///     var cache = KeyValueCache(capacity: 512)
///     let y = attention(x, cache: &cache)
public struct KeyValueCache: Sendable {
  /// How many positions it holds.
  public private(set) var length = 0
  private var reserved: Int
  private var memory: KeyValueMemory?
  /// In place of `memory`, where a gradient flows.
  private var recorded: (keys: Tensor, values: Tensor)?

  /// A cache without positions.
  public init() { reserved = 0 }

  /// A cache without positions, with room for so many: up to there it never moves. More are allowed.
  public init(capacity: Int) {
    require(capacity >= 0, "KeyValueCache: the capacity must not be negative, got \(capacity)")
    reserved = capacity
  }

  /// `[N, heads, length, size of a head]`; nil before the first position.
  public var keys: Tensor? { recorded?.keys ?? memory?.keys.firstPositions(length) }
  /// Of the same shape.
  public var values: Tensor? { recorded?.values ?? memory?.values.firstPositions(length) }

  /// A cache of some sequences of the batch, in any order, some perhaps more than once: what a beam search goes on
  /// with.
  ///
  /// - Parameter rows: their numbers, `int32` or `int64`, one axis.
  public func selecting(_ rows: Tensor) -> KeyValueCache {
    var copy = self
    copy.recorded = recorded.map { ($0.keys.gathered(rows: rows), $0.values.gathered(rows: rows)) }
    if let memory, let keys, let values {
      let (chosenKeys, chosenValues) = (keys.gathered(rows: rows), values.gathered(rows: rows))
      copy.memory = KeyValueMemory(like: chosenKeys, chosenValues, capacity: memory.capacity, used: length)
      copy.memory!.write([(chosenKeys, chosenValues, 0)])
    }
    return copy
  }

  mutating func append(_ newKeys: Tensor, _ newValues: Tensor) {
    require(
      newValues.dtype == newKeys.dtype,
      "multiHeadAttention: a cache needs keys and values of one dtype, got \(newKeys.dtype) and \(newValues.dtype)")
    if let keys {
      require(
        keys.shape[..<2] == newKeys.shape[..<2] && keys.shape[3] == newKeys.shape[3] && keys.dtype == newKeys.dtype,
        "multiHeadAttention: the cache, \(keys.dtype) \(keys.shape), does not fit new keys, "
          + "\(newKeys.dtype) \(newKeys.shape)")
      _ = Tensor.commonDevice("multiHeadAttention", [keys, newKeys])
    }
    let added = newKeys.shape[2]
    defer { length += added }
    if recorded != nil || newKeys.node != nil || newValues.node != nil {
      let old = keys.flatMap { keys in values.map { (keys, $0) } }
      recorded = (
        old.map { concatenated([$0.0, newKeys], along: 2) } ?? newKeys,
        old.map { concatenated([$0.1, newValues], along: 2) } ?? newValues
      )
      memory = nil
      return
    }
    var written = [(newKeys, newValues, length)]
    if memory == nil || !memory!.claim(length, added) {
      let (old, needed) = (memory?.capacity ?? 0, length + added)
      // Where only a copy has taken the place behind, as much room is enough.
      let capacity = needed <= old ? old : max(reserved, needed, 2 * old, Self.leastCapacity)
      if let keys, let values { written.append((keys, values, 0)) }
      memory = KeyValueMemory(like: newKeys, newValues, capacity: capacity, used: length + added)
    }
    memory!.write(written)
  }

  /// Positions of a first block of memory.
  private static let leastCapacity = 32
}

/// Memory of a cache: of `capacity` positions the first ones are in use. Each is written once, by the cache that
/// claimed it, before anybody reads it; so caches that share a beginning share memory.
private final class KeyValueMemory: Sendable {
  /// `[N, heads, capacity, size]`.
  let keys, values: Tensor
  private let used: Atomic<Int>

  init(like keys: Tensor, _ values: Tensor, capacity: Int, used: Int) {
    func room(_ x: Tensor) -> Tensor {
      Tensor.empty([x.shape[0], x.shape[1], capacity, x.shape[3]], dtype: x.dtype, on: x.device)
    }
    (self.keys, self.values) = (room(keys), room(values))
    self.used = Atomic(used)
  }

  var capacity: Int { keys.shape[2] }

  /// Takes the positions `first ..< first + count`, unless they are taken or there is no room.
  func claim(_ first: Int, _ count: Int) -> Bool {
    first + count <= capacity
      && used.compareExchange(expected: first, desired: first + count, ordering: .relaxed).exchanged
  }

  /// Writes keys and values to positions from the third number on, all in one launch.
  func write(_ parts: [(keys: Tensor, values: Tensor, first: Int)]) {
    let operands = parts.flatMap { part in
      [(part.keys, keys), (part.values, values)].map { source, target in
        let all = target.view
        return PointwiseOperands(
          inputs: [source.view],
          outputs: [
            all.viewed(shape: source.shape, strides: all.strides, offset: all.offset + part.first * all.strides[2])
          ])
      }
    }
    keys.device.backend.pointwise(.copy(from: keys.dtype, to: keys.dtype), operands)
  }
}

extension Tensor {
  fileprivate func firstPositions(_ count: Int) -> Tensor { sliced(along: 2, from: 0, to: count) }
}
