// SPDX-License-Identifier: MIT
import Tern
import TernNN
import Testing

/// What has no value at an edge traps, and says which operation it was and on what.
@Suite struct TrapEdgeTests {
  /// What an operation says when it stops.
  static let traps: [(name: String, says: String, run: @Sendable () -> Tensor)] = [
    ("max of nothing", "max: nothing to choose from in shape [2, 0]", { Tensor.zeros([2, 0]).max(along: 1) }),
    (
      "axis beyond the end", "softmax: axis -3 is out of range for shape [2, 2]",
      { softmax(Tensor.zeros([2, 2]), axis: -3) }
    ),
    (
      "maxPool2d of an empty plane", "maxPool2d: planes must have 1 to",
      { maxPool2d(Tensor.zeros([1, 1, 0, 3]), window: 1) }
    ),
    (
      "pooling to a huge plane", "adaptiveMaxPool2d: the result's planes must have 1 to 2147483647 elements",
      { adaptiveMaxPool2d(Tensor.zeros([1, 1, 2, 2]), outputSize: Pair(1 << 16, 1 << 16)) }
    ),
    (
      "interpolation of nothing", "interpolate: sizes must be at least 1",
      { interpolate(Tensor.zeros([1, 1, 0]), size: [2]) }
    ),
    (
      "lstm of no steps", "lstm: needs at least one step, got input [0, 2, 1]",
      {
        let (input, hidden) = (Tensor.zeros([4, 1]), Tensor.zeros([4, 1]))
        return lstm(Tensor.zeros([0, 2, 1]), [[RecurrentWeights(input: input, hidden: hidden)]]).outputs
      }
    ),
    (
      "batchNorm of nothing", "need more than one value for each channel, got [0, 2, 3]",
      { batchNorm(Tensor.zeros([0, 2, 3])) }
    ),
  ]

  @Test func namesTheOperationAndTheShape() async throws {
    for index in Self.traps.indices {
      let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        [index = index as Int] in
        _ = withDevice(.cpu) { Self.traps[index].run() }
      }
      let message = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
      #expect(message.contains(Self.traps[index].says), "\(Self.traps[index].name): \(message.prefix(300))")
    }
  }
}
