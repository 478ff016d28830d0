// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern

@Suite struct AttentionTests {
  /// float64 attention of dense `[B, H, ...]` numbers; `isSeen` and `added` by batch, head, query and key.
  private static func reference(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, scale: Double, isSeen: (Int, Int, Int, Int) -> Bool,
    added: (Int, Int, Int, Int) -> Double = { _, _, _, _ in 0 }
  ) throws -> [Double] {
    let (a, b, c) = (try q.scalars(as: Double.self), try k.scalars(as: Double.self), try v.scalars(as: Double.self))
    let (heads, queries, d) = (q.shape[1], q.shape[2], q.shape[3])
    let (keys, e) = (k.shape[2], v.shape[3])
    var y: [Double] = []
    for n in 0..<q.shape[0] {
      for h in 0..<heads {
        let head = n * heads + h
        for i in 0..<queries {
          let weights = (0..<keys).map { j -> Double in
            guard isSeen(n, h, i, j) else { return 0 }
            let dot = (0..<d).reduce(0) { $0 + a[(head * queries + i) * d + $1] * b[(head * keys + j) * d + $1] }
            return exp(dot * scale + added(n, h, i, j))
          }
          let sum = weights.reduce(0, +)
          y += (0..<e).map { column in
            sum == 0 ? 0 : (0..<keys).reduce(0) { $0 + weights[$1] / sum * c[(head * keys + $1) * e + column] }
          }
        }
      }
    }
    return y
  }

  @Test(arguments: Device.all) func attentionFollowsTheFormula(_ device: Device) throws {
    for (queries, keys) in [(3, 5), (1, 33), (17, 17)] {
      // Heads between each other, as a projection leaves them, and every other number.
      let q = sampleTensor([2, queries, 3, 8], on: device).swappedAxes(1, 2).sliced(along: 3, from: 0, step: 2)
      let k = sampleTensor([2, keys, 3, 4], phase: 1, on: device).swappedAxes(1, 2)
      let v = sampleTensor([2, 3, keys, 5], phase: 2, on: device)
      let plain = scaledDotProductAttention(q, k, v, scale: 0.7)
      try expectClose(plain, try Self.reference(q, k, v, scale: 0.7) { _, _, _, _ in true }, absolute: 1e-5)
      let causal = scaledDotProductAttention(q, k, v, causal: true)
      try expectClose(causal, try Self.reference(q, k, v, scale: 0.5) { $3 <= $2 }, absolute: 1e-5, "causal")
      // The first query of the second image sees nothing.
      func isSeen(_ n: Int, _ h: Int, _ i: Int, _ j: Int) -> Bool { (i + 2 * j + n) % 3 != 0 && !(n == 1 && i == 0) }
      let mask = Tensor(
        (0..<2).flatMap { n in (0..<queries).flatMap { i in (0..<keys).map { isSeen(n, 0, i, $0) } } },
        shape: [2, 1, queries, keys], on: device)
      let masked = scaledDotProductAttention(q, k, v, mask: mask)
      try expectClose(masked, try Self.reference(q, k, v, scale: 0.5, isSeen: isSeen), absolute: 1e-5, "masked")
      let added = sampleTensor([keys, queries], phase: 4, on: device).transposed()
      let numbers = try added.scalars(as: Double.self)
      let biased = scaledDotProductAttention(q, k, v, mask: added, causal: true)
      let expected = try Self.reference(
        q, k, v, scale: 0.5, isSeen: { $3 <= $2 }, added: { numbers[$2 * keys + $3] })
      try expectClose(biased, expected, absolute: 1e-5, "added")
    }
  }

  @Test func attentionHasGradients() throws {
    let (q, k, v) = (
      sampleTensor([1, 2, 3, 2]), sampleTensor([1, 2, 4, 2], phase: 1), sampleTensor([1, 1, 4, 3], phase: 2)
    )
    let mask = Tensor(
      [true, false, true, true, false, false, false, false, true, true, true, true], shape: [3, 4], on: .cpu)
    try expectGradients([q, k, v], "masked") { scaledDotProductAttention($0[0], $0[1], $0[2], mask: mask) }
    try expectGradients([q, k, v], "causal") { scaledDotProductAttention($0[0], $0[1], $0[2], causal: true, scale: 2) }
    func twice(_ inputs: [Tensor], _ f: ([Tensor]) -> Tensor) -> Tensor {
      let (_, gradients) = valueAndGradients(at: inputs, createGraph: true) { square(f($0)).sum() }
      return gradients.reduce(Tensor(0, on: .cpu)) { $0 + square($1).sum() }
    }
    try expectGradients([q, k, v], tolerance: 1e-2, "twice") { inputs in
      twice(inputs) { scaledDotProductAttention($0[0], $0[1], $0[2], mask: mask, causal: true) }
    }
  }

  private static func projections(_ width: Int, bias: Bool = true, on device: Device) -> AttentionWeights {
    AttentionWeights(
      input: sampleTensor([3 * width, width], scale: 0.5, on: device),
      inputBias: bias ? sampleTensor([3 * width], scale: 0.2, phase: 1, on: device) : nil,
      output: sampleTensor([width, width], scale: 0.5, phase: 2, on: device),
      outputBias: bias ? sampleTensor([width], scale: 0.2, phase: 3, on: device) : nil)
  }

  /// One projection for all, two, or three; and the path that also gives the weights.
  @Test(arguments: Device.all) func everyWayToProjectAgrees(_ device: Device) throws {
    let weights = Self.projections(6, on: device)
    let keyMask = Tensor([true, true, false, true, true, true], shape: [2, 3], on: device)
    for batchFirst in [true, false] {
      let options = AttentionOptions(
        mask: sampleTensor([3, 3], on: device), keyMask: keyMask, causal: true, batchFirst: batchFirst)
      let x = sampleTensor(batchFirst ? [2, 3, 6] : [3, 2, 6], on: device)
      func copy() -> Tensor { Tensor(sample(x.shape), shape: x.shape, on: device) }
      let factor = sampleTensor(x.shape, phase: 5, on: device)
      let inputs = [x] + [weights.input, weights.inputBias!, weights.output, weights.outputBias!]
      func pulled(_ f: ([Tensor], AttentionWeights) -> Tensor) -> [Tensor] {
        let found = valueAndGradients(at: inputs) { leaves in
          let own = AttentionWeights(
            input: leaves[1], inputBias: leaves[2], output: leaves[3], outputBias: leaves[4])
          return (f(leaves, own) * factor).sum()
        }
        return [found.value] + found.gradients
      }
      let packed = pulled { multiHeadAttention($0[0], $0[0], $0[0], heads: 2, $1, options: options) }
      let withWeights = pulled {
        multiHeadAttentionWithWeights($0[0], $0[0], $0[0], heads: 2, $1, options: options).outputs
      }
      // Values that are equal without being the same tensor.
      let two = pulled { leaves, own in
        let memory = leaves[0] + 0
        return multiHeadAttention(leaves[0], memory, memory, heads: 2, own, options: options)
      }
      let three = pulled { multiHeadAttention($0[0], $0[0] + 0, $0[0] * 1, heads: 2, $1, options: options) }
      for other in [withWeights, two, three] {
        for (one, another) in zip(packed, other) {
          try expectClose(one, try another.scalars(as: Double.self), absolute: 2e-5, "batch first \(batchFirst)")
        }
      }
      let probabilities = multiHeadAttentionWithWeights(x, x, x, heads: 2, weights, options: options).weights
      try expectClose(probabilities.sum(along: 2), [Double](repeating: 1, count: 6))
    }
  }

  @Test(arguments: Device.all) func decodingWithACacheFindsTheSame(_ device: Device) throws {
    let weights = Self.projections(4, bias: false, on: device)
    let x = sampleTensor([2, 5, 4], on: device)
    let whole = multiHeadAttention(x, x, x, heads: 2, weights, options: AttentionOptions(causal: true))
    var cache = KeyValueCache()
    let parts = [0..<2, 2..<3, 3..<5].map { multiHeadAttention(x[.all, $0], cache: &cache, heads: 2, weights) }
    #expect(cache.length == 5)
    try expectClose(concatenated(parts, along: 1), try whole.scalars(as: Double.self), absolute: 1e-5)
  }

  /// A cache with room is written in place: a step takes the same launches and no larger memory however long it is.
  /// In a process of its own, since other tests use the devices whose launches are counted.
  @Test func cachedStepsCostTheSameAtAnyLength() async {
    await #expect(processExitsWith: .success) {
      for device in Device.all {
        let weights = AttentionTests.projections(8, on: device)
        let x = sampleTensor([1, 40, 8], on: device)
        let whole = multiHeadAttention(x, x, x, heads: 2, weights, options: AttentionOptions(causal: true))
        var cache = KeyValueCache(capacity: 40)
        var (parts, launches, places) = ([Tensor](), [Int](), [ObjectIdentifier]())
        for position in 0..<40 {
          let before = device.statistics.launches
          parts.append(multiHeadAttention(x[.all, position..<position + 1], cache: &cache, heads: 2, weights))
          launches.append(device.statistics.launches - before)
          places.append(ObjectIdentifier(cache.keys!.view.storage))
        }
        try device.synchronize()
        #expect(Set(places).count == 1 && cache.length == 40)
        #expect(launches[30...].min()! <= launches[2..<12].min()!)
        try expectClose(concatenated(parts, along: 1), try whole.scalars(as: Double.self), absolute: 1e-5)
      }
    }
  }

  @Test func aCacheThatIsTriedOutAgainAndAgainKeepsItsSize() {
    let weights = Self.projections(4, on: .cpu)
    let x = sampleTensor([1, 1, 4], on: .cpu)
    var cache = KeyValueCache()
    for _ in 0..<30 {
      var trial = cache
      _ = multiHeadAttention(x, cache: &trial, heads: 2, weights)
      _ = multiHeadAttention(x, cache: &cache, heads: 2, weights)
    }
    // Room for 32 positions of four numbers.
    #expect(cache.length == 30 && cache.keys!.view.storage.byteCount == 32 * 4 * 4)
    #expect(cache.selecting(Tensor([0], on: .cpu)).keys!.view.storage.byteCount == 32 * 4 * 4)
  }

  /// Copies share what they have in common and do not see what the other adds; a cache without reserve grows.
  @Test(arguments: Device.all) func copiesOfACacheGoOnApart(_ device: Device) throws {
    let weights = Self.projections(4, on: device)
    let x = sampleTensor([2, 70, 4], on: device)
    func run(_ cache: inout KeyValueCache, _ part: Range<Int>) -> Tensor {
      multiHeadAttention(x[.all, part], cache: &cache, heads: 2, weights)
    }
    var first = KeyValueCache()
    _ = run(&first, 0..<20)
    var second = first
    _ = run(&second, 60..<63)
    let own = [run(&first, 20..<22), run(&first, 22..<60)]
    let whole = multiHeadAttention(x, x, x, heads: 2, weights, options: AttentionOptions(causal: true))
    try expectClose(
      concatenated(own, along: 1), try whole[.all, 20..<60].scalars(as: Double.self), absolute: 1e-5)
    var turned = second.selecting(Tensor([1, 1, 0], on: device))
    #expect(turned.length == 23 && second.length == 23 && first.length == 60)
    try expectClose(
      turned.keys![0..<2], try concatenated([second.keys![1..<2], second.keys![1..<2]]).scalars(as: Double.self))
    _ = multiHeadAttention(sampleTensor([3, 1, 4], on: device), cache: &turned, heads: 2, weights)
    #expect(turned.values!.shape == [3, 2, 24, 2])
    // A gradient flows to what was computed in its scope.
    let gradient = gradient(at: weights.input) { input in
      var cache = KeyValueCache()
      let own = AttentionWeights(input: input, inputBias: weights.inputBias, output: weights.output)
      let parts = [0..<3, 3..<5].map { multiHeadAttention(x[.all, $0], cache: &cache, heads: 2, own) }
      return square(concatenated(parts, along: 1)).sum()
    }
    let expected = Tern.gradient(at: weights.input) { input in
      let own = AttentionWeights(input: input, inputBias: weights.inputBias, output: weights.output)
      let part = x[.all, 0..<5]
      return square(multiHeadAttention(part, part, part, heads: 2, own, options: AttentionOptions(causal: true))).sum()
    }
    try expectClose(gradient, try expected.scalars(as: Double.self), relative: 1e-4, absolute: 1e-3)
  }

  /// Widths of their own, and fewer heads: the same as full projections whose heads repeat.
  @Test(arguments: Device.all) func keysMayHaveFewerHeadsAndOtherWidths(_ device: Device) throws {
    let (width, rows) = (8, 4)  // four heads of two, and two of them for keys and values
    let inputs = [
      sampleTensor([2, 3, width], on: device), sampleTensor([2, 5, 6], phase: 1, on: device),
      sampleTensor([2, 5, 3], phase: 2, on: device), sampleTensor([width, width], phase: 3, on: device),
      sampleTensor([rows, 6], phase: 4, on: device), sampleTensor([rows, 3], phase: 5, on: device),
      sampleTensor([width + 2 * rows], phase: 6, on: device),
    ]
    let output = sampleTensor([width, width], phase: 7, on: device)
    func grouped(_ x: [Tensor]) -> Tensor {
      let weights = AttentionWeights(query: x[3], key: x[4], value: x[5], inputBias: x[6], output: output)
      return multiHeadAttention(x[0], x[1], x[2], heads: 4, weights)
    }
    func plain(_ x: [Tensor]) -> Tensor {
      func heads(_ x: Tensor, _ weight: Tensor, _ bias: Tensor) -> Tensor {
        linear(x, weight, bias).reshaped(to: [2, x.shape[1], -1, 2]).transposed([0, 2, 1, 3])
      }
      func repeated(_ x: Tensor) -> Tensor { x.selected(Tensor([0, 0, 1, 1], on: device), along: 1) }
      let q = heads(x[0], x[3], x[6][0..<8])
      let (k, v) = (repeated(heads(x[1], x[4], x[6][8..<12])), repeated(heads(x[2], x[5], x[6][12..<16])))
      let y = matmul(softmax(matmul(q, k.swappedAxes(-1, -2)) / Float(2).squareRoot()), v)
      return linear(y.transposed([0, 2, 1, 3]).reshaped(to: [2, 3, 8]), output)
    }
    let got = valueAndGradients(at: inputs) { square(grouped($0)).sum() }
    let expected = valueAndGradients(at: inputs) { square(plain($0)).sum() }
    for (one, other) in zip([got.value] + got.gradients, [expected.value] + expected.gradients) {
      try expectClose(one, try other.scalars(as: Double.self), relative: 1e-4, absolute: 1e-4)
    }
    // One projection for all, with a cache that holds the fewer heads.
    let x = inputs[0]
    let weights = AttentionWeights(input: sampleTensor([16, 8], on: device), output: output)
    let whole = multiHeadAttention(x, x, x, heads: 4, weights, options: AttentionOptions(causal: true))
    var cache = KeyValueCache()
    let parts = [0..<1, 1..<3].map { multiHeadAttention(x[.all, $0], cache: &cache, heads: 4, weights) }
    #expect(cache.keys!.shape == [2, 2, 3, 2])
    try expectClose(concatenated(parts, along: 1), try whole.scalars(as: Double.self), absolute: 1e-5)
  }

  /// Values that are unit vectors show the probabilities themselves.
  @Test(arguments: Device.all) func dropoutScalesWhatItKeeps(_ device: Device) throws {
    let (q, k) = (sampleTensor([40, 2], on: device), sampleTensor([30, 2], phase: 1, on: device))
    let unit = (Tensor.range(0..<30, on: device).expanded(at: 1) .== Tensor.range(0..<30, on: device)).cast(
      to: .float32)
    let plain = try scaledDotProductAttention(q, k, unit).scalars(as: Float.self)
    let generator = RandomGenerator(seed: 3)
    let dropped = try withMode(.training) {
      try scaledDotProductAttention(q, k, unit, dropout: 0.25, generator: generator).scalars(as: Float.self)
    }
    for (p, kept) in zip(plain, dropped) { #expect(kept == 0 || abs(kept - p / 0.75) < 1e-5) }
    let share = Double(dropped.count { $0 != 0 }) / 1200
    #expect(abs(share - 0.75) < 5 * (0.25 * 0.75 / 1200).squareRoot())
    // The backward pass draws the same mask.
    let value = valueAndGradient(at: unit) { v in
      generator.state = RandomGenerator(seed: 3).state
      return scaledDotProductAttention(q, k, v, dropout: 0.25, generator: generator).sum()
    }
    let columns = (0..<30).flatMap { j in
      [Double](repeating: (0..<40).reduce(0) { $0 + Double(dropped[$1 * 30 + j]) }, count: 30)
    }
    try expectClose(value.gradient, columns, absolute: 1e-5)
  }

  @Test func wrongShapesTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = scaledDotProductAttention(
        Tensor.zeros([2, 3, 4], on: .cpu), Tensor.zeros([2, 5, 3], on: .cpu), Tensor.zeros([2, 5, 3], on: .cpu))
    }
  }
}
