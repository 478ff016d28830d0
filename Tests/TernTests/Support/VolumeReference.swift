// SPDX-License-Identifier: MIT

/// Convolutions and poolings with any number of spatial axes, in Float64 and by their definitions.
struct VolumeReference {
  let input, kernel: [Int]
  let stride, dilation, before: [Int]
  /// Of the result.
  let output: [Int]

  init(input: [Int], kernel: [Int], stride: [Int], dilation: [Int], padding: [(Int, Int)]) {
    (self.input, self.kernel, self.stride, self.dilation) = (input, kernel, stride, dilation)
    before = padding.map(\.0)
    output = input.indices.map {
      (input[$0] + padding[$0].0 + padding[$0].1 - dilation[$0] * (kernel[$0] - 1) - 1) / stride[$0] + 1
    }
  }

  /// All index tuples of an array, in order.
  static func indices(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { tuples, extent in tuples.flatMap { tuple in (0..<extent).map { tuple + [$0] } } }
  }

  static func place(_ index: [Int], in shape: [Int]) -> Int { zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 } }

  /// For each output the places of its taps in a plane, nil in the padding.
  var taps: [[Int?]] {
    let offsets = Self.indices(kernel)
    return Self.indices(output).map { position in
      offsets.map { offset in
        let at = position.indices.map { position[$0] * stride[$0] + offset[$0] * dilation[$0] - before[$0] }
        guard zip(at, input).allSatisfy({ 0..<$1 ~= $0 }) else { return nil }
        return Self.place(at, in: input)
      }
    }
  }

  /// `y[n, o]` of `x` `[batch, channels]` and `w` `[outputs, channels / groups]`, all followed by the spatial axes.
  func convolved(_ x: [Double], _ w: [Double], batch: Int, channels: Int, outputs: Int, groups: Int) -> [Double] {
    let (plane, taps) = (input.reduce(1, *), taps)
    let (size, count) = (channels / groups, kernel.reduce(1, *))
    return (0..<batch * outputs).flatMap { row -> [Double] in
      let (n, o) = row.quotientAndRemainder(dividingBy: outputs)
      let first = n * channels + o / (outputs / groups) * size
      return taps.map { taps in
        (0..<size).reduce(0.0) { sum, c in
          taps.indices.reduce(sum) { sum, tap in
            taps[tap].map { sum + x[(first + c) * plane + $0] * w[(o * size + c) * count + tap] } ?? sum
          }
        }
      }
    }
  }

  /// The transposed convolution: `x[n, c]` of `y` `[batch, outputs]`, with the same weights.
  func transposed(_ y: [Double], _ w: [Double], batch: Int, channels: Int, outputs: Int, groups: Int) -> [Double] {
    let (plane, taps) = (input.reduce(1, *), taps)
    let (size, count) = (channels / groups, kernel.reduce(1, *))
    let positions = taps.count
    var x = [Double](repeating: 0, count: batch * channels * plane)
    for row in 0..<batch * outputs {
      let (n, o) = row.quotientAndRemainder(dividingBy: outputs)
      let first = n * channels + o / (outputs / groups) * size
      for (position, taps) in taps.enumerated() {
        for c in 0..<size {
          for (tap, place) in taps.enumerated() {
            guard let place else { continue }
            x[(first + c) * plane + place] += y[row * positions + position] * w[(o * size + c) * count + tap]
          }
        }
      }
    }
    return x
  }
}
