// SPDX-License-Identifier: MIT

/// Turns a fixed budget of random words into the numbers that a drawing needs, in order.
struct WordReader {
  private let words: ArraySlice<UInt32>
  private var position = 0

  /// - Parameter words: begins at index 0.
  init(_ words: ArraySlice<UInt32>) { self.words = words }

  mutating func next() -> UInt32 {
    defer { position += 1 }
    return words[position]
  }

  /// Uniform in `low ..< high`, from the top 24 bits of a word.
  mutating func uniform(_ low: Float, _ high: Float) -> Float {
    low + (high - low) * (Float(next() >> 8) * 0x1p-24)
  }

  /// A bell-shaped number in -1.5 ..< 1.5 with deviation 0.5: three uniforms, so no logarithm is needed.
  mutating func bell() -> Float {
    uniform(-0.5, 0.5) + uniform(-0.5, 0.5) + uniform(-0.5, 0.5)
  }

  /// Uniform in `0 ..< count`.
  mutating func index(below count: Int) -> Int { Int((UInt64(next()) * UInt64(count)) >> 32) }
}
