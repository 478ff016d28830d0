// SPDX-License-Identifier: MIT
import Tern

/// Epochs of training steps with what belongs around them: losses, validation, checkpoints, interrupts, progress.
final class TrainingLoop<Optimizing: Optimizer> {
  private let steps: TrainingSteps<Optimizing>
  private let epochs: Int
  private let logEvery: Int
  private let checkpoint: String?
  private let metadata: [String: String]
  private let onEvent: (TrainingEvent) throws -> Void
  private let validate: (() throws -> EvaluationResult)?
  private var progress: ProgressDisplay

  private let clock = ContinuousClock()
  private var history = History()
  private var pending = DeferredScalars()
  private var pendingCounts: [Int] = []
  /// Of the epoch at work.
  private var total = EpochTotal()

  init(
    steps: TrainingSteps<Optimizing>, epochs: Int, logEvery: Int, checkpoint: String?, metadata: [String: String],
    progress: ProgressDisplay, onEvent: @escaping (TrainingEvent) throws -> Void,
    validate: (() throws -> EvaluationResult)?
  ) {
    self.steps = steps
    self.epochs = epochs
    self.logEvery = logEvery
    self.checkpoint = checkpoint
    self.metadata = metadata
    self.progress = progress
    self.onEvent = onEvent
    self.validate = validate
  }

  func resume(from file: SafetensorsFile) throws {
    let state = try TrainingState.restore(from: file, into: steps)
    history = state.history
    history.wasInterrupted = false
    steps.epochLosses = history.epochs.map(\.measuredLoss)
    total = state.total
    progress.say("resuming \(file.path) after step \(steps.step), in epoch \(steps.epoch + 1)")
  }

  func run() throws -> History {
    let watch = InterruptWatch(isActive: checkpoint != nil)
    steps.remember()
    while steps.epoch < epochs {
      if try !trainEpoch(watch) { return try stop() }
      let result = EpochResult(
        epoch: steps.epoch + 1, trainLoss: total.loss,
        validation: try validate.map { try steps.span("validation", $0) },
        learningRate: steps.optimizer.learningRate, seconds: total.seconds, samplesPerSecond: total.samplesPerSecond)
      history.epochs.append(result)
      steps.epochLosses.append(result.measuredLoss)
      history.steps = steps.step
      steps.epoch += 1
      total = EpochTotal()
      progress.show(result)
      try onEvent(.epoch(result))
      if watch.wasInterrupted && steps.epoch < epochs { return try stop() }
      try writeCheckpoint()
    }
    return history
  }

  /// Steps until the source ends the epoch. Returns false when an interrupt came first.
  private func trainEpoch(_ watch: InterruptWatch) throws -> Bool {
    let secondsBefore = total.seconds
    let start = clock.now
    func setTime() { total.seconds = secondsBefore + start.duration(to: clock.now).seconds }
    while true {
      if isReadNext { steps.remember() }
      guard let batch = try steps.span("batch", { try steps.source.next() }) else { break }
      let (loss, samples) = try steps.span("step \(steps.step + 1)") { try steps.take(batch) }
      pending.append(loss)
      pendingCounts.append(samples)
      total.batches += 1
      // The first loss is read at once: it shows that things work.
      if pending.count >= logEvery || steps.step == 1 { try readLosses() }
      progress.show(
        epoch: steps.epoch + 1, batch: total.batches,
        samplesPerSecond: {
          setTime()
          return total.samplesPerSecond
        }())
      if watch.wasInterrupted {
        try readLosses()
        setTime()
        return false
      }
    }
    try readLosses()
    setTime()
    return true
  }

  /// Whether there is a next step in this epoch and losses will be read after it, as far as one can tell.
  private var isReadNext: Bool {
    let (batch, batches) = (steps.source.position.batch, steps.source.batchCount)
    return batch < batches && (pending.count + 1 >= logEvery || steps.step == 0 || batch + 1 == batches)
  }

  /// Waits for the device and takes in the losses that it has computed.
  private func readLosses() throws {
    let losses = try steps.span("losses") { try pending.read() }
    let firstStep = steps.step - losses.count + 1
    for (index, (loss, samples)) in zip(losses, pendingCounts).enumerated() {
      if !loss.isFinite {
        if index > 0 { try onEvent(.losses(firstStep: firstStep, losses: Array(losses[..<index]))) }
        throw try steps.diagnose(loss: loss, step: firstStep + index)
      }
      total.lossSum += Double(loss) * Double(samples)
      total.samples += samples
    }
    pendingCounts.removeAll(keepingCapacity: true)
    if let last = losses.last {
      progress.note(loss: last)
      try onEvent(.losses(firstStep: firstStep, losses: losses))
      steps.confirm()
    }
  }

  private func stop() throws -> History {
    history.wasInterrupted = true
    history.steps = steps.step
    try writeCheckpoint()
    progress.say("interrupted after step \(steps.step); resume from \(checkpoint ?? "")")
    return history
  }

  private func writeCheckpoint() throws {
    guard let checkpoint else { return }
    try steps.checkFinite()
    try TrainingState(history: history, total: total, of: steps).write(steps, metadata: metadata, to: checkpoint)
    try onEvent(.checkpoint(path: checkpoint))
  }
}

/// Sums over the steps of an epoch that are done.
struct EpochTotal: Codable, Equatable {
  var lossSum = 0.0
  var samples = 0
  var batches = 0
  var seconds = 0.0

  var loss: Double { lossSum / Double(max(samples, 1)) }
  var samplesPerSecond: Double { seconds > 0 ? Double(samples) / seconds : 0 }
}
