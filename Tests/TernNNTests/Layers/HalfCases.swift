// SPDX-License-Identifier: MIT
import Tern

@testable import TernNN

extension HalfCase {
  static let all = dense + spatial + normalizations + activations + sequences + losses

  private static let dense: [HalfCase] = [
    HalfCase("Linear", [3, 2, 33]) { Linear(33, 17, activation: .gelu, generator: $0) },
    HalfCase("Bilinear", [3, 5], [3, 7], make: { Bilinear(5, 7, 4, generator: $0) }, run: { $0($1[0], $1[1]) }),
    HalfCase("Dropout", [3, 33]) { Dropout(0.3, generator: $0) },
    HalfCase("ChannelDropout", [3, 5, 4]) { ChannelDropout(0.3, generator: $0) },
    HalfCase("AlphaDropout", [3, 33]) { AlphaDropout(0.3, generator: $0) },
    HalfCase(
      "Embedding", make: { Embedding(7, 5, paddingIndex: 2, generator: $0) },
      run: { layer, _ in
        layer(Tensor([0, 3, 3, 6, 2, 0], shape: [2, 3]))
      }),
    HalfCase(
      "EmbeddingBag", [6], make: { EmbeddingBag(7, 5, mode: .sum, generator: $0) },
      run: { layer, x in
        layer(Tensor([0, 3, 3, 6, 2, 0]), offsets: Tensor([0, 2, 2]), entryWeights: x[0])
      }),
    HalfCase(
      "EmbeddingBag of means", make: { EmbeddingBag(7, 5, generator: $0) },
      run: { layer, _ in
        layer(Tensor([0, 3, 3, 6, 2, 0], shape: [2, 3]))
      }),
    HalfCase(
      "EmbeddingBag of maxima", make: { EmbeddingBag(7, 5, mode: .max, generator: $0) },
      run: { layer, _ in
        layer(Tensor([0, 3, 3, 6, 2, 0], shape: [2, 3]))
      }),
  ]

  private static let spatial: [HalfCase] = [
    HalfCase("Conv1D", [2, 4, 9]) { Conv1D(4, 6, kernel: 3, padding: 1, groups: 2, generator: $0) },
    HalfCase("Conv2D", [2, 3, 7, 9]) { Conv2D(3, 5, kernel: 3, padding: 1, activation: .relu, generator: $0) },
    HalfCase("Conv2D, strided", [2, 3, 7, 9]) { Conv2D(3, 5, kernel: 3, stride: 2, generator: $0) },
    HalfCase("Conv2D, depthwise", [2, 4, 7, 9]) { Conv2D(4, 8, kernel: 3, padding: 1, groups: 4, generator: $0) },
    HalfCase("Conv2D, 1 x 1", [2, 8, 4, 4]) { Conv2D(8, 6, kernel: 1, generator: $0) },
    HalfCase("Conv3D", [2, 2, 4, 5, 3]) { Conv3D(2, 3, kernel: 3, padding: 1, generator: $0) },
    HalfCase("ConvTranspose1D", [2, 4, 5]) { ConvTranspose1D(4, 3, kernel: 3, stride: 2, generator: $0) },
    HalfCase("ConvTranspose2D", [2, 3, 4, 5]) {
      ConvTranspose2D(3, 4, kernel: 3, stride: 2, padding: 1, generator: $0)
    },
    HalfCase("ConvTranspose3D", [1, 2, 3, 3, 3]) { ConvTranspose3D(2, 2, kernel: 2, stride: 2, generator: $0) },
    HalfCase("MaxPool1D", [2, 3, 9]) { _ in MaxPool1D(3, stride: 2, padding: 1) },
    HalfCase("MaxPool2D", [2, 3, 7, 9]) { _ in MaxPool2D(3, stride: 2, padding: 1) },
    HalfCase("MaxPool3D", [1, 2, 4, 5, 6]) { _ in MaxPool3D(2) },
    HalfCase("AveragePool1D", [2, 3, 9]) { _ in AveragePool1D(3, stride: 2, padding: 1) },
    HalfCase("AveragePool2D", [2, 3, 7, 9]) { _ in AveragePool2D(3, stride: 2, padding: 1) },
    HalfCase("AveragePool3D", [1, 2, 4, 5, 6]) { _ in AveragePool3D(2) },
    HalfCase("AdaptiveMaxPool1D", [2, 3, 9]) { _ in AdaptiveMaxPool1D(4) },
    HalfCase("AdaptiveMaxPool2D", [2, 3, 7, 9]) { _ in AdaptiveMaxPool2D(4) },
    HalfCase("AdaptiveMaxPool3D", [1, 2, 4, 5, 6]) { _ in AdaptiveMaxPool3D(3) },
    HalfCase("AdaptiveAveragePool1D", [2, 3, 9]) { _ in AdaptiveAveragePool1D(4) },
    HalfCase("AdaptiveAveragePool2D", [2, 3, 7, 9]) { _ in AdaptiveAveragePool2D(4) },
    HalfCase("AdaptiveAveragePool3D", [1, 2, 4, 5, 6]) { _ in AdaptiveAveragePool3D(3) },
    HalfCase("GlobalAveragePool2D", [2, 3, 7, 9]) { _ in GlobalAveragePool2D() },
    HalfCase("Upsample, bicubic", [2, 3, 4, 5]) { _ in Upsample(scale: [2, 2], mode: .cubic) },
    HalfCase("Upsample, linear", [2, 3, 4, 5]) { _ in Upsample(size: [7, 3], mode: .linear, alignsCorners: true) },
    HalfCase("Upsample, nearest", [2, 3, 4, 5]) { _ in Upsample(scale: [2, 3]) },
    HalfCase("PixelShuffle", [2, 8, 3, 4]) { _ in PixelShuffle(2) },
    HalfCase("PixelUnshuffle", [2, 2, 4, 6]) { _ in PixelUnshuffle(2) },
    HalfCase("Unfold", [2, 3, 5, 6]) { _ in Unfold(3, stride: 2, padding: 1) },
    HalfCase("Fold", [2, 12, 12]) { _ in Fold(Pair(4, 5), window: 2) },
    HalfCase("Flatten", [2, 3, 5]) { _ in Flatten() },
  ]

  // Gradients of normalizations are differences that cancel.
  private static let normalizations: [HalfCase] = [
    HalfCase("BatchNorm1D", [9, 5], roundings: 8) { _ in BatchNorm1D(5) },
    HalfCase("BatchNorm2D", [3, 5, 4, 3], roundings: 8) { _ in BatchNorm2D(5) },
    HalfCase(
      "BatchNorm2D with a shortcut", [3, 5, 4, 3], [3, 5, 4, 3], roundings: 8, make: { _ in BatchNorm2D(5) },
      run: {
        $0($1[0], adding: $1[1], activation: .relu)
      }),
    HalfCase("BatchNorm3D", [2, 3, 2, 3, 4], roundings: 8) { _ in BatchNorm3D(3) },
    HalfCase("LayerNorm", [4, 33], roundings: 8) { _ in LayerNorm(33) },
    HalfCase("RMSNorm", [4, 33], roundings: 8) { _ in RMSNorm(33) },
    HalfCase("GroupNorm", [2, 6, 5], roundings: 8) { _ in GroupNorm(6, groups: 3) },
    HalfCase("InstanceNorm", [2, 3, 4, 5], roundings: 8) { _ in InstanceNorm(3, affine: true) },
    HalfCase("LocalResponseNorm", [2, 7, 4, 3]) { _ in LocalResponseNorm(size: 3, alpha: 0.3) },
    HalfCase("L2Norm", [4, 9]) { _ in L2Norm() },
  ]

  private static let activations: [HalfCase] = {
    let layers: [(String, @Sendable () -> any Layer)] = [
      ("ReLU", { ReLU() }), ("ReLU6", { ReLU6() }), ("LeakyReLU", { LeakyReLU() }), ("PReLU", { PReLU(33) }),
      ("ELU", { ELU() }), ("CELU", { CELU(alpha: 0.7) }), ("SELU", { SELU() }), ("GELU", { GELU() }),
      ("GELU, tanh", { GELU(approximation: .tanh) }), ("SiLU", { SiLU() }), ("Mish", { Mish() }),
      ("Sigmoid", { Sigmoid() }), ("LogSigmoid", { LogSigmoid() }), ("Tanh", { Tanh() }), ("Softplus", { Softplus() }),
      ("Softsign", { Softsign() }), ("HardTanh", { HardTanh(min: -0.5) }), ("HardSigmoid", { HardSigmoid() }),
      ("HardSwish", { HardSwish() }), ("Softmax", { Softmax() }), ("Softmax, first axis", { Softmax(axis: 0) }),
    ]
    return layers.map { name, make in
      HalfCase(name, [3, 33], make: { _ in Sequential(layers: [make()]) }, run: { $0($1[0]) })
    } + [HalfCase("GLU", [3, 34]) { _ in GLU() }]
  }()

  /// Without the kink of ReLU, on whose other side a rounded number may be.
  private static let smooth = TransformerOptions(activation: .gelu)

  // Several roundings behind one another.
  private static let sequences: [HalfCase] = [
    HalfCase("RNN", [4, 2, 5], roundings: 8) { RNN(5, 6, generator: $0) },
    HalfCase("GRU", [4, 2, 5], roundings: 8) { GRU(5, 6, bidirectional: true, generator: $0) },
    HalfCase("LSTM", [4, 2, 5], roundings: 8) { LSTM(5, 6, layers: 2, generator: $0) },
    HalfCase(
      "LSTM of varying lengths", [4, 2, 5], roundings: 8, make: { LSTM(5, 6, generator: $0) },
      run: {
        $0.run($1[0], lengths: Tensor([4, 2])).cell
      }),
    HalfCase("RNNCell", [2, 5], [2, 6], make: { RNNCell(5, 6, generator: $0) }, run: { $0($1[0], hidden: $1[1]) }),
    HalfCase("GRUCell", [2, 5], [2, 6], make: { GRUCell(5, 6, generator: $0) }, run: { $0($1[0], hidden: $1[1]) }),
    HalfCase(
      "LSTMCell", [2, 5], [2, 6], [2, 6], make: { LSTMCell(5, 6, generator: $0) },
      run: {
        $0($1[0], hidden: $1[1], cell: $1[2]).hidden
      }),
    HalfCase("MultiHeadAttention", [2, 5, 8], roundings: 8) { MultiHeadAttention(8, heads: 2, generator: $0) },
    HalfCase(
      "MultiHeadAttention with a mask", [2, 5, 8], [2, 4, 8], roundings: 8,
      make: { MultiHeadAttention(8, heads: 2, generator: $0) },
      run: { layer, x in
        layer(x[0], x[1], options: AttentionOptions(mask: Tensor((0..<20).map { $0 % 3 != 1 }, shape: [5, 4])))
      }),
    HalfCase("FeedForward", [2, 3, 8]) { FeedForward(8, generator: $0) },
    HalfCase("TransformerEncoderLayer", [2, 5, 8], roundings: 16) {
      TransformerEncoderLayer(
        8, heads: 2, options: TransformerOptions(activation: .gelu, normFirst: true), generator: $0)
    },
    HalfCase("TransformerEncoder", [2, 5, 8], roundings: 24) {
      TransformerEncoder(8, heads: 2, layers: 2, options: smooth, generator: $0)
    },
    HalfCase(
      "TransformerDecoder", [2, 3, 8], [2, 5, 8], roundings: 24,
      make: { TransformerDecoder(8, heads: 2, layers: 1, options: smooth, generator: $0) },
      run: { $0($1[0], memory: $1[1]) }),
    HalfCase("SinusoidalPositions", [2, 5, 8]) { _ in SinusoidalPositions(8, length: 9) },
    HalfCase("LearnedPositions", [2, 5, 8]) { LearnedPositions(9, 8, generator: $0) },
  ]

  private static let losses: [HalfCase] = [
    HalfCase("crossEntropy", [5, 7], result: .float32) { crossEntropy($0[0], Tensor([0, 6, 3, 3, 1])) },
    HalfCase("crossEntropy with settings", [5, 7], result: .float32) { x in
      let weights = Tensor([Float](repeating: 0.7, count: 7))
      return crossEntropy(x[0], Tensor([0, 6, -100, 3, 1]), classWeights: weights, smoothing: 0.1)
    },
    HalfCase("crossEntropy of probabilities", [5, 7], [5, 7], shift: 1.2) { crossEntropy($0[0], probabilities: $0[1]) },
    HalfCase("negativeLogLikelihood with weights", [5, 7], [7], shift: 1.2, roundings: 12) {
      negativeLogLikelihood(logSoftmax($0[0]), Tensor([0, 6, 3, 3, 1]), classWeights: $0[1])
    },
    HalfCase("crossEntropy of probabilities with weights", [5, 7], [5, 7]) {
      let weights = Tensor([Float](repeating: 0.7, count: 7))
      return crossEntropy($0[0], probabilities: softmax($0[1]), classWeights: weights)
    },
    HalfCase("negativeLogLikelihood", [5, 7]) { negativeLogLikelihood(logSoftmax($0[0]), Tensor([0, 6, 3, 3, 1])) },
    HalfCase("meanSquaredError", [5, 7], [5, 7]) { meanSquaredError($0[0], $0[1], mask: $0[1] .> 0) },
    HalfCase("meanAbsoluteError", [5, 7], [5, 7]) { meanAbsoluteError($0[0], $0[1], reduction: .sum) },
    HalfCase("huberLoss", [5, 7], [5, 7]) { huberLoss($0[0], $0[1], delta: 0.4) },
    HalfCase("smoothAbsoluteError", [5, 7], [5, 7]) { smoothAbsoluteError($0[0], $0[1], reduction: .none) },
    HalfCase("binaryCrossEntropy", [5, 7], [5, 7]) { binaryCrossEntropy(logits: $0[0], targets: sigmoid($0[1])) },
    HalfCase("binaryCrossEntropy of probabilities", [5, 7], [5, 7]) {
      binaryCrossEntropy(probabilities: sigmoid($0[0]), targets: sigmoid($0[1]))
    },
    HalfCase("focalLoss", [5, 7], [5, 7]) { focalLoss(logits: $0[0], targets: sigmoid($0[1])) },
    HalfCase("klDivergence", [5, 7], [5, 7]) { klDivergence(logSoftmax($0[0]), softmax($0[1])) },
    HalfCase("klDivergenceOfBatch", [5, 7], [5, 7], roundings: 8) {
      klDivergenceOfBatch(logSoftmax($0[0]), softmax($0[1]))
    },
    HalfCase("poissonLoss", [5, 7], [5, 7], shift: 1.2) { poissonLoss($0[0], $0[1]) },
    HalfCase("diceLoss", [2, 3, 9], [2, 3, 9]) { diceLoss(sigmoid($0[0]), sigmoid($0[1])) },
    HalfCase("intersectionOverUnionLoss", [2, 3, 9], [2, 3, 9]) {
      intersectionOverUnionLoss(sigmoid($0[0]), sigmoid($0[1]))
    },
    HalfCase("cosineEmbeddingLoss", [5, 7], [5, 7]) { cosineEmbeddingLoss($0[0], $0[1], Tensor([1, -1, 1, -1, 1])) },
    HalfCase("marginRankingLoss", [9], [9]) { marginRankingLoss($0[0], $0[1], Tensor((0..<9).map { $0 % 2 * 2 - 1 })) },
    HalfCase("hingeEmbeddingLoss", [9]) { hingeEmbeddingLoss($0[0], Tensor((0..<9).map { $0 % 2 * 2 - 1 })) },
    HalfCase("tripletMarginLoss", [5, 7], [5, 7], [5, 7], roundings: 8) {
      tripletMarginLoss(anchor: $0[0], positive: $0[1], negative: $0[2], swaps: true)
    },
    HalfCase("contrastiveLoss", [5, 7], [5, 7]) { contrastiveLoss($0[0], $0[1], Tensor([1, 0, 1, 0, 1])) },
    HalfCase("ctcLoss", [6, 2, 4], roundings: 8, result: .float32) {
      ctcLoss(
        logSoftmax($0[0]), Tensor([1, 1, 3, 2, 1, 1], shape: [2, 3]), inputLengths: Tensor([6, 4]),
        targetLengths: Tensor([3, 1]))
    },
  ]
}
