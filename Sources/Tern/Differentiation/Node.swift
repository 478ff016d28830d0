// SPDX-License-Identifier: MIT
import Synchronization
import TernRuntime

/// What an operation keeps for its pullback: its memory bill.
enum Saving {
  case none
  case inputs
  case output
  case tensors([Tensor])
  case tensorsAndOutput([Tensor])
}

/// What a pullback may use.
struct Saved {
  /// The tensors that were kept: the inputs, or those named by `.tensors`.
  let tensors: [Tensor]
  fileprivate let result: Tensor?
  /// Whether the gradients will be differentiated again: kernels without a derivative must not be used then.
  let createsGraph: Bool
  /// Whether nobody will come this way again: a kept tensor that the operation shared with nobody may be overwritten.
  let isLast: Bool
  /// Where the gradient of each input goes; nil where nobody asked.
  let edges: [Node?]
  fileprivate let nodes: [Node?]

  subscript(_ index: Int) -> Tensor { tensors[index] }
  var output: Tensor { result! }
  /// Whether anybody asked for the gradient of this input.
  func needs(_ input: Int) -> Bool { input < edges.count && edges[input] != nil }
  /// The kept tensors as parts of the graph, for a pullback that differentiates by itself.
  var attached: [Tensor] { zip(tensors, nodes).map { $0.attached(to: $1) } }
}

/// Gradients of an operation's inputs from the gradient of its output; nil where there is none or nobody asked.
typealias Pullback = @Sendable (_ gradient: Tensor, _ saved: Saved) -> [Tensor?]

/// A recorded operation. Its id is larger than those of its inputs, so descending ids are a valid backward order.
final class Node: Sendable {
  let id: UInt64
  let operation: String
  private let contents: Lock<Contents>

  private struct Contents {
    var edges: [Node?] = []
    var pullback: Pullback?
    /// Saved tensors without their nodes, which stand beside them: tearing down a long chain must not recurse.
    var saved: [Tensor] = []
    var savedNodes: [Node?] = []
    var output: Tensor?
    var isDifferentiableTwice = true
  }

  private static let lastId = Atomic<UInt64>(0)
  private static let living = Atomic<Int>(0)
  /// Nodes in memory; back to its old value when a scope has ended.
  package static var livingCount: Int { living.load(ordering: .relaxed) }

  /// A leaf: gradients stop and are collected here.
  convenience init(leaf operation: String) { self.init(operation, Contents()) }

  convenience init(
    _ operation: String, inputs: [Tensor], saving: Saving, output: Tensor, isDifferentiableTwice: Bool,
    pullback: @escaping Pullback
  ) {
    var contents = Contents()
    contents.edges = inputs.map(\.node)
    contents.pullback = pullback
    contents.isDifferentiableTwice = isDifferentiableTwice
    switch saving {
    case .none: break
    case .output: contents.output = output
    case .inputs:
      contents.saved = inputs.map { $0.detached() }
      contents.savedNodes = contents.edges
    case .tensors(let tensors), .tensorsAndOutput(let tensors):
      contents.saved = tensors.map { $0.detached() }
      contents.savedNodes = tensors.map(\.node)
      if case .tensorsAndOutput = saving { contents.output = output }
    }
    self.init(operation, contents)
  }

  private init(_ operation: String, _ contents: Contents) {
    id = Node.lastId.add(1, ordering: .relaxed).newValue
    self.operation = operation
    self.contents = Lock(contents)
    Node.living.add(1, ordering: .relaxed)
  }

  deinit {
    Node.living.subtract(1, ordering: .relaxed)
    // Unlinks iteratively: freeing a chain of nodes one inside the other overflows the stack at some 20,000.
    var doomed = takeLinks()
    while var node = doomed.popLast() {
      if isKnownUniquelyReferenced(&node) { doomed += node.takeLinks() }
    }
  }

  /// Whether the node leads anywhere: false for leaves of an outermost scope.
  var hasEdges: Bool { contents.withLock { $0.edges.contains { $0 != nil } } }

  private func takeLinks() -> [Node] {
    contents.withLock { contents in
      let links = (contents.edges + contents.savedNodes).compactMap { $0 }
      contents.edges = []
      contents.savedNodes = []
      return links
    }
  }

  /// Gradients of the inputs, each with the node that it goes to.
  ///
  /// - Parameter releasesSaved: gives up the saved tensors, since nobody will come this way again.
  func pull(_ gradient: Tensor, createsGraph: Bool, releasesSaved: Bool) -> [(Node, Tensor)] {
    let contents = contents.withLock { contents in
      let copy = contents
      if releasesSaved {
        contents.saved = []
        contents.output = nil
      }
      return copy
    }
    guard let pullback = contents.pullback else { return [] }
    require(
      !createsGraph || contents.isDifferentiableTwice,
      "\(operation): has no second derivative, so it cannot be used under createGraph: true")
    let tensors = createsGraph ? zip(contents.saved, contents.savedNodes).map { $0.attached(to: $1) } : contents.saved
    let saved = Saved(
      tensors: tensors, result: createsGraph ? contents.output?.attached(to: self) : contents.output,
      createsGraph: createsGraph, isLast: releasesSaved, edges: contents.edges, nodes: contents.savedNodes)
    let gradients = pullback(gradient, saved)
    var results: [(Node, Tensor)] = []
    for (edge, gradient) in zip(contents.edges, gradients) {
      if let edge, let gradient { results.append((edge, gradient)) }
    }
    return results
  }
}
