// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// A tensor that belongs to a model and is saved with it, but is not trained: running statistics, say.
public final class Buffer {
  private var stored: Tensor

  /// The dotted name that the last walk over a model gave, or the one from the initializer.
  public internal(set) var name: String

  /// A cell that holds a tensor of any dtype.
  ///
  /// - Parameter name: what messages call it until a walk over its model finds the full name.
  public init(_ value: Tensor, name: String = "buffer") {
    stored = value.detached()
    self.name = name
  }

  /// The shape of the value, which never changes.
  public var shape: [Int] { stored.shape }

  /// The present value, a constant for differentiation. It may be set at any time, also inside a gradient scope.
  ///
  /// - Precondition: a new value has the old shape and dtype.
  public var value: Tensor {
    get { stored }
    set {
      require(
        newValue.shape == stored.shape && newValue.dtype == stored.dtype,
        "Buffer '\(name)': is \(stored.dtype) \(stored.shape), got \(newValue.dtype) \(newValue.shape)")
      // The second run of a recomputed block must not count the same batch twice.
      if !Recomputation.isRepeating { stored = newValue.detached() }
    }
  }
}
