// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// Trains a model that maps a batch's inputs to outputs.
///
///     let history = try fit(model, train: loader, validation: test, epochs: 3, optimizer: &optimizer)
///
/// See `fit(_:train:validation:epochs:optimizer:forward:loss:...)`, which this calls, for everything else.
@discardableResult
public func fit<Optimizing: Optimizer>(
  _ model: some Layer, train: any BatchSource, validation: (any BatchSource)? = nil, epochs: Int,
  optimizer: inout Optimizing, loss: @escaping BatchLoss = { crossEntropy($0, $1.labels) },
  metrics: [Metric] = [.accuracy], schedule: (any Schedule)? = nil, scheduleUnit: ScheduleUnit = .epoch,
  clipping: Clipping? = nil, scaler: LossScaler? = nil, checkpoint: String? = nil, resume: String? = nil,
  metadata: [String: String] = [:], logEvery: Int = 50, progress: ProgressStyle = .automatic,
  tracesNonFinite: Bool = true,
  onEvent: @escaping (TrainingEvent) throws -> Void = { _ in }
) throws -> History {
  try fit(
    model, train: train, validation: validation, epochs: epochs, optimizer: &optimizer,
    forward: { $0($1.inputs) }, loss: loss, metrics: metrics, schedule: schedule, scheduleUnit: scheduleUnit,
    clipping: clipping, scaler: scaler, checkpoint: checkpoint, resume: resume, metadata: metadata, logEvery: logEvery,
    progress: progress, tracesNonFinite: tracesNonFinite, onEvent: onEvent)
}

/// Trains a model: batch after batch, forward, loss, gradients, update.
///
/// Losses stay on the device and are read together every `logEvery` steps, so the host runs ahead of the device. When a
/// loss is not finite, the steps since the last reading are repeated one by one to find what went wrong first; the
/// model is left as it was before that step.
///
/// With a `checkpoint`, the state is written there after every epoch, and when Ctrl-C is pressed: then the step at work
/// is finished, the checkpoint written, and `fit` returns with `wasInterrupted` set. A second Ctrl-C ends the process
/// at once. A run that resumes from the checkpoint with the same arguments takes exactly the steps that the
/// uninterrupted run would have taken: the checkpoint holds parameters, buffers, the optimizer's state, the position in
/// the data and the state of all random generators.
///
/// - Parameters:
///   - model: its trainable parameters are collected once, at the beginning.
///   - train: gives the batches; they are moved to the model's device if they are elsewhere.
///   - validation: measured after every epoch, each time from the source's very beginning.
///   - epochs: passes over the data, counted from the very beginning when resuming.
///   - optimizer: keeps its state, so a second call goes on where the first ended.
///   - forward: what the model makes of a batch.
///   - loss: the mean loss of a batch.
///   - schedule: sets the learning rate before each step; `scheduleUnit` says what it counts.
///   - clipping: applied to the gradients before each update, after they are unscaled.
///   - scaler: scales losses for a `float16` model, and leaves steps out whose gradients are not finite; a copy
///     is used, whose state is part of the checkpoint. A loss that is not finite by itself still ends the training.
///   - checkpoint: path of a safetensors file, replaced atomically.
///   - resume: path of a checkpoint to go on from.
///   - metadata: strings to keep in the checkpoint, for the reader to know what the model is.
///   - logEvery: steps between two readings of the losses; 1 waits for the device at every step.
///   - tracesNonFinite: keeps the state of the last reading to repeat steps from, which takes the memory of the
///     parameters and the optimizer's state once more. Without it the error names only the step.
///   - onEvent: told of losses, epochs and checkpoints; what it throws ends the training.
/// - Throws: `TernError` with code `nonFinite` when a loss is not finite, `file` when the checkpoint cannot be written
///   (an old one stays whole), `checkpointMismatch` or `format` when `resume` does not fit, and what the source, the
///   device or `onEvent` reports.
@discardableResult
public func fit<Model: Module, Optimizing: Optimizer>(
  _ model: Model, train: any BatchSource, validation: (any BatchSource)? = nil, epochs: Int,
  optimizer: inout Optimizing, forward: @escaping (Model, Batch) -> Tensor,
  loss: @escaping BatchLoss = { crossEntropy($0, $1.labels) }, metrics: [Metric] = [.accuracy],
  schedule: (any Schedule)? = nil, scheduleUnit: ScheduleUnit = .epoch, clipping: Clipping? = nil,
  scaler: LossScaler? = nil, checkpoint: String? = nil, resume: String? = nil, metadata: [String: String] = [:],
  logEvery: Int = 50, progress: ProgressStyle = .automatic, tracesNonFinite: Bool = true,
  onEvent: @escaping (TrainingEvent) throws -> Void = { _ in }
) throws -> History {
  require(epochs >= 0, "fit: the number of epochs must not be negative, got \(epochs)")
  require(logEvery > 0, "fit: logEvery must be positive, got \(logEvery)")
  require(train.batchCount > 0, "fit: the training data has no batches")
  let contents = model.contents()
  require(
    !contents.parameters.trainable.isEmpty, "fit: the model \(Model.self) has no trainable parameters")
  let steps = TrainingSteps(
    contents: contents, source: train, optimizer: optimizer, schedule: schedule, scheduleUnit: scheduleUnit,
    clipping: clipping, scaler: scaler, tracesNonFinite: tracesNonFinite
  ) { batch in loss(forward(model, batch), batch) }
  let loop = TrainingLoop(
    steps: steps, epochs: epochs, logEvery: logEvery, checkpoint: checkpoint, metadata: metadata,
    progress: ProgressDisplay(progress, epochs: epochs, batches: train.batchCount), onEvent: onEvent,
    validate: validation.map { source in
      {
        // Always the same batches, also in a resumed run.
        try source.restore(BatchPosition(seed: source.position.seed))
        return try evaluate(model, on: source, metrics: metrics, forward: forward, loss: loss)
      }
    })
  defer { optimizer = steps.optimizer }
  if let checkpoint { try AtomicFile.checkWritable(checkpoint) }
  if let resume { try loop.resume(from: SafetensorsFile(path: resume)) }
  return try loop.run()
}
