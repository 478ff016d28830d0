// SPDX-License-Identifier: MIT
import TernRuntime
import TestSupport
import Testing

@testable import Tern

/// `conv2d` with an activation.
@Suite struct FusedConvolutionTests {
  private let x = [2, 4, 9, 11]

  /// Geometries that between them every algorithm can run.
  private func convolutions(_ device: Device, _ activation: Activation) -> [(fused: Tensor, plain: Tensor)] {
    let x = sampleTensor(x, on: device)
    return [([6, 4, 3, 3], 1, 1, 1), ([6, 2, 3, 2], 2, 0, 2), ([4, 1, 3, 3], 1, 1, 4), ([7, 4, 1, 1], 1, 0, 1)].map {
      (weight: [Int], stride: Int, padding: Int, groups: Int) in
      let w = sampleTensor(weight, phase: 1, on: device)
      let bias = sampleTensor([weight[0]], phase: 2, on: device)
      func run(_ activation: Activation) -> Tensor {
        conv2d(
          x, w, bias: bias, stride: Pair(stride), padding: .symmetric(Pair(padding)), groups: groups,
          activation: activation)
      }
      return (run(activation).evaluated(), run(.none).evaluated())
    }
  }

  private func expectSameBits(_ device: Device, _ activation: Activation, _ algorithm: String) throws {
    for (fused, plain) in convolutions(device, activation) {
      let separate = try activation(plain).scalars(as: Float.self)
      #expect(try fused.scalars(as: Float.self) == separate, "\(algorithm), \(activation), \(fused.shape)")
    }
  }

  @Test(arguments: ConvolutionAlgorithm.allCases)
  func activationsChangeNoBitOnTheCPU(_ algorithm: ConvolutionAlgorithm) throws {
    for activation in Activation.allCases {
      try ConvolutionAlgorithm.$forced.withValue(algorithm) { try expectSameBits(.cpu, activation, "\(algorithm)") }
    }
  }

  /// All activations where they are chosen at run time, few where each is a program to compile.
  @Test(arguments: OpenCLConvolutionAlgorithm.allCases)
  func activationsChangeNoBitOnOpenCL(_ algorithm: OpenCLConvolutionAlgorithm) throws {
    for device in Device.all where device != .cpu {
      let activations: [Activation] =
        switch algorithm {
        case .wide, .product, .unfolded: Activation.allCases
        case .winograd2: [.gelu]
        case .depthwise: [.relu, .gelu]
        default: [.relu]
        }
      for activation in activations {
        try OpenCLConvolutionAlgorithm.$forced.withValue(algorithm) {
          try expectSameBits(device, activation, "\(algorithm)")
        }
      }
    }
  }

  @Test(arguments: Device.all, Activation.allCases) func gradients(_ device: Device, _ activation: Activation) throws {
    let inputs = [
      sampleTensor([1, 2, 5, 4], on: device), sampleTensor([3, 2, 3, 3], scale: 0.5, phase: 1, on: device),
      sampleTensor([3], phase: 2, on: device),
    ]
    let (_, fused) = valueAndGradients(at: inputs) {
      square(conv2d($0[0], $0[1], bias: $0[2], padding: 1, activation: activation)).sum()
    }
    let (_, separate) = valueAndGradients(at: inputs) {
      square(activation(conv2d($0[0], $0[1], bias: $0[2], padding: 1))).sum()
    }
    for (gradient, expected) in zip(fused, separate) {
      try expectClose(gradient, try expected.scalars(as: Double.self), relative: 1e-5, absolute: 1e-5)
    }
    if activation == .relu { return }  // finite differences step over its kink
    try expectGradients(inputs) { conv2d($0[0], $0[1], bias: $0[2], padding: 1, activation: activation) }
    guard activation == .tanh || activation == .silu else { return }
    try expectGradients(Array(inputs.prefix(2)), tolerance: 1e-2, "second order") { inputs in
      let (_, gradients) = valueAndGradients(at: inputs, createGraph: true) {
        square(conv2d($0[0], $0[1], activation: activation)).sum()
      }
      return gradients[0].sum() + square(gradients[1]).sum() * 0.01
    }
  }
}
