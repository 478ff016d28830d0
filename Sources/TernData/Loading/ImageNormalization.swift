// SPDX-License-Identifier: MIT

/// How a grey value of 0...255 becomes the number that a model reads: `(value / 255 - mean) / deviation`.
public struct ImageNormalization: Sendable, Hashable {
  /// What is subtracted, in units of full ink: 0 ... 1.
  public var mean: Float
  /// What is divided by, in the same units.
  public var deviation: Float

  /// A normalization by the statistics of a training set. A deviation of 0 gives infinities.
  public init(mean: Float, deviation: Float) {
    self.mean = mean
    self.deviation = deviation
  }

  /// Mean and deviation of the MNIST training images, the usual choice for digits.
  public static let digits = ImageNormalization(mean: 0.1307, deviation: 0.3081)
  /// Ink from 0 to 1.
  public static let unit = ImageNormalization(mean: 0, deviation: 1)

  /// The numbers of some grey values.
  public func callAsFunction(_ bytes: [UInt8]) -> [Float] {
    let table = table
    return bytes.map { table[Int($0)] }
  }

  /// The number for each of the 256 grey values: one load a pixel, whatever the formula.
  var table: [Float] { (0...255).map { (Float($0) / 255 - mean) / deviation } }
}
