// SPDX-License-Identifier: MIT
import Tern

/// Scalars that stay on the device until somebody wants to know them; then all are read with one wait.
struct DeferredScalars {
  private var pending: [Tensor] = []

  var count: Int { pending.count }

  /// Forces the scalar's computation, so that nothing it was made from is kept.
  mutating func append(_ scalar: Tensor) {
    pending.append(scalar.detached().reshaped(to: [1]).cast(to: .float32).evaluated())
  }

  /// Waits for the device and empties the list.
  mutating func read() throws -> [Float] {
    if pending.isEmpty { return [] }
    let values = try concatenated(pending, along: 0).scalars(as: Float.self)
    pending.removeAll(keepingCapacity: true)
    return values
  }
}
