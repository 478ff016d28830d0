// SPDX-License-Identifier: MIT
import TestSupport

@testable import Tern

extension SecondOrderCases {
  static let networks: [Case] = [
    Case("conv1d", inputs: [.init([2, 2, 5]), .init([3, 2, 2])]) { conv1d($0[0], $0[1], padding: 1) },
    Case(
      "conv2d", inputs: [.init([2, 2, 4, 4], .spaced), .init([2, 2, 3, 3], scale: 0.4), .init([2])], onAllDevices: true
    ) {
      conv2d($0[0], $0[1], bias: $0[2], stride: 2, padding: 1, activation: .tanh)
    },
    Case("conv2d in groups", inputs: [.init([1, 2, 4, 3]), .init([4, 1, 2, 2])]) {
      conv2d($0[0], $0[1], dilation: 2, groups: 2, activation: .silu)
    },
    Case("conv3d", inputs: [.init([1, 2, 3, 3, 2]), .init([2, 2, 2, 2, 2], scale: 0.4)]) {
      conv3d($0[0], $0[1], padding: 1)
    },
    Case("convTranspose1d", inputs: [.init([1, 2, 3]), .init([2, 2, 3])]) { convTranspose1d($0[0], $0[1], stride: 2) },
    Case(
      "convTranspose2d", inputs: [.init([1, 2, 2, 3]), .init([2, 2, 3, 3], scale: 0.4), .init([2])], onAllDevices: true
    ) {
      convTranspose2d($0[0], $0[1], bias: $0[2], stride: 2, padding: 1, outputPadding: 1)
    },
    Case("convTranspose3d", inputs: [.init([1, 2, 2, 2, 1]), .init([2, 1, 2, 2, 2], scale: 0.5)]) {
      convTranspose3d($0[0], $0[1], stride: 2)
    },
    Case("batchNorm", inputs: [.init([3, 2, 3], .transposed), .init([2]), .init([2]), .init([3, 2, 3])]) {
      batchNorm($0[0], weight: $0[1], bias: $0[2], adding: $0[3], activation: .relu, epsilon: 0.1)
    },
    Case("batchNorm updating statistics", [4, 2], mode: .training) { x in
      var running = RunningStatistics(mean: .zeros([2], on: x.device), variance: .ones([2], on: x.device))
      return batchNorm(x, epsilon: 0.1, updating: &running)
    },
    Case("batchNorm by statistics", inputs: [.init([4, 2]), .init([2])]) { t in
      let given = RunningStatistics(mean: .ones([2], on: t[0].device), variance: .full([2], 2, on: t[0].device))
      return batchNorm(t[0], weight: t[1], using: given)
    },
    Case("layerNorm", inputs: [.init([2, 5], .spaced), .init([5]), .init([5])], onAllDevices: true) {
      layerNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 0.1)
    },
    Case("rmsNorm", inputs: [.init([2, 5]), .init([5])]) { rmsNorm($0[0], weight: $0[1], epsilon: 0.1) },
    Case("groupNorm", inputs: [.init([2, 4, 3]), .init([4]), .init([4])]) {
      groupNorm($0[0], groups: 2, weight: $0[1], bias: $0[2], epsilon: 0.1)
    },
    Case("instanceNorm", [2, 3, 4]) { instanceNorm($0, epsilon: 0.1) },
    Case("localResponseNorm", [1, 4, 3]) { localResponseNorm($0, size: 2, alpha: 0.5, k: 0.7) },
    Case("l2Normalized", [3, 4]) { l2Normalized($0) },
    Case("softmaxCrossEntropy", [4, 3], onAllDevices: true) {
      softmaxCrossEntropy($0, Tensor([2, 0, 1, 1], on: $0.device), ignoredLabel: 0).losses
    },
    Case("softmaxCrossEntropy with weights", [4, 3], .transposed, onAllDevices: true) {
      let weights = Tensor([0.5, 2, 1] as [Float], on: $0.device)
      return softmaxCrossEntropy(
        $0, Tensor([2, 0, 1, 1] as [Int32], on: $0.device), classWeights: weights, smoothing: 0.2
      ).losses
    },
    Case("ctcLosses", [5, 3, 4], onAllDevices: true, ctc),
    Case("ctcLosses of logarithms", [5, 3, 4], .transposed) { ctc(logSoftmax($0)) },
  ]

  /// Repeated labels, a sample with fewer steps, one without labels, and what stands behind a sample's labels.
  private static let ctc: @Sendable (Tensor) -> Tensor = { x in
    let targets = Tensor([1, 1, 3, -1, 9, 9], shape: [3, 2], on: x.device)
    return ctcLosses(
      x, targets, inputLengths: Tensor([5, 3, 4], on: x.device), targetLengths: Tensor([2, 1, 0], on: x.device),
      zeroesInfinity: true)
  }

  static let spatial: [Case] = poolings + resamplings

  private static let poolings: [Case] = [
    Case("maxPool1d", [1, 2, 7]) { maxPool1d($0, window: 3, stride: 2, padding: 1) },
    Case("maxPool2d", [2, 1, 5, 5], .transposed, onAllDevices: true) {
      maxPool2d($0, window: 3, stride: 2, padding: 1, roundsUp: true)
    },
    Case("maxPool2d of padding alone", [1, 1, 2, 3]) {
      // The last window reads nothing but padding, whose maximum no gradient reaches.
      let y = maxPool2d($0, window: Pair(2, 1), padding: Pair(1, 0), dilation: Pair(3, 1))
      return y.filled(where: y.detached() .== -.infinity, with: 1)
    },
    Case("maxPool3d", [1, 2, 4, 3, 3]) { maxPool3d($0, window: 2, stride: 1) },
    Case("averagePool1d", [1, 2, 7]) { averagePool1d($0, window: 3, stride: 2, padding: 1) },
    Case("averagePool2d", [1, 2, 5, 5], .spaced, onAllDevices: true) {
      averagePool2d($0, window: 3, stride: 2, padding: 1, countsPadding: false, roundsUp: true)
    },
    Case("averagePool3d", [1, 1, 4, 3, 3]) { averagePool3d($0, window: 2) },
    Case("adaptiveMaxPool1d", [1, 2, 5]) { adaptiveMaxPool1d($0, outputSize: 3) },
    Case("adaptiveMaxPool2d", [1, 2, 5, 4]) { adaptiveMaxPool2d($0, outputSize: 3) },
    Case("adaptiveMaxPool3d", [1, 1, 3, 3, 4]) { adaptiveMaxPool3d($0, outputSize: 2) },
    Case("adaptiveAveragePool1d", [1, 2, 5]) { adaptiveAveragePool1d($0, outputSize: 3) },
    Case("adaptiveAveragePool2d", [1, 2, 5, 4]) { adaptiveAveragePool2d($0, outputSize: 3) },
    Case("adaptiveAveragePool3d", [1, 1, 3, 3, 4]) { adaptiveAveragePool3d($0, outputSize: 2) },
  ]

  private static let resamplings: [Case] =
    Interpolation.allCases.map { mode in
      Case("interpolate \(mode)", [1, 2, 3, 4], .transposed, onAllDevices: mode == .linear) {
        interpolate($0, size: [5, 3], mode: mode)
      }
    } + [
      Case("interpolate a volume", [1, 1, 2, 3, 2]) { interpolate($0, scale: [1.5, 2, 2], mode: .linear) },
      Case("unfold", [1, 2, 4, 3], onAllDevices: true) { unfold($0, window: 2, padding: 1) },
      Case("fold", [1, 4, 6], onAllDevices: true) { fold($0, outputSize: Pair(3, 4), window: 2) },
      Case("gridSample bilinear without padding", inputs: sampled(), onAllDevices: true) { gridSample($0[0], $0[1]) },
      Case("gridSample bicubic with aligned corners", inputs: sampled()) {
        gridSample($0[0], $0[1], mode: .bicubic, alignsCorners: true)
      },
      Case("gridSample nearest", inputs: sampled()) { gridSample($0[0], $0[1], mode: .nearest) },
    ]
    + GridPadding.allCases.filter { $0 != .zeros }.flatMap { padding in
      [GridInterpolation.bilinear, .bicubic].flatMap { mode in
        [true, false].map { aligns in
          Case("gridSample \(mode) by \(padding), aligned \(aligns)", inputs: sampled()) {
            gridSample($0[0], $0[1], mode: mode, padding: padding, alignsCorners: aligns)
          }
        }
      }
    }

  /// Images, and grids with points outside of them.
  private static func sampled() -> [Case.Input] { [.init([2, 2, 3, 4], .spaced), .init([2, 2, 3, 2], scale: 1.7)] }

  static let sequences: [Case] = [
    Case("lstm", inputs: recurrent(4), onAllDevices: true) {
      lstm($0[0], layers($0), hidden: $0[5], cell: $0[6]).outputs
    },
    Case("gru", inputs: recurrent(3)) { gru($0[0], layers($0), hidden: $0[5]).outputs },
    Case("rnn", inputs: recurrent(1)) { rnn($0[0], layers($0), hidden: $0[5]).outputs },
    Case("lstmCell", inputs: cell(4)) { t in
      let next = lstmCell(t[0], hidden: t[5], cell: t[6], layers(t)[0][0])
      return next.hidden * next.cell
    },
    Case("gruCell", inputs: cell(3)) { gruCell($0[0], hidden: $0[5], layers($0)[0][0]) },
    Case("rnnCell", inputs: cell(1)) { rnnCell($0[0], hidden: $0[5], layers($0)[0][0]) },
    Case(
      "scaledDotProductAttention", inputs: [.init([2, 3, 2]), .init([2, 4, 2]), .init([2, 4, 3])], onAllDevices: true
    ) { t in
      let mask = Tensor([true, false, true, true], on: t[0].device)
      return scaledDotProductAttention(t[0], t[1], t[2], mask: mask, causal: true)
    },
    Case("multiHeadAttention", inputs: attention) {
      multiHeadAttention($0[0], $0[0], $0[0], heads: 2, projections($0))
    },
    Case("multiHeadAttentionWithWeights", inputs: attention) {
      let (outputs, weights) = multiHeadAttentionWithWeights($0[0], $0[0], $0[0], heads: 2, projections($0))
      return concatenated([outputs, weights], along: 2)
    },
    Case("multiHeadAttention with a cache", inputs: attention) {
      var cache = KeyValueCache()
      _ = multiHeadAttention($0[0][.all, 0..<1], cache: &cache, heads: 2, projections($0))
      return multiHeadAttention($0[0][.all, 1...], cache: &cache, heads: 2, projections($0))
    },
  ]

  /// Input, two matrices and two biases of a layer of two units, states and cells.
  private static func recurrent(_ gates: Int) -> [Case.Input] {
    [.init([3, 2, 2], .transposed)] + weights(gates) + [.init([1, 2, 2]), .init([1, 2, 2])]
  }

  private static func cell(_ gates: Int) -> [Case.Input] {
    [.init([2, 2])] + weights(gates) + [.init([2, 2]), .init([2, 2])]
  }

  private static func weights(_ gates: Int) -> [Case.Input] {
    let rows = 2 * gates
    return [.init([rows, 2]), .init([rows, 2]), .init([rows]), .init([rows])]
  }

  private static func layers(_ t: [Tensor]) -> [[RecurrentWeights]] {
    [[RecurrentWeights(input: t[1], hidden: t[2], inputBias: t[3], hiddenBias: t[4])]]
  }

  private static let attention: [Case.Input] = [
    .init([2, 3, 4]), .init([12, 4], scale: 0.5), .init([12], scale: 0.5), .init([4, 4], scale: 0.5), .init([4]),
  ]

  private static func projections(_ t: [Tensor]) -> AttentionWeights {
    AttentionWeights(input: t[1], inputBias: t[2], output: t[3], outputBias: t[4])
  }
}
