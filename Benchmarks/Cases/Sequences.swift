// SPDX-License-Identifier: MIT
import Tern
import TernModels
import TernNN

extension Case {
  /// Training steps of language models on one batch of symbols. Operations are those of products, forward and for both
  /// gradients.
  static let sequenceCases: [Case] = [
    sequences("train_lstm_charlm_b32", characterModel, batch: 32, length: 64, multiplyAdds: 417_792),
    sequences("train_transformer_b8", transformer, batch: 8, length: 128, multiplyAdds: 3_432_448),
  ]

  /// One LSTM layer over characters: 432,224 parameters.
  @Sendable static func characterModel() -> RecurrentLanguageModel { RecurrentLanguageModel() }

  /// Four pre-norm layers without positions, mask or last normalization: 3,208,288 parameters.
  @Sendable static func transformer() -> TransformerLanguageModel {
    TransformerLanguageModel(
      symbols: 96, width: 256, heads: 4, layers: 4, positions: .none, causal: false, finalNorm: false)
  }

  private static func sequences(
    _ name: String, _ makeModel: @escaping @Sendable () -> any Layer, batch: Int, length: Int, multiplyAdds: Double
  ) -> Case {
    let symbols = batch * length
    return Case(
      name: name, family: .training, work: Double(symbols), unit: "tokens/s",
      operations: 3 * 2 * multiplyAdds * Double(symbols) / 1e9
    ) { device in
      let generator = RandomGenerator(seed: 1)
      func draw() -> [Int32] { generator.hostWords(symbols).map { Int32($0 % 96) } }
      let inputs = Tensor(draw(), shape: [batch, length], on: device)
      let labels = Tensor(draw(), on: device)
      let model = withDevice(device) { makeModel() }
      let parameters = model.parameters()
      var optimizer = Adam(learningRate: 1e-3)
      return {
        let (_, gradients) = valueAndGradients(of: parameters) {
          crossEntropy(model(inputs).reshaped(to: [symbols, -1]), labels)
        }
        try optimizer.update(parameters, with: gradients)
      }
    }
  }
}
