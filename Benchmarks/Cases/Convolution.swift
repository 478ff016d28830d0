// SPDX-License-Identifier: MIT
import Tern

/// A square 2D convolution with bias.
private struct ConvolutionShape: Sendable {
  let name: String
  let batch: Int
  let inputChannels: Int
  let size: Int
  let outputChannels: Int
  let kernel: Int
  var stride = 1
  var padding = 0
  var groups = 1

  var operations: Double {
    let outputSize = (size + 2 * padding - kernel) / stride + 1
    let outputs = batch * outputChannels * outputSize * outputSize
    return 2.0 * Double(outputs) * Double(inputChannels / groups * kernel * kernel)
  }

  func inputs(on device: Device) -> (x: Tensor, weight: Tensor, bias: Tensor) {
    (
      Tensor.randomNormal([batch, inputChannels, size, size], on: device).evaluated(),
      Tensor.randomNormal([outputChannels, inputChannels / groups, kernel, kernel], on: device).evaluated(),
      Tensor.randomNormal([outputChannels], on: device).evaluated()
    )
  }

  func callAsFunction(_ x: Tensor, _ weight: Tensor, _ bias: Tensor) -> Tensor {
    conv2d(
      x, weight, bias: bias, stride: Pair(stride), padding: .symmetric(Pair(padding)), groups: groups)
  }

  private func timed(
    _ suffix: String, operations: Double, _ prepare: @escaping @Sendable (Device) throws -> Case.Step
  ) -> Case {
    Case(
      name: name + suffix, family: .convolution, work: operations, unit: "GFLOP/s", operations: operations,
      prepare: prepare)
  }

  var forward: Case {
    timed("_fwd", operations: operations / 1e9) { device in
      let (x, weight, bias) = inputs(on: device)
      return { self(x, weight, bias).evaluated() }
    }
  }

  /// Forward, then the gradients of input, weight and bias; counted as three times the forward pass.
  var forwardAndBackward: Case {
    timed("_fwdbwd", operations: 3 * operations / 1e9) { device in
      let (x, weight, bias) = inputs(on: device)
      return {
        let (_, gradients) = valueAndGradients(at: [x, weight, bias]) { self($0[0], $0[1], $0[2]).sum() }
        for gradient in gradients { gradient.evaluated() }
      }
    }
  }
}

extension Case {
  static let convolutionCases: [Case] = [
    ConvolutionShape(
      name: "conv3x3_3to64_32", batch: 32, inputChannels: 3, size: 32, outputChannels: 64, kernel: 3, padding: 1),
    ConvolutionShape(
      name: "conv3x3_64to64_32", batch: 32, inputChannels: 64, size: 32, outputChannels: 64, kernel: 3, padding: 1),
    ConvolutionShape(
      name: "conv3x3_128to128_16", batch: 32, inputChannels: 128, size: 16, outputChannels: 128, kernel: 3,
      padding: 1),
    ConvolutionShape(
      name: "conv3x3_256to256_8", batch: 32, inputChannels: 256, size: 8, outputChannels: 256, kernel: 3, padding: 1),
    ConvolutionShape(
      name: "conv3x3_64to128_s2", batch: 32, inputChannels: 64, size: 32, outputChannels: 128, kernel: 3, stride: 2,
      padding: 1),
    ConvolutionShape(
      name: "conv1x1_256to64_28", batch: 16, inputChannels: 256, size: 28, outputChannels: 64, kernel: 1),
    ConvolutionShape(
      name: "conv5x5_6to16_14", batch: 64, inputChannels: 6, size: 14, outputChannels: 16, kernel: 5),
    ConvolutionShape(
      name: "conv7x7_3to64_s2_112", batch: 4, inputChannels: 3, size: 224, outputChannels: 64, kernel: 7, stride: 2,
      padding: 3),
    ConvolutionShape(
      name: "depthwise3x3_128_28", batch: 16, inputChannels: 128, size: 28, outputChannels: 128, kernel: 3,
      padding: 1, groups: 128),
  ].flatMap { [$0.forward, $0.forwardAndBackward] }
}
