// SPDX-License-Identifier: MIT
import Synchronization
import TernRuntime

/// A dense tensor value on a device: memory, a constant, or the recipe of a pointwise operation that has not run yet.
///
/// A recipe's operands have the recipe's shape; together pending values form a directed graph without cycles. Forcing a
/// value runs everything pending below it as one program, after which it only holds memory. The state goes from pending
/// to ready and never back, so two threads that force one value at a time do the work twice and agree.
package final class Value: Sendable {
  package let device: Device
  package let dtype: DType
  package let shape: [Int]
  private let state: Lock<State>
  /// Pending recipes that name this value as an operand.
  private let consumers = Atomic<Int>(0)
  /// Whether a finished program has computed this value on the way without keeping it. The next use keeps it.
  private let wasRecomputed = Atomic<Bool>(false)

  package enum State: Sendable {
    case ready(Storage)
    case constant(PointwiseProgram.Scalar)
    case pending(Recipe)
  }

  init(_ device: Device, _ dtype: DType, _ shape: [Int], _ state: State) {
    self.device = device
    self.dtype = dtype
    self.shape = shape
    if case .pending(let recipe) = state { recipe.forEachValue { $0.consumers.add(1, ordering: .relaxed) } }
    self.state = Lock(state)
  }

  deinit {
    if case .pending(let recipe) = snapshot { recipe.forEachValue { $0.consumers.subtract(1, ordering: .relaxed) } }
  }

  package var snapshot: State { state.withLock { $0 } }

  /// Whether work is still outstanding.
  package var isPending: Bool {
    if case .pending = snapshot { true } else { false }
  }

  /// The value's memory; runs what is pending.
  package func storage() -> Storage {
    switch snapshot {
    case .ready(let storage): return storage
    case .constant(let scalar):
      let storage = device.backend.allocate(byteCount: elementCount(shape) * dtype.byteCount)
      let view = StridedView(storage, dtype, shape: shape)
      device.backend.pointwise(.fill(scalar, dtype: dtype), [PointwiseOperands(inputs: [], outputs: [view])])
      return publish(storage)
    case .pending:
      Evaluation.run([[self]])
      return storage()
    }
  }

  /// Stores the result; the first thread to come wins. Lets go of the recipe.
  @discardableResult
  func publish(_ storage: Storage) -> Storage {
    var dropped: Recipe?
    let kept = state.withLock { state -> Storage in
      switch state {
      case .ready(let earlier): return earlier
      case .pending(let recipe): dropped = recipe
      case .constant: break
      }
      state = .ready(storage)
      return storage
    }
    dropped?.forEachValue { $0.consumers.subtract(1, ordering: .relaxed) }
    return kept
  }

  /// Whether the memory belongs to this value and to nothing else, so that whoever alone holds the value may overwrite
  /// it.
  func ownsMemoryAlone() -> Bool {
    state.withLock { state in
      guard case .ready(var storage) = state else { return false }
      state = .constant(.integer(0))  // gives up the state's own reference, for a moment
      defer { state = .ready(storage) }
      return isKnownUniquelyReferenced(&storage)
    }
  }

  var consumerCount: Int { consumers.load(ordering: .relaxed) }
  var isWorthKeeping: Bool { wasRecomputed.load(ordering: .relaxed) }
  func markRecomputed() { wasRecomputed.store(true, ordering: .relaxed) }
}

/// One pointwise operation on operands of one shape.
package struct Recipe: Sendable {
  enum Operand: Sendable {
    /// A value of the recipe's shape, dense: it may itself be pending.
    case value(Value)
    /// A view of memory, broadcast to the recipe's shape.
    case view(StridedView)
    case scalar(PointwiseProgram.Scalar)
  }

  let op: PointwiseOp
  let operands: [Operand]
  /// Upper bounds of what a program of this recipe and all pending ones below it takes; shared parts count twice.
  let instructionBound, inputBound, scalarBound: Int

  init(_ op: PointwiseOp, _ operands: [Operand]) {
    self.op = op
    self.operands = operands
    var (instructions, inputs, scalars) = (1, 0, 0)
    for operand in operands {
      switch operand {
      case .view: inputs += 1
      case .scalar: scalars += 1
      case .value(let value):
        switch value.snapshot {
        case .pending(let recipe):
          instructions += recipe.instructionBound
          inputs += recipe.inputBound
          scalars += recipe.scalarBound
        case .ready: inputs += 1
        case .constant: scalars += 1
        }
      }
    }
    (instructionBound, inputBound, scalarBound) = (instructions, inputs, scalars)
  }

  func forEachValue(_ body: (Value) -> Void) {
    for case .value(let value) in operands { body(value) }
  }

  /// Whether a program for it is sure to fit, without looking for shared parts.
  var surelyFits: Bool {
    instructionBound <= PointwiseProgram.maximumInstructions && inputBound <= PointwiseProgram.maximumInputs
      && scalarBound <= PointwiseProgram.maximumScalars
  }
}
