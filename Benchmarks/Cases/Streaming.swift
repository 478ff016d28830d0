// SPDX-License-Identifier: MIT
import Tern

extension Case {
  private static let sixteenMillion = 1 << 24

  /// Operations that move more than they compute; work counts each element once for each array read or written.
  static let streamingCases: [Case] = [
    streaming("add_16M", elements: 3 * sixteenMillion, inputs: [[sixteenMillion], [sixteenMillion]]) { $0[0] + $0[1] },
    streaming("chain7_16M", elements: 3 * sixteenMillion, inputs: [[sixteenMillion], [sixteenMillion]]) {
      relu($0[0] * 1.5 + $0[1]) * sigmoid($0[1]) - 0.5 * tanh($0[0])
    },
    streaming("softmax_4096x1000", elements: 2 * 4096 * 1000, inputs: [[4096, 1000]]) { softmax($0[0], axis: 1) },
    streaming("layernorm_4096x1024", elements: 2 * 4096 * 1024, inputs: [[4096, 1024], [1024], [1024]]) {
      layerNorm($0[0], weight: $0[1], bias: $0[2])
    },
    streaming("sum_16M", elements: sixteenMillion, inputs: [[sixteenMillion]]) { $0[0].sum() },
    streaming("maxpool2_32x64x56", elements: 32 * 64 * 56 * 56 * 5 / 4, inputs: [[32, 64, 56, 56]]) {
      maxPool2d($0[0], window: 2)
    },
  ]

  private static func streaming(
    _ name: String, elements: Int, inputs shapes: [[Int]], _ body: @escaping @Sendable ([Tensor]) -> Tensor
  ) -> Case {
    Case(name: name, family: .streaming, work: 4 * Double(elements) / 1e9, unit: "GB/s") { device in
      let inputs = shapes.map { Tensor.randomNormal($0, on: device).evaluated() }
      return { body(inputs).evaluated() }
    }
  }
}
