// SPDX-License-Identifier: MIT
import Tern
import TernNN
import TestSupport

/// A small net with everything that has state: weights, running statistics, and a generator of its own.
struct NoisyNet: Layer {
  let hidden: Linear
  let norm: BatchNorm1D
  let dropout: Dropout
  let output: Linear

  init(seed: UInt64 = 1) {
    let generator = RandomGenerator(seed: seed)
    hidden = Linear(5, 8, generator: generator)
    norm = BatchNorm1D(8)
    dropout = Dropout(0.3, generator: RandomGenerator(seed: seed + 1))
    output = Linear(8, 3, generator: generator)
  }

  func callAsFunction(_ x: Tensor) -> Tensor { output(dropout(tanh(norm(hidden(x))))) }
}

/// Three classes of points around different centres; 5 features.
func clusters(_ count: Int, on device: Device = .cpu) -> (inputs: Tensor, labels: Tensor) {
  let labels = (0..<count).map { ($0 * 7) % 3 }
  var inputs = sample([count, 5], scale: 0.5)
  for (row, label) in labels.enumerated() {
    inputs[row * 5 + label] += 2
    inputs[row * 5 + 4] -= Float(label)
  }
  return (Tensor(inputs, shape: [count, 5], on: device), Tensor(labels, on: device))
}

func clusterBatches(
  _ count: Int = 48, batchSize: Int = 8, shuffles: Bool = true, seed: UInt64 = 3, on device: Device = .cpu
) -> TensorBatches {
  let (inputs, labels) = clusters(count, on: device)
  return TensorBatches(inputs: inputs, labels: labels, batchSize: batchSize, shuffles: shuffles, seed: seed)
}
