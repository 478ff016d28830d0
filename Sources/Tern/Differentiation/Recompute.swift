// SPDX-License-Identifier: MIT
import TernRuntime

/// Runs `body` without keeping what it computes on the way; the backward pass runs it once more for that (activation
/// checkpointing: Chen et al., "Training deep nets with sublinear memory cost", 2016).
///
///     let h = recompute(x) { block($0) }
///
/// Costs one more forward pass of `body`, and saves the memory of everything but its inputs. The second run draws the
/// same random numbers, is in the same mode, and leaves the running statistics of layers alone, so results are those
/// without `recompute`. Parameters that `body` reads get their gradients as usual. Second derivatives exist where those
/// of `body` do; calls nest.
///
/// - Parameters:
///   - x: what `body` works on. Pass tensors here rather than capturing them: chains of captures are torn down
///     recursively.
///   - body: must compute the same when it is called again, and must not open a gradient scope.
public func recompute(_ x: Tensor, _ body: @escaping (Tensor) -> Tensor) -> Tensor {
  recompute([x]) { body($0[0]) }
}

/// `recompute` for a body of several tensors.
public func recompute(_ inputs: [Tensor], _ body: @escaping ([Tensor]) -> Tensor) -> Tensor {
  let run = Recomputation(mode: .current, device: .current)
  let result = run.first { body(inputs) }
  let origins = run.takeOrigins()
  guard !origins.isEmpty else { return result }
  // Safe: pullbacks run inside the gradient scope that recorded them, on its task.
  nonisolated(unsafe) let body = body
  return result.detached().recorded("recompute", from: origins, saving: .tensors(inputs)) { gradient, saved in
    let again = run.again { body(saved.attached) }
    let gradients = backward(
      from: again, seed: gradient, to: saved.edges.compactMap(\.self), createsGraph: saved.createsGraph,
      releasesSaved: !saved.createsGraph)
    // Forced together, or pending gradients would keep the block's activations.
    if !saved.createsGraph { Tensor.evaluate([gradients.compactMap(\.self)]) }
    return gradients
  }
}

/// The two runs of a block: what the first one met outside itself, and what the second one repeats.
package final class Recomputation: Sendable {
  private struct Log {
    /// Tensors of the surrounding graph that the block used, in the order of their first use.
    var origins: [Tensor] = []
    var draws: [RandomDraw] = []
    /// The next draw to repeat; nil in the first run.
    var position: Int?
  }

  @TaskLocal private static var current: Recomputation?

  private let mode: Mode
  private let device: Device
  private let outer: Recomputation?
  private let log = Lock(Log())

  fileprivate init(mode: Mode, device: Device) {
    self.mode = mode
    self.device = device
    outer = Self.current
  }

  /// Whether a block is being run a second time: side effects of layers have happened already.
  package static var isRepeating: Bool { current?.isRepeating ?? false }

  private var isRepeating: Bool { log.withLock { $0.position != nil } || outer?.isRepeating ?? false }

  /// The block of which operations are being run without recording them.
  static var unrecorded: Recomputation? {
    current.flatMap { run in run.log.withLock { $0.position == nil } ? run : nil }
  }

  /// The tensors that lead out of the block; they are the recorded node's from now on.
  fileprivate func takeOrigins() -> [Tensor] {
    log.withLock { log in
      defer { log.origins = [] }
      return log.origins
    }
  }

  /// Notes inputs that lead out of the block.
  func note(_ inputs: [Tensor]) {
    log.withLock { log in
      for input in inputs where input.node != nil && !log.origins.contains(where: { $0.node === input.node }) {
        log.origins.append(input)
      }
    }
  }

  fileprivate func first(_ body: () -> Tensor) -> Tensor {
    let result = Self.$current.withValue(self) { body().evaluated() }
    // A body may return what it was given.
    note([result])
    return result
  }

  fileprivate func again(_ body: () -> Tensor) -> Tensor {
    log.withLock { $0.position = 0 }
    return Self.$current.withValue(self) { withMode(mode) { withDevice(device, body) } }
  }

  /// A draw of the block in progress: new in its first run, repeated in the second. `fresh` makes one outside of any.
  static func draw(_ fresh: () -> RandomDraw) -> RandomDraw { current?.draw(fresh) ?? fresh() }

  private func draw(_ fresh: () -> RandomDraw) -> RandomDraw {
    let repeated = log.withLock { log -> RandomDraw? in
      guard let position = log.position else { return nil }
      require(
        position < log.draws.count,
        "recompute: the block drew \(log.draws.count) times at first and now again; it must "
          + "do the same each time")
      log.position = position + 1
      return log.draws[position]
    }
    if let repeated { return repeated }
    let draw = outer?.draw(fresh) ?? fresh()
    log.withLock { $0.draws.append(draw) }
    return draw
  }
}
