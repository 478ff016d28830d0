// SPDX-License-Identifier: MIT
import Tern
import TernData
import TernNN

/// One training run from data to report.
struct TrainingJob {
  let specification: ModelSpecification
  let recipe: RecipeOptions
  let device: Device
  let train: NormalizedImages
  let test: NormalizedImages
  var checkpoint: String?
  var resume: String?
  var lossLog: LossLog?

  /// Batches of an evaluation are larger than those of training: nothing has to be kept for a backward pass.
  static let evaluationBatchSize = 256

  /// Trains, and measures the test images after every epoch.
  ///
  /// - Returns: the report, or nil if Ctrl-C ended the run early; then the checkpoint has been written.
  func run() throws -> TrainingReport? {
    let before = device.statistics
    // Layers without a generator of their own draw from the shared one.
    RandomGenerator.shared.state = RandomGenerator.State(seed: recipe.seed)
    let model = withDevice(device) { specification.makeModel(generator: RandomGenerator(seed: recipe.seed)) }
    var optimizer = recipe.makeOptimizer()
    if let resume { try checkForm(SafetensorsFile(path: resume)) }
    let history = try train(model, &optimizer)
    if history.wasInterrupted { return nil }
    return TrainingReport(
      model: specification.label, device: device.description, history: history,
      peakMemoryBytes: device.peakBytes, cpuFallbacks: (device.statistics - before).cpuFallbacks)
  }

  private func train(_ model: some Layer, _ optimizer: inout some Optimizer) throws -> History {
    let loader = DataLoader(train, batchSize: recipe.batchSize, shuffles: true, seed: recipe.seed, on: device)
    return try fit(
      model, train: loader, validation: DataLoader(test, batchSize: Self.evaluationBatchSize, on: device),
      epochs: recipe.epochs, optimizer: &optimizer, forward: { specification.outputs(of: $0, $1.inputs) },
      schedule: recipe.makeSchedule(stepsPerEpoch: loader.batchCount), scheduleUnit: .step,
      scaler: specification.precision == .float16 ? LossScaler() : nil, checkpoint: checkpoint, resume: resume,
      metadata: specification.metadata,
      onEvent: { event in
        if case .losses(let firstStep, let losses) = event { try lossLog?.append(losses, firstStep: firstStep) }
      })
  }

  /// Two forms of one network agree in every shape, so shapes alone do not tell them apart.
  private func checkForm(_ file: SafetensorsFile) throws {
    if let found = try? ModelSpecification(metadata: file.metadata, path: file.path),
      found.name == specification.name, found != specification
    {
      throw TernError(
        .checkpointMismatch, "cannot resume \(file.path): it holds \(found.label), not \(specification.label)",
        remedy: found.isClassic != specification.isClassic
          ? (found.isClassic ? "add --classic" : "leave --classic out") : "use --precision \(found.precision)")
    }
  }
}
