// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// What a training checkpoint holds beside tensors, as JSON in the file's metadata.
///
/// The tensors are the model's under their own names, so that `load(from:)` reads a checkpoint, too, and the
/// optimizer's as `optimizer/SLOT/PARAMETER`, with `master` for the Float32 values of parameters of half types.
struct TrainingState: Codable {
  /// Raised when older programs would misread the file.
  var version: Int
  var step: Int
  var epoch: Int
  var position: BatchPosition
  var batchCount: Int
  var sampleCount: Int
  var optimizer: String
  /// Updates of each parameter, for bias corrections.
  var parameterSteps: [String: Int]
  var generators: [String: RandomGenerator.State]
  /// How losses are scaled, if they are.
  var scaler: LossScaler?
  /// Hash of the algorithms chosen for the device; empty for the defaults. Files of older programs lack it.
  var choices: String?
  var total: EpochTotal
  var history: History

  static let metadataKey = "tern.training"
  private static let masterKey = "master"
  /// 2: parameters of half types have masters in Float32, and losses may be scaled.
  static let currentVersion = 2

  init<O: Optimizer>(history: History, total: EpochTotal, of steps: TrainingSteps<O>) {
    version = steps.scaler == nil && steps.optimizer.state.entries.values.allSatisfy { $0.master == nil } ? 1 : 2
    step = steps.step
    epoch = steps.epoch
    position = steps.source.position
    batchCount = steps.source.batchCount
    sampleCount = steps.source.sampleCount
    optimizer = Self.name(of: steps.optimizer)
    parameterSteps = steps.optimizer.state.entries.mapValues(\.steps)
    generators = Dictionary(steps.generators.map { ($0.name, $0.generator.state) }) { first, _ in first }
    scaler = steps.scaler
    choices = Self.choices(of: steps)
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
      let slots =
        Array(zip(steps.optimizer.slotNames, entry.slots)) + (entry.master.map { [(Self.masterKey, $0)] } ?? [])
      for (slot, tensor) in slots { tensors.append(("\(optimizerPrefix)\(slot)/\(name)", tensor)) }
    }
    try writeSafetensors(tensors, metadata: metadata, to: path)
  }

  /// Puts everything back that a run depends on.
  ///
  /// All of it is read and checked before anything changes, the model first: of a checkpoint of another model the first
  /// parameter that differs is named, not what follows from it.
  ///
  /// - Throws: `TernError` with code `checkpointMismatch` when the checkpoint is of another model, optimizer or data
  ///   set, `format` or `file` when it cannot be read.
  static func restore<O: Optimizer>(from file: SafetensorsFile, into steps: TrainingSteps<O>) throws -> TrainingState {
    var values = try steps.contents.values(from: file)
    let state = try TrainingState(from: file)
    try state.checkFits(file, steps)
    let optimizerState = try state.optimizerState(file, steps)
    // A run in a half type that goes on in Float32 goes on from the masters.
    for (index, (name, parameter)) in steps.contents.parameters.enumerated() where parameter.value.dtype == .float32 {
      if let master = try Self.master(name, parameter, file) { values[index] = master }
    }
    let generatorStates = try state.generatorStates(file, steps)
    // The source checks the position itself, and stays where it is if it refuses.
    try steps.source.restore(state.position)
    steps.contents.replace(by: values)
    steps.optimizer.state = optimizerState
    for ((_, generator), state) in zip(steps.generators, generatorStates) { generator.state = state }
    steps.step = state.step
    steps.epoch = state.epoch
    if steps.scaler != nil, let scaler = state.scaler { steps.scaler = scaler }
    return state
  }

  private init(from file: SafetensorsFile) throws {
    guard let text = file.metadata[Self.metadataKey] else {
      throw Self.mismatch(
        file, "it holds a model without the state of its training", "load the model and train anew")
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      self = try decoder.decode(TrainingState.self, from: Data(text.utf8))
    } catch {
      throw Self.damaged(file, "cannot be read: \(reason(of: error))")
    }
    guard 1...Self.currentVersion ~= version else {
      throw Self.mismatch(
        file, "its version is \(version), this program knows 1 to \(Self.currentVersion)", "use the newer program")
    }
  }

  private func checkFits<O: Optimizer>(_ file: SafetensorsFile, _ steps: TrainingSteps<O>) throws {
    let here = Self.name(of: steps.optimizer)
    guard optimizer == here else {
      throw Self.mismatch(file, "it was trained with \(optimizer), not \(here)", "use \(optimizer)")
    }
    let (batches, samples) = (steps.source.batchCount, steps.source.sampleCount)
    guard batchCount == batches && sampleCount == samples else {
      throw Self.mismatch(
        file, "its data had \(sampleCount) samples in \(batchCount) batches, these have \(samples) in \(batches)",
        "use the same data and batch size")
    }
    if let damage = damage(steps.contents.parameters) { throw Self.damaged(file, "is impossible: \(damage)") }
    if let choices, choices != Self.choices(of: steps) {
      warnOnce(
        "\(file.path) was written with other algorithms chosen for the device (`tern tune`): training goes on, but not "
          + "with the same bits as if it had never stopped")
    }
  }

  private func optimizerState<O: Optimizer>(
    _ file: SafetensorsFile, _ steps: TrainingSteps<O>
  ) throws -> OptimizerState {
    var entries: [String: OptimizerState.Entry] = [:]
    for (name, parameter) in steps.contents.parameters {
      guard let count = parameterSteps[name] else { continue }
      let slots = try steps.optimizer.slotNames.map {
        try Self.tensor("\(optimizerPrefix)\($0)/\(name)", of: name, parameter, file)
      }
      // A run in Float32 has no masters: its values are theirs when it goes on in a half type.
      let master =
        parameter.value.dtype == .float32
        ? nil : try Self.master(name, parameter, file) ?? Self.tensor(name, of: name, parameter, file)
      entries[name] = OptimizerState.Entry(steps: count, slots: slots, master: master)
    }
    return OptimizerState(entries: entries)
  }

  /// The Float32 value of a parameter that was of a half type.
  private static func master(_ name: String, _ parameter: Parameter, _ file: SafetensorsFile) throws -> Tensor? {
    let key = "\(optimizerPrefix)\(masterKey)/\(name)"
    return file.shape(of: key) == nil ? nil : try tensor(key, of: name, parameter, file)
  }

  /// A tensor of a parameter's shape, in Float32.
  private static func tensor(
    _ key: String, of name: String, _ parameter: Parameter, _ file: SafetensorsFile
  ) throws -> Tensor {
    let tensor = try file.tensor(key, on: parameter.value.device)
    guard tensor.shape == parameter.shape && tensor.dtype.isFloatingPoint else {
      throw mismatch(
        file, "'\(key)' is \(tensor.dtype) \(tensor.shape) there, but '\(name)' \(parameter.shape) here",
        "use a checkpoint that this model was trained with")
    }
    return tensor.cast(to: .float32).evaluated()
  }

  /// The states of the run's generators, in their order.
  private func generatorStates<O: Optimizer>(
    _ file: SafetensorsFile, _ steps: TrainingSteps<O>
  ) throws -> [RandomGenerator.State] {
    try steps.generators.map { name, _ in
      guard let state = generators[name] else {
        throw Self.mismatch(
          file, "it has no state of the random generator '\(name)'", "build the model that it was made with")
      }
      return state
    }
  }

  private static func damaged(_ file: SafetensorsFile, _ what: String) -> TernError {
    TernError(
      .format, "\(file.path): the training state \(what)", remedy: "the file is damaged; use another checkpoint")
  }

  private static func mismatch(_ file: SafetensorsFile, _ what: String, _ remedy: String) -> TernError {
    TernError(.checkpointMismatch, "cannot resume \(file.path): \(what)", remedy: remedy)
  }

  private static func choices<O: Optimizer>(of steps: TrainingSteps<O>) -> String? {
    steps.contents.device?.backend.choices.fingerprint
  }

  private static func name(of optimizer: some Optimizer) -> String { "\(type(of: optimizer))" }
}
