// SPDX-License-Identifier: MIT
import TernNN

/// What a training run gave, as `tern train --json` prints it.
struct TrainingReport: Encodable {
  let model: String
  let device: String
  /// Epochs that are complete, also those before a resumption.
  let epochs: Int
  /// The mean loss of each epoch.
  let trainLoss: [Double]
  /// The share of the test images that the last epoch's network classifies correctly.
  let testAccuracy: Double
  /// Training only: without tests and checkpoints.
  let samplesPerSecond: Double
  let peakMemoryBytes: Int
  /// Operations of an OpenCL run that had to run on the CPU.
  let cpuFallbacks: Int

  init(model: String, device: String, history: History, peakMemoryBytes: Int, cpuFallbacks: Int) {
    self.model = model
    self.device = device
    epochs = history.epochs.count
    trainLoss = history.trainLosses
    testAccuracy = history.epochs.last?.validation?.metrics["accuracy"] ?? 0
    let seconds = history.epochs.reduce(0) { $0 + $1.seconds }
    let samples = history.epochs.reduce(0) { $0 + $1.samplesPerSecond * $1.seconds }
    samplesPerSecond = seconds > 0 ? samples / seconds : 0
    self.peakMemoryBytes = peakMemoryBytes
    self.cpuFallbacks = cpuFallbacks
  }
}
