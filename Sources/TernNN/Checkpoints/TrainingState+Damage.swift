// SPDX-License-Identifier: MIT
import Tern

extension TrainingState {
  /// No run counts further; sums with larger numbers could overflow.
  private static let greatestCount = 1 << 53

  /// What no training run can have written, in words; nil for a state that is consistent. A damaged file must not
  /// decide silently how training goes on.
  ///
  /// - Precondition: `batchCount` is that of the run's data.
  func damage(_ parameters: ParameterList) -> String? { damagedProgress ?? damagedUpdates(parameters) }

  /// Of the place in the run and of what was summed up on the way there.
  private var damagedProgress: String? {
    guard history.epochs.map(\.epoch) == history.epochs.indices.map({ $0 + 1 }), epoch == history.epochs.count else {
      return "epoch is \(epoch), but the history has the epochs \(history.epochs.map(\.epoch))"
    }
    guard 0...min(batchCount, Self.greatestCount) ~= total.batches else {
      return "total.batches is \(total.batches), not 0 to \(batchCount)"
    }
    let (before, overflow) = epoch.multipliedReportingOverflow(by: batchCount)
    let most = (overflow ? Self.greatestCount : min(before, Self.greatestCount)) + total.batches
    guard total.batches <= step, step <= most else {
      return "step is \(step), not \(total.batches) to \(most), as \(epoch) epochs of \(batchCount) batches are done"
    }
    guard history.steps == step else { return "step is \(step), but history.steps \(history.steps)" }
    for (name, count) in [
      ("position.epoch", position.epoch), ("position.batch", position.batch), ("total.samples", total.samples),
    ] where !(0...Self.greatestCount ~= count) {
      return "\(name) is \(count)"
    }
    guard total.lossSum.isFinite, total.seconds.isFinite, total.seconds >= 0 else {
      return "total.lossSum is \(total.lossSum), total.seconds \(total.seconds)"
    }
    return nil
  }

  /// Of how often each parameter was updated.
  private func damagedUpdates(_ parameters: ParameterList) -> String? {
    for (name, count) in parameterSteps.sorted(by: { $0.key < $1.key }) {
      guard parameters.contains(where: { $0.name == name }) else { return "parameterSteps has the unknown '\(name)'" }
      guard 0...Self.greatestCount ~= count else { return "parameterSteps.\(name) is \(count)" }
    }
    if let damage = scaler?.damage { return damage }
    // Steps that a scaler left out have updated nothing.
    let skipped = scaler?.skippedSteps ?? 0
    guard 0...step ~= skipped else { return "scaler.skippedSteps is \(skipped), step \(step)" }
    guard step > skipped else { return nil }
    return parameters.trainable.first { parameterSteps[$0.name] == nil }.map {
      "parameterSteps lacks '\($0.name)', which is trained"
    }
  }
}
