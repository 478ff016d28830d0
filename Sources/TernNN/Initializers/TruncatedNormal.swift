// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

extension Initializer {
  /// Normal, but for what is further than `cut` standard deviations from the mean, which is drawn again.
  ///
  /// The standard deviation of what is left is smaller: 0.88 of `deviation` for a cut at 2.
  ///
  /// - Parameters:
  ///   - deviation: that of the distribution before the cut.
  ///   - cut: in standard deviations.
  /// - Precondition: `deviation` is not negative, and `cut` is 0.1 at least.
  public static func truncatedNormal(mean: Float = 0, deviation: Float = 1, cut: Float = 2) -> Initializer {
    require(
      deviation >= 0 && cut >= 0.1,
      "Initializer.truncatedNormal: needs no negative deviation and a cut of at least 0.1, got \(deviation) and \(cut)")
    return Initializer { shape, generator in
      var numbers = [Float]()
      let count = shape.reduce(1, *)
      numbers.reserveCapacity(count)
      while numbers.count < count {
        // Every round keeps 8 % at least, of more than are missing.
        let missing = count - numbers.count
        let drawn = Tensor.randomNormal([missing + missing / 16 + 8], generator: generator, on: .cpu)
        do {
          numbers += try drawn.scalars(as: Float.self).filter { abs($0) <= cut }.prefix(missing)
        } catch {
          trap("Initializer.truncatedNormal: \(error)")
        }
      }
      return Tensor(numbers, shape: shape, on: .cpu) * deviation + mean
    }
  }
}
