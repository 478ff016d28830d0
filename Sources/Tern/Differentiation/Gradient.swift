// SPDX-License-Identifier: MIT
import TernRuntime

/// The value of `f` at `inputs` and its gradient with respect to each of them.
///
/// Recording happens only inside the call. `f` runs in training mode unless `mode` says otherwise.
///
/// - Parameters:
///   - inputs: floating-point tensors; views and tensors of an outer scope are allowed.
///   - createGraph: records the gradients' own computation, so that an outer scope can differentiate it. All operations
///     support that; a `customGradient` may not.
///   - f: gets the inputs as leaves, and returns a tensor with one element.
/// - Returns: the value, and gradients of the inputs' shapes; zeros where `f` does not depend on an input.
/// - Precondition: `f`'s result has one element.
public func valueAndGradients(
  at inputs: [Tensor], mode: Mode = .training, createGraph: Bool = false, _ f: ([Tensor]) throws -> Tensor
) rethrows -> (value: Tensor, gradients: [Tensor]) {
  require(
    Recomputation.unrecorded == nil, "gradient: a gradient scope cannot be opened inside recompute; open it outside")
  let leaves = inputs.map { input in
    require(
      input.dtype.isFloatingPoint,
      "gradient: a \(input.dtype) tensor has no gradient; convert it with x.cast(to: .float32)")
    // Under an outer scope the leaf is an operation of that scope, so that gradients flow on through it.
    let outer = input.node
    let node =
      outer == nil
      ? Node(leaf: "leaf")
      : Node(
        "leaf", inputs: [input], saving: .none, output: input, isDifferentiableTwice: true,
        pullback: { gradient, _ in [gradient] })
    return input.attached(to: node)
  }
  let value = try withMode(mode) { try f(leaves) }
  require(value.count == 1, "gradient: the function must return one element, got shape \(value.shape)")
  let found = backward(
    from: value, seed: Tensor.full(value.shape, 1, dtype: value.dtype, on: value.device), to: leaves.map { $0.node! },
    createsGraph: createGraph, releasesSaved: !createGraph && !leaves.contains { $0.node!.hasEdges })
  let gradients = zip(inputs, found).map { input, gradient in
    gradient ?? Tensor.zeros(input.shape, dtype: input.dtype, on: input.device)
  }
  return (createGraph ? value : value.detachedFrom(leaves), gradients)
}

/// The value of `f` at `x` and its gradient there.
public func valueAndGradient(
  at x: Tensor, mode: Mode = .training, createGraph: Bool = false, of f: (Tensor) throws -> Tensor
) rethrows -> (value: Tensor, gradient: Tensor) {
  let (value, gradients) = try valueAndGradients(at: [x], mode: mode, createGraph: createGraph) { try f($0[0]) }
  return (value, gradients[0])
}

/// The gradient of `f` at `x`.
public func gradient(
  at x: Tensor, mode: Mode = .training, createGraph: Bool = false, of f: (Tensor) throws -> Tensor
) rethrows -> Tensor {
  try valueAndGradient(at: x, mode: mode, createGraph: createGraph, of: f).gradient
}

extension Tensor {
  /// The value of a scope that is over. Where the scope was an inner one, the outer one still sees the operations.
  fileprivate func detachedFrom(_ leaves: [Tensor]) -> Tensor {
    leaves.contains { $0.node!.hasEdges } ? self : detached()
  }
}

/// Sends the gradient `seed` back from `output` and returns what arrives at the leaves.
///
/// - Parameter releasesSaved: lets go of saved tensors on the way, since nobody will come this way again.
func backward(
  from output: Tensor, seed: Tensor, to leaves: [Node], createsGraph: Bool, releasesSaved: Bool
) -> [Tensor?] {
  guard let start = output.node else { return leaves.map { _ in nil } }
  // Nothing older than the leaves depends on them.
  let oldest = leaves.map(\.id).min() ?? 0
  let leafIds = Set(leaves.map(\.id))
  var arrived: [UInt64: Tensor] = [start.id: seed]
  var finished: [UInt64: Tensor] = [:]
  var queue = NodeQueue()
  queue.insert(start)
  while let node = queue.popNewest() {
    let gradient = arrived.removeValue(forKey: node.id)!
    if leafIds.contains(node.id) {
      finished[node.id] = gradient
      continue
    }
    for (input, contribution) in node.pull(gradient, createsGraph: createsGraph, releasesSaved: releasesSaved)
    where input.id >= oldest {
      if let earlier = arrived[input.id] {
        arrived[input.id] = earlier + contribution
      } else {
        arrived[input.id] = contribution
        queue.insert(input)
      }
    }
  }
  return leaves.map { finished[$0.id] }
}

/// A binary heap of nodes, newest first.
private struct NodeQueue {
  private var heap: [Node] = []

  mutating func insert(_ node: Node) {
    heap.append(node)
    var child = heap.count - 1
    while child > 0, heap[(child - 1) / 2].id < heap[child].id {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func popNewest() -> Node? {
    guard let newest = heap.first else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var largest = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].id > heap[largest].id {
        largest = child
      }
      if largest == parent { return newest }
      heap.swapAt(parent, largest)
      parent = largest
    }
  }
}
