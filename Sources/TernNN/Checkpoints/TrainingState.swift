// SPDX-License-Identifier: MIT
import Foundation
import Tern

/// What a training checkpoint holds beside tensors, as JSON in the file's metadata.
///
/// The tensors are the model's under their own names, so that `load(from:)` reads a checkpoint, too, and the optimizer's
/// as `optimizer/SLOT/PARAMETER`.
struct TrainingState: Codable {
  /// Raised when older programs would misread the file.
  var version = 1
  var step: Int
  var epoch: Int
  var position: BatchPosition
  var batchCount: Int
  var sampleCount: Int
  var optimizer: String
  /// Updates of each parameter, for bias corrections.
  var parameterSteps: [String: Int]
  var generators: [String: RandomGenerator.State]
  var total: EpochTotal
  var history: History

  static let metadataKey = "tern.training"
  static let currentVersion = 1

  init<O: Optimizer>(history: History, total: EpochTotal, of steps: TrainingSteps<O>) {
    step = steps.step
    epoch = steps.epoch
    position = steps.source.position
    batchCount = steps.source.batchCount
    sampleCount = steps.source.sampleCount
    optimizer = Self.name(of: steps.optimizer)
    parameterSteps = steps.optimizer.state.entries.mapValues(\.steps)
    generators = Dictionary(steps.generators.map { ($0.name, $0.generator.state) }) { first, _ in first }
    self.total = total
    self.history = history
  }

  func write<O: Optimizer>(_ steps: TrainingSteps<O>, metadata: [String: String], to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // A validation loss may be infinite, which JSON has no number for.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    var metadata = metadata
    metadata[Self.metadataKey] = String(decoding: try encoder.encode(self), as: UTF8.self)
    var tensors = steps.contents.stateTensors
    for (name, entry) in steps.optimizer.state.entries.sorted(by: { $0.key < $1.key }) {
      for (slot, tensor) in zip(steps.optimizer.slotNames, entry.slots) {
        tensors.append(("\(optimizerPrefix)\(slot)/\(name)", tensor))
      }
    }
    try writeSafetensors(tensors, metadata: metadata, to: path)
  }

  /// Puts everything back that a run depends on.
  ///
  /// - Throws: `TernError` with code `checkpointMismatch` when the checkpoint is of another model, optimizer or data set.
  static func restore<O: Optimizer>(from file: SafetensorsFile, into steps: TrainingSteps<O>) throws -> TrainingState {
    func mismatch(_ what: String, _ remedy: String) -> TernError {
      TernError(.checkpointMismatch, "cannot resume \(file.path): \(what)", remedy: remedy)
    }
    guard let text = file.metadata[metadataKey] else {
      throw mismatch("it holds a model without the state of its training", "load the model and train anew")
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let state: TrainingState
    do {
      state = try decoder.decode(TrainingState.self, from: Data(text.utf8))
    } catch {
      throw TernError(
        .format, "\(file.path): the training state cannot be read",
        remedy: "the file is damaged; use another checkpoint",
        cause: "\(error)")
    }
    guard state.version == currentVersion else {
      throw mismatch("its version is \(state.version), this program knows \(currentVersion)", "use the newer program")
    }
    guard state.optimizer == name(of: steps.optimizer) else {
      throw mismatch(
        "it was trained with \(state.optimizer), not \(name(of: steps.optimizer))", "use \(state.optimizer)")
    }
    let (batches, samples) = (steps.source.batchCount, steps.source.sampleCount)
    guard state.batchCount == batches && state.sampleCount == samples else {
      throw mismatch(
        "its data had \(state.sampleCount) samples in \(state.batchCount) batches, these have \(samples) in \(batches)",
        "use the same data and batch size")
    }
    let optimizerState = try state.optimizerState(file, steps)
    try steps.source.restore(state.position)
    try steps.contents.load(from: file)
    steps.optimizer.state = optimizerState
    for (name, generator) in steps.generators {
      if let state = state.generators[name] { generator.state = state }
    }
    steps.step = state.step
    steps.epoch = state.epoch
    return state
  }

  private func optimizerState<O: Optimizer>(
    _ file: SafetensorsFile, _ steps: TrainingSteps<O>
  ) throws -> OptimizerState {
    var entries: [String: OptimizerState.Entry] = [:]
    for (name, parameter) in steps.contents.parameters {
      guard let count = parameterSteps[name] else { continue }
      let slots = try steps.optimizer.slotNames.map { slot in
        let tensor = try file.tensor("\(optimizerPrefix)\(slot)/\(name)", on: parameter.value.device)
        guard tensor.shape == parameter.shape else {
          throw TernError(
            .checkpointMismatch,
            "cannot resume \(file.path): '\(slot)' of '\(name)' is \(tensor.shape) there and \(parameter.shape) here",
            remedy: "build the model that the checkpoint was made with")
        }
        return tensor
      }
      entries[name] = OptimizerState.Entry(steps: count, slots: slots)
    }
    return OptimizerState(entries: entries)
  }

  private static func name(of optimizer: some Optimizer) -> String { "\(type(of: optimizer))" }
}
