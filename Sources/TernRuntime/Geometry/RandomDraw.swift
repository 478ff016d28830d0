// SPDX-License-Identifier: MIT

/// A stretch of the counter-based random stream Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
/// 1, 2, 3", SC 2011). The same draw gives the same numbers on every device and with every number of threads.
///
/// Element `i` takes word `i % 4` of block `i / 4`; block `j` has key `(seed low, seed high)` and counter
/// `(j low, j high, stream low, stream high)`, each half 32 bits, `low` first.
package struct RandomDraw: Sendable, Equatable {
  package enum Distribution: Sendable, Equatable {
    /// The words themselves, stored as `int32` bit patterns or zero-extended to `int64`.
    case words
    /// `low + (high - low) * u` with `u = (word >> 8) * 2^-24`, so `low` is possible and `high` is not, but for
    /// rounding; multiplication and addition are rounded separately (no fma).
    case uniform(low: Float, high: Float)
    /// Box-Muller on the words of a block in pairs (0, 1) and (2, 3): with `u1 = ((w0 >> 8) + 1) * 2^-24`,
    /// `u2 = (w1 >> 8) * 2^-24`, `r = sqrt(-2 log u1)`: first `mean + deviation * r * cos(2 pi u2)`, then with `sin`.
    case normal(mean: Float, deviation: Float)
    /// 1 where the word is at least `threshold`, else 0: a mask that keeps with probability `1 - threshold / 2^32`.
    /// `y` may have any dtype.
    case mask(threshold: UInt32)
  }
  package var distribution: Distribution
  package var seed: UInt64
  /// Distinguishes draws of one generator; the generator counts it up.
  package var stream: UInt64

  package init(_ distribution: Distribution, seed: UInt64, stream: UInt64) {
    self.distribution = distribution
    self.seed = seed
    self.stream = stream
  }
}
