// SPDX-License-Identifier: MIT

/// Problems of well-known networks, for `tern tune --all`.
package enum CommonProblems {
  /// Small ones first: a short budget measures many of them.
  ///
  /// - Parameter products: whether matrix products are problems of the device; on the CPU there is one algorithm.
  package static func list(products: Bool) -> [ProblemClass] {
    let problems = (products ? gemms : []) + convolutions
    return problems.enumerated().sorted { ($0.element.operations, $0.offset) < ($1.element.operations, $1.offset) }
      .map(\.element)
  }

  // MARK: Products

  private static func gemm(
    _ m: Int, _ n: Int, _ k: Int, a: GemmClass.Order = .rows, b: GemmClass.Order = .rows, batch: Int = 1,
    bias: Bool = false, activation: Bool = false
  ) -> ProblemClass {
    func operand(_ order: GemmClass.Order) -> GemmClass.Operand { GemmClass.Operand(dtype: .float32, order: order) }
    return .gemm(
      GemmClass(
        m: m, n: n, k: k, outer: batch, inner: 1, a: operand(a), b: operand(b), c: operand(.rows),
        bias: bias ? GemmClass.Bias(dtype: .float32, byInner: false, byRow: false, byColumn: true) : nil,
        hasActivation: activation))
  }

  /// A linear layer's output, for hidden layers with an activation in the product or after it, and its two gradients.
  private static func linear(batch: Int, _ inputs: Int, _ outputs: Int, isHidden: Bool = false) -> [ProblemClass] {
    (isHidden ? [true, false] : [false]).map {
      gemm(batch, outputs, inputs, b: .columns, bias: true, activation: $0)
    } + [gemm(batch, inputs, outputs), gemm(outputs, inputs, batch, a: .columns)]
  }

  private static let gemms: [ProblemClass] =
    [128, 256, 512, 1024, 2048, 4096].map { gemm($0, $0, $0) }
    + linear(batch: 64, 784, 512, isHidden: true) + linear(batch: 64, 512, 512, isHidden: true)
    + linear(batch: 64, 512, 10)
    + linear(batch: 64, 400, 120, isHidden: true) + linear(batch: 32, 512, 1000) + linear(batch: 256, 2048, 1000)
    + linear(batch: 2048, 512, 512) + linear(batch: 2048, 512, 2048, isHidden: true) + linear(batch: 2048, 2048, 512)
    // Attention: scores and values of 8 heads of 64 in 16 sequences.
    + [gemm(128, 128, 64, b: .columns, batch: 128), gemm(128, 64, 128, batch: 128)]

  // MARK: Convolutions

  private static func layer(
    _ input: [Int], _ outputs: Int, kernel: Int, stride: Int = 1, groups: Int = 1, isFirst: Bool = false
  ) -> [ProblemClass] {
    let padding = kernel / 2
    let geometry = ConvolutionGeometry(
      "convolution", input: input, weight: [outputs, input[1] / groups, kernel, kernel], stride: (stride, stride),
      padding: (padding, padding, padding, padding), dilation: (1, 1), groups: groups)
    let operand = ConvolutionClass.Operand(dtype: .float32, isDense: true)
    let convolution = ConvolutionClass(geometry: geometry, x: operand, w: operand, y: operand, hasBias: false)
    // The gradient of the images themselves is rarely wanted.
    return ConvolutionPass.allCases.filter { !isFirst || $0 != .inputGradient }.map { .convolution($0, convolution) }
  }

  private static let convolutions: [ProblemClass] =
    // LeNet-5.
    layer([64, 1, 28, 28], 6, kernel: 5, isFirst: true) + layer([64, 6, 14, 14], 16, kernel: 5)
    // Small residual networks.
    + layer([64, 3, 32, 32], 16, kernel: 3, isFirst: true) + layer([64, 16, 32, 32], 16, kernel: 3)
    + layer([64, 32, 16, 16], 32, kernel: 3) + layer([32, 64, 32, 32], 64, kernel: 3)
    // ResNet-18 and ResNet-50 at 224 x 224.
    + layer([32, 3, 224, 224], 64, kernel: 7, stride: 2, isFirst: true)
    + layer([32, 64, 56, 56], 64, kernel: 3) + layer([32, 64, 56, 56], 128, kernel: 3, stride: 2)
    + layer([32, 128, 28, 28], 128, kernel: 3) + layer([32, 256, 14, 14], 256, kernel: 3)
    + layer([32, 512, 7, 7], 512, kernel: 3) + layer([32, 64, 56, 56], 256, kernel: 1)
    + layer([32, 256, 56, 56], 64, kernel: 1) + layer([32, 256, 56, 56], 512, kernel: 1, stride: 2)
    + layer([32, 512, 28, 28], 128, kernel: 1) + layer([32, 1024, 14, 14], 256, kernel: 1)
    // Depthwise layers of MobileNets.
    + layer([32, 32, 112, 112], 32, kernel: 3, groups: 32) + layer([32, 144, 56, 56], 144, kernel: 3, groups: 144)
    + layer([32, 144, 56, 56], 144, kernel: 3, stride: 2, groups: 144)
    + layer([32, 384, 14, 14], 384, kernel: 3, groups: 384) + layer([32, 240, 28, 28], 240, kernel: 5, groups: 240)
}
