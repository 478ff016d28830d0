// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// A tensor of zeros, or of `false`, with the shape, dtype and device of another.
  public static func zeros(like x: Tensor) -> Tensor { full(like: x, 0) }

  /// A tensor of ones, or of `true`, with the shape, dtype and device of another.
  public static func ones(like x: Tensor) -> Tensor { full(like: x, 1) }

  /// A tensor that repeats one number, with the shape, dtype and device of another.
  ///
  /// - Precondition: for integers the number is a whole one.
  public static func full(like x: Tensor, _ number: Float) -> Tensor {
    full(x.shape, number, dtype: x.dtype, on: x.device)
  }

  /// The identity matrix: ones on the diagonal, zeros elsewhere.
  ///
  /// - Parameters:
  ///   - rows: how many.
  ///   - columns: as many as rows when nil.
  /// - Returns: `[rows, columns]`.
  /// - Precondition: neither is negative.
  public static func identity(
    _ rows: Int, columns: Int? = nil, dtype: DType = .float32, on device: Device? = nil
  ) -> Tensor {
    let columns = columns ?? rows
    require(rows >= 0 && columns >= 0, "identity: a matrix of \(rows) rows and \(columns) columns")
    if columns == 0 { return zeros([rows, 0], dtype: dtype, on: device) }
    return oneHot(range(0..<rows, on: device), classes: columns, dtype: dtype)
  }

  /// Numbers at equal distances, the first and the last one given.
  ///
  ///     y[i] = first + i * (last - first) / (count - 1)
  ///
  /// They are computed in Float64 and rounded to Float32, then to the dtype, so that all devices have the same. One
  /// number alone is `first`.
  ///
  /// - Returns: `[count]`.
  /// - Precondition: `count` is not negative, and the dtype is floating point.
  public static func linearSpace(
    from first: Double, to last: Double, count: Int, dtype: DType = .float32, on device: Device? = nil
  ) -> Tensor {
    require(count >= 0, "linearSpace: the count must not be negative, got \(count)")
    requireFloatingPoint("linearSpace", dtype: dtype)
    let steps = Double(Swift.max(1, count - 1))
    // From either end to the middle: the last one is exact, too, and the series is symmetric.
    let numbers = (0..<count).map { index -> Double in
      let share = Double(index) / steps
      return share < 0.5 ? first + share * (last - first) : last - (1 - share) * (last - first)
    }
    let y = Tensor(count == 1 ? [Float(first)] : numbers.map { Float($0) }, on: device)
    return y.cast(to: dtype)
  }

  /// Integers of a range, each equally likely but for a bias below `range.count / 2^32`; the same on every device.
  ///
  /// - Parameters:
  ///   - range: what the numbers lie in.
  ///   - generator: where they come from.
  ///   - dtype: `int64`, or another that holds the range.
  /// - Precondition: the range has 1 to 2^31 numbers.
  public static func randomIntegers(
    _ shape: [Int], in range: Range<Int>, generator: RandomGenerator = .shared, dtype: DType = .int64,
    on device: Device? = nil
  ) -> Tensor {
    require(
      1...1 << 31 ~= range.count, "randomIntegers: the range must have 1 to 2^31 numbers, got \(range)")
    let words = drawn(generator.next(.words), shape, .int64, device)
    // The high part of the product, as `permutation(of:)` has it.
    let offsets = (words * words.like(range.count)).floorDivided(by: words.like(1 << 32))
    return (offsets + words.like(range.lowerBound)).cast(to: dtype)
  }
}
