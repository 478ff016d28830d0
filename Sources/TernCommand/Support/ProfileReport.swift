// SPDX-License-Identifier: MIT
import Tern

/// Where the time of training steps went, for people and as JSON.
struct ProfileReport: Encodable {
  struct Row: Encodable {
    let kind: Trace.Kind
    let name: String
    let source: String
    let launchesPerStep: Double
    let totalMilliseconds: Double
    /// Of the sum over all kernels.
    let share: Double
    /// Of one launch; of one call for a library's routine.
    let meanMicroseconds: Double
    let bytesPerStep: Double
  }

  let device: String
  let name: String
  let model: String
  let batchSize: Int
  let steps: Int
  let kernels: [Row]
  /// The sum over all kernels.
  let totalMilliseconds: Double
  /// From the first start to the last end.
  let elapsedMilliseconds: Double
  /// In which the device had nothing to do.
  let idleMilliseconds: Double
  let launchesPerStep: Double
  /// Programs that the driver compiled meanwhile, while the device waited.
  let programBuilds: Int
  /// Events that the trace could not take in.
  let missing: Int

  init(_ trace: Trace, model: String, batchSize: Int, steps: Int, builds: Int) {
    let times = trace.byKernel
    let total = times.reduce(0) { $0 + $1.total }
    let perStep = 1 / Double(steps)
    kernels = times.map { time in
      Row(
        kind: time.kind, name: time.name, source: time.source,
        launchesPerStep: Double(max(time.launches, time.count)) * perStep,
        totalMilliseconds: Double(time.total) * 1e-6, share: total > 0 ? Double(time.total) / Double(total) : 0,
        meanMicroseconds: time.mean * 1e-3, bytesPerStep: Double(time.byteCount) * perStep)
    }
    device = trace.device
    name = trace.deviceName
    (self.model, self.batchSize, self.steps) = (model, batchSize, steps)
    totalMilliseconds = Double(total) * 1e-6
    elapsedMilliseconds = Double(trace.extent) * 1e-6
    idleMilliseconds = Double(trace.idle) * 1e-6
    launchesPerStep = Double(trace.launches) * perStep
    programBuilds = builds
    missing = trace.missingCount
  }

  /// A table, and lines that sum it up.
  var text: String {
    let rows = kernels.map { row in
      [
        Self.shortened(row.name), row.source, decimal(row.launchesPerStep, 1), decimal(row.totalMilliseconds, 3),
        decimal(100 * row.share, 1) + " %", decimal(row.meanMicroseconds, 1),
      ]
    }
    let idleShare = elapsedMilliseconds > 0 ? 100 * idleMilliseconds / elapsedMilliseconds : 0
    var lines = [
      textTable([["kernel", "source", "a step", "total ms", "share", "mean us"]] + rows, leftColumns: 2), "",
      "\(steps) steps of \(model), batch \(batchSize), on \(device) (\(name)): "
        + "\(decimal(launchesPerStep, 1)) launches a step",
      "\(decimal(totalMilliseconds, 3)) ms in kernels; \(decimal(elapsedMilliseconds, 3)) ms from the first start to "
        + "the last end, \(decimal(elapsedMilliseconds / Double(steps), 3)) ms a step; idle "
        + "\(decimal(idleMilliseconds, 3)) ms (\(decimal(idleShare, 1)) %)",
    ]
    if programBuilds > 0 {
      lines.append("\(programBuilds) programs were compiled meanwhile; a longer --warm-up leaves them out")
    }
    if missing > 0 { lines.append("\(missing) events are missing") }
    return lines.joined(separator: "\n")
  }

  /// Programs of many operations would make the table too wide.
  private static func shortened(_ name: String) -> String {
    let widest = 56
    return name.count <= widest ? name : name.prefix(widest - 1) + "…"
  }
}
