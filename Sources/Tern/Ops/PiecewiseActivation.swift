// SPDX-License-Identifier: MIT
import TernRuntime

/// `x` limited to `min ... max`, with gradient 0 at the limits and beyond.
///
/// - Precondition: `min <= max`.
public func hardTanh(_ x: Tensor, min: Float = -1, max: Float = 1) -> Tensor {
  require(min <= max, "hardTanh: min \(min) is above max \(max)")
  return limited("hardTanh", x, min, max)
}

/// `x` limited to `0 ... 6`, with gradient 0 at the limits and beyond (Krizhevsky: "Convolutional deep belief networks
/// on CIFAR-10", 2010).
public func relu6(_ x: Tensor) -> Tensor { limited("relu6", x, 0, 6) }

/// A sigmoid of straight lines, `x / 6 + 1/2` limited to `0 ... 1`. Keras and ONNX mean `0.2 * x + 0.5` by default.
public func hardSigmoid(_ x: Tensor) -> Tensor { limited("hardSigmoid", x / 6 + 0.5, 0, 1) }

/// `x * relu6(x + 3) / 6`, a SiLU of few operations (Howard et al.: "Searching for MobileNetV3", 2019).
public func hardSwish(_ x: Tensor) -> Tensor { x * limited("hardSwish", x + 3, 0, 6) / 6 }

/// `x` above 0, a learned slope times `x` below (He, Zhang, Ren, Sun: "Delving deep into rectifiers", 2015).
///
/// - Parameters:
///   - x: `[N, C, ...]`, or any shape with one slope for all.
///   - slope: `[1]`, or `[C]`, one for each channel.
/// - Returns: `x`'s shape.
public func prelu(_ x: Tensor, _ slope: Tensor) -> Tensor {
  let channels = x.rank >= 2 ? x.shape[1] : 1
  require(
    slope.rank == 1 && (slope.count == 1 || slope.count == channels),
    "prelu: slope must be [1] or [\(channels)] for input \(x.shape), got \(slope.shape)")
  let perChannel =
    slope.count == 1 ? slope.reshaped(to: []) : slope.reshaped(to: [-1] + x.shape.dropFirst(2).map { _ in 1 })
  return `where`(x.detached() .> 0, x, x * perChannel)
}

/// Limits that pass no gradient, unlike those of `clamp`: a unit that stands at one rests.
private func limited(_ operation: String, _ x: Tensor, _ low: Float, _ high: Float) -> Tensor {
  clamp(x.detached(), min: low, max: high).recorded(operation, from: [x], saving: .inputs) { gradient, saved in
    let x = saved[0].detached()
    return [`where`((x .> low) .& (x .< high), gradient, 0)]
  }
}
