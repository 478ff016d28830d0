// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Takes training steps, and can go back to where the losses were last known to be finite.
///
/// Everything that a step depends on is here: parameters, buffers, the optimizer, random generators, the position in
/// the data and the step's number.
final class TrainingSteps<Optimizing: Optimizer> {
  let contents: ModuleContents
  let source: any BatchSource
  var optimizer: Optimizing
  var scaler: LossScaler?
  /// Steps taken so far.
  var step = 0
  /// The epoch at work, from 0.
  var epoch = 0
  /// Of each complete epoch, for the schedule.
  var epochLosses: [Double] = []

  private let parameters: ParameterList
  private let device: Device?
  private let schedule: (any Schedule)?
  private let scheduleUnit: ScheduleUnit
  private let clipping: Clipping?
  private let loss: (Batch) -> Tensor
  private let tracesNonFinite: Bool
  /// A state that all losses so far, up to the one that begins with it, have shown to be finite.
  private var knownGood: Snapshot?
  /// The state before the last step that was taken when `remember` was asked for.
  private var candidate: Snapshot?

  private struct Snapshot {
    let values: [Tensor]
    let buffers: [Tensor]
    let generators: [RandomGenerator.State]
    let optimizerState: OptimizerState
    let scaler: LossScaler?
    let position: BatchPosition
    let step: Int
    let epoch: Int
  }

  init(
    contents: ModuleContents, source: any BatchSource, optimizer: Optimizing, schedule: (any Schedule)?,
    scheduleUnit: ScheduleUnit, clipping: Clipping?, scaler: LossScaler?, tracesNonFinite: Bool,
    loss: @escaping (Batch) -> Tensor
  ) {
    self.contents = contents
    self.source = source
    self.optimizer = optimizer
    self.schedule = schedule
    self.scheduleUnit = scheduleUnit
    self.clipping = clipping
    self.scaler = scaler?.startingRun
    self.tracesNonFinite = tracesNonFinite
    self.loss = loss
    parameters = contents.parameters.trainable
    device = contents.device
  }

  /// All generators that steps draw from, the shared one first.
  var generators: [(name: String, generator: RandomGenerator)] {
    [("shared", .shared)] + contents.generators.filter { $0.generator !== RandomGenerator.shared }
  }

  /// Trains on one batch. Returns the loss, on the device, and the number of samples.
  func take(_ batch: Batch) throws -> (loss: Tensor, samples: Int) {
    let (loss, gradients) = try lossAndGradients(batch)
    try update(gradients)
    return (loss, batch.count)
  }

  /// Runs `body` as a span of the trace that is being made of the model's device, if any.
  func span<R>(_ name: @autoclosure () -> String, _ body: () throws -> R) rethrows -> R {
    guard let device else { return try body() }
    return try device.span(name(), body)
  }

  private func lossAndGradients(_ batch: Batch) throws -> (Tensor, Gradients) {
    let batch = try device.map { try batch.on($0) } ?? batch
    if let schedule {
      // When steps are repeated, an epoch may be known that was not complete then.
      optimizer.learningRate = schedule.learningRate(
        at: scheduleUnit == .step ? step : epoch, epochLosses: Array(epochLosses.prefix(epoch)))
    }
    guard scaler != nil else { return valueAndGradients(of: parameters) { loss(batch) } }
    return scaler!.valueAndGradients(of: parameters) { loss(batch) }
  }

  /// A step, also where a scaler finds that its update has to be left out.
  private func update(_ gradients: Gradients) throws {
    if let gradients = scaler == nil ? gradients : try scaler!.unscaled(gradients) {
      try optimizer.update(parameters, with: gradients.clipped(clipping))
    }
    step += 1
  }

  // MARK: What is not finite

  /// Remembers the present state; `confirm` says that the next step's loss was finite. Tensors are values, so this
  /// copies nothing, but keeps them in memory.
  func remember() {
    guard tracesNonFinite else { return }
    candidate = Snapshot(
      values: contents.parameters.map { $0.parameter.value }, buffers: contents.buffers.map { $0.buffer.value },
      generators: generators.map { $0.generator.state }, optimizerState: optimizer.state, scaler: scaler,
      position: source.position, step: step, epoch: epoch)
    if knownGood == nil { knownGood = candidate }
  }

  /// All losses up to now are finite, so the state before the last of them was good. That step's update need not be.
  func confirm() {
    if let candidate { knownGood = candidate }
    candidate = nil
  }

  /// Explains a loss that is not finite; the model is left as it was before the step that went wrong first.
  ///
  /// - Parameter step: the step whose loss it is, from 1.
  func diagnose(loss: Float, step failed: Int) throws -> TernError {
    let what = "the loss is \(loss) at step \(failed), epoch \(epoch + 1)"
    guard let knownGood else { return nonFinite(what) }
    restore(knownGood)
    try source.restore(knownGood.position)
    while step < failed {
      guard let batch = try source.next() else {
        epoch += 1
        continue
      }
      if try !batch.inputs.isAllFinite() {
        return nonFinite(
          "\(what): the batch's inputs are not all finite", remedy: "check the data and how they are normalized")
      }
      let before = parameters.map(\.parameter.value)
      let (loss, gradients) = try lossAndGradients(batch)
      let lossIsFinite = try loss.isAllFinite()
      // A scaler leaves steps out whose gradients are not finite, as long as the loss is.
      if scaler == nil || !lossIsFinite {
        for ((name, _), gradient) in zip(parameters, gradients.values) where try !gradient.isAllFinite() {
          return nonFinite("\(what): the gradient of '\(name)' is the first that is not finite, at step \(step + 1)")
        }
      }
      if !lossIsFinite {
        return nonFinite(
          "\(what), though all parameters and gradients are finite", remedy: "check the loss and the labels")
      }
      try update(gradients)
      for (name, parameter) in parameters where try !parameter.value.isAllFinite() {
        for (cell, value) in zip(parameters, before) { cell.parameter.value = value }
        return nonFinite("\(what): the value of '\(name)' is the first that is not finite, after step \(step)")
      }
    }
    return nonFinite("\(what), but not when the steps are repeated", remedy: "check the device and its memory")
  }

  /// Throws if a parameter or buffer is not finite: such a state must not replace a good checkpoint.
  func checkFinite() throws {
    if try Tensor.allFinite(contents.stateTensors.map(\.tensor)).scalar(as: Bool.self) { return }
    for (name, value) in contents.stateTensors where try !value.isAllFinite() {
      throw nonFinite("the value of '\(name)' is not finite after step \(step)")
    }
  }

  private func restore(_ snapshot: Snapshot) {
    for (cell, value) in zip(contents.parameters, snapshot.values) { cell.parameter.value = value }
    for (cell, value) in zip(contents.buffers, snapshot.buffers) { cell.buffer.value = value }
    for (named, state) in zip(generators, snapshot.generators) { named.generator.state = state }
    optimizer.state = snapshot.optimizerState
    scaler = snapshot.scaler
    step = snapshot.step
    epoch = snapshot.epoch
  }

  private func nonFinite(
    _ message: String, remedy: String = "lower the learning rate, clip the gradients, or normalize the inputs"
  ) -> TernError {
    TernError(.nonFinite, message, remedy: remedy)
  }
}

extension Tensor {
  /// Whether no element is infinite or NaN. Waits for the device.
  fileprivate func isAllFinite() throws -> Bool {
    try Tensor.allFinite([self]).scalar(as: Bool.self)
  }
}
