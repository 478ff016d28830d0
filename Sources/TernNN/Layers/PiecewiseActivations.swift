// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

// Activations of straight pieces as layers; each calls the function of the same name.

/// `x` limited to `0 ... 6`.
public struct ReLU6: Layer {
  /// A layer without parameters or settings.
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { relu6(x) }
}

/// `x` limited to `min ... max`.
public struct HardTanh: Layer {
  /// The least value.
  public let min: Float
  /// The greatest value.
  public let max: Float
  /// Limits of -1 and 1 unless given. A `min` above `max` traps when the layer is called.
  public init(min: Float = -1, max: Float = 1) { (self.min, self.max) = (min, max) }
  public func callAsFunction(_ x: Tensor) -> Tensor { hardTanh(x, min: min, max: max) }
}

/// `x / 6 + 1/2` limited to `0 ... 1`.
public struct HardSigmoid: Layer {
  /// A layer without parameters or settings.
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { hardSigmoid(x) }
}

/// `x * relu6(x + 3) / 6`.
public struct HardSwish: Layer {
  /// A layer without parameters or settings.
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { hardSwish(x) }
}

/// `x` above 0, a learned slope times `x` below; see `prelu`.
public struct PReLU: Layer {
  /// The slope below 0, `[channels]`.
  public let weight: Parameter

  /// Slopes of 0.25, as published.
  ///
  /// - Parameters:
  ///   - channels: one slope for each channel, axis 1 of the input; 1 is one slope for all.
  ///   - slope: what training starts from.
  /// - Precondition: there is at least one channel.
  public init(_ channels: Int = 1, slope: Float = 0.25) {
    require(channels >= 1, "PReLU: needs at least 1 channel, got \(channels)")
    weight = Parameter(.full([channels], slope), name: "weight")
  }

  /// - Precondition: axis 1 of `x` has the layer's channels, unless there is one slope for all.
  public func callAsFunction(_ x: Tensor) -> Tensor { prelu(x, weight.value) }
}
