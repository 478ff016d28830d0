// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// How the first values of a parameter are drawn.
///
/// For weights of shape `[outputs, inputs, kernel...]`, with `k` the kernel's positions, `fanIn = inputs * k` and
/// `fanOut = outputs * k`, the rules that depend on the fan give mean 0 and this variance:
///
/// | rule      | variance                        | source |
/// |-----------|---------------------------------|--------|
/// | `he`      | `gain^2 / fan`, gain `sqrt(2)`  | He et al., "Delving deep into rectifiers", 2015 |
/// | `xavier`  | `gain^2 * 2 / (fanIn + fanOut)` | Glorot, Bengio, 2010, equation 16 |
/// | `bengio`  | `2 / (fanIn + fanOut)`          | the same, as lectures state it: a normal distribution |
/// | `lecun`   | `1 / fanIn`                     | LeCun et al., 1998; some lectures call this one Xavier |
/// | `standard`| `1 / (3 fanIn)`, uniform        | equation 1 of Glorot, Bengio; the usual default of layers |
///
/// Glorot, Bengio: "Understanding the difficulty of training deep feedforward neural networks", 2010. LeCun, Bottou,
/// Orr, Müller: "Efficient backprop", 1998.
///
/// Values are drawn on the host and then moved, so the same seed gives the same bits on every device.
public struct Initializer: Sendable {
  /// The form of the distribution that a rule with a given variance draws from.
  public enum Distribution: Sendable, Hashable {
    /// A normal distribution with mean 0 and the rule's variance, not truncated.
    case normal
    /// Uniform in `±sqrt(3 * variance)`.
    case uniform
  }

  /// Which side of a layer keeps its variance.
  public enum Fan: Sendable, Hashable {
    /// The inputs, `fanIn`: the variance is kept on the way forward.
    case input
    /// The outputs, `fanOut`: that of the gradients is kept on the way back.
    case output
  }

  private let draw: @Sendable (_ shape: [Int], _ generator: RandomGenerator) -> Tensor

  /// A rule of your own: a tensor of that shape on the CPU.
  public init(_ draw: @escaping @Sendable (_ shape: [Int], _ generator: RandomGenerator) -> Tensor) {
    self.draw = draw
  }

  /// A new tensor on `device`, by default `Device.current`.
  ///
  /// - Precondition: rules that depend on the fan need a shape of at least two axes, without a 0.
  public func callAsFunction(
    _ shape: [Int], generator: RandomGenerator = .shared, on device: Device? = nil
  ) -> Tensor {
    let values = draw(shape, generator)
    require(values.shape == shape, "Initializer: asked for shape \(shape), the rule gave \(values.shape)")
    do { return try values.on(device ?? .current) } catch { trap("Initializer: \(error)") }
  }

  // MARK: Rules that depend on the fan

  /// Variance `gain^2 / fan`: keeps the variance through rectifiers (He et al., 2015).
  ///
  /// - Parameters:
  ///   - fan: which side keeps it.
  ///   - gain: `sqrt(2)` for ReLU, since it sets half of its inputs to 0; `sqrt(2 / (1 + slope^2))` for a leaky one.
  public static func he(
    _ distribution: Distribution = .normal, fan: Fan = .input, gain: Double = 2.0.squareRoot()
  ) -> Initializer {
    scaled(distribution) { gain * gain / Double(fan == .input ? $0.input : $0.output) }
  }

  /// Variance `gain^2 * 2 / (fanIn + fanOut)`: a compromise between the forward and the backward pass (Glorot, Bengio,
  /// 2010).
  public static func xavier(_ distribution: Distribution = .uniform, gain: Double = 1) -> Initializer {
    scaled(distribution) { gain * gain * 2 / Double($0.input + $0.output) }
  }

  /// Variance `2 / (fanIn + fanOut)`, normal unless asked otherwise.
  public static func bengio(_ distribution: Distribution = .normal) -> Initializer { xavier(distribution) }

  /// Variance `1 / fanIn`: keeps the variance through linear layers, tanh near 0 and SELU.
  public static func lecun(_ distribution: Distribution = .normal) -> Initializer {
    scaled(distribution) { 1 / Double($0.input) }
  }

  /// Uniform in `±1 / sqrt(fanIn)`.
  public static let standard = scaled(.uniform) { 1 / (3 * Double($0.input)) }

  // MARK: Rules that do not

  /// Uniform in `low ..< high`.
  public static func uniform(_ low: Float, _ high: Float) -> Initializer {
    require(low <= high, "Initializer.uniform: low \(low) is above high \(high)")
    return Initializer { Tensor.randomUniform($0, low: low, high: high, generator: $1, on: .cpu) }
  }

  /// Normal with a mean and a standard deviation, whatever the shape.
  ///
  /// - Precondition: `deviation` is not negative.
  public static func normal(mean: Float = 0, deviation: Float = 1) -> Initializer {
    require(deviation >= 0, "Initializer.normal: the deviation must not be negative, got \(deviation)")
    return Initializer { Tensor.randomNormal($0, mean: mean, deviation: deviation, generator: $1, on: .cpu) }
  }

  /// The same number everywhere; takes nothing from the generator.
  public static func constant(_ value: Float) -> Initializer {
    Initializer { shape, _ in Tensor.full(shape, value, on: .cpu) }
  }

  /// Zeros, as biases often start. Weights need something else: equal units would stay equal.
  public static let zeros = constant(0)
  /// Ones, as scales of normalizations start.
  public static let ones = constant(1)

  // MARK: Fans

  private static func scaled(
    _ distribution: Distribution, _ variance: @escaping @Sendable (_ fans: (input: Int, output: Int)) -> Double
  ) -> Initializer {
    Initializer { shape, generator in
      let deviation = variance(fans(of: shape)).squareRoot()
      switch distribution {
      case .normal: return normal(deviation: Float(deviation)).draw(shape, generator)
      case .uniform:
        let bound = Float(deviation * 3.0.squareRoot())  // U(-b, b) has variance b^2 / 3
        return uniform(-bound, bound).draw(shape, generator)
      }
    }
  }

  /// Inputs and outputs that a unit of a weight `[outputs, inputs, kernel...]` is connected with.
  static func fans(of shape: [Int]) -> (input: Int, output: Int) {
    require(
      shape.count >= 2 && !shape.contains(0),
      "Initializer: the fan of shape \(shape) is undefined; the rule needs [outputs, inputs, kernel...]")
    let positions = shape.dropFirst(2).reduce(1, *)
    return (shape[1] * positions, shape[0] * positions)
  }
}
