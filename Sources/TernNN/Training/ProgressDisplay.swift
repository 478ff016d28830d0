// SPDX-License-Identifier: MIT
import Foundation
import TernRuntime

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How `fit` shows where it is, on standard error.
public enum ProgressStyle: Sendable, Hashable {
  /// A bar on a terminal, else lines.
  case automatic
  /// A line after each epoch, and every ten seconds in long ones.
  case lines
  /// Nothing.
  case none
}

/// The bar or the lines of a training run.
struct ProgressDisplay {
  private enum Form {
    case bar, lines, none
  }

  private let form: Form
  private let epochs: Int
  private let batches: Int
  private let interval: Duration
  private let write: (String) -> Void
  private let now: () -> ContinuousClock.Instant
  private var lastShown: ContinuousClock.Instant
  private var latestLoss: Float?

  init(
    _ style: ProgressStyle, epochs: Int, batches: Int, isTerminal: Bool = isatty(STDERR_FILENO) == 1,
    now: @escaping () -> ContinuousClock.Instant = { ContinuousClock.now },
    write: @escaping (String) -> Void = writeToStandardError
  ) {
    form =
      switch style {
      case .none: .none
      case .lines: .lines
      case .automatic: isTerminal ? .bar : .lines
      }
    self.epochs = epochs
    self.batches = batches
    self.write = write
    self.now = now
    interval = form == .bar ? .milliseconds(100) : .seconds(10)
    lastShown = now()
  }

  mutating func note(loss: Float) { latestLoss = loss }

  /// Shows how far the epoch is, if it is time to.
  mutating func show(epoch: Int, batch: Int, samplesPerSecond: @autoclosure () -> Double) {
    guard form != .none, lastShown.duration(to: now()) >= interval else { return }
    lastShown = now()
    let speed = samplesPerSecond()
    let loss = latestLoss.map { "  loss \(decimal($0, 4))" } ?? ""
    let text = "epoch \(epoch)/\(epochs)  \(batch)/\(batches)\(loss)  \(decimal(speed, 0)) samples/s"
    write(form == .bar ? "\r\u{1B}[K" + bar(text, share: Double(batch) / Double(max(batches, 1))) : text + "\n")
  }

  /// Shows what an epoch gave.
  mutating func show(_ result: EpochResult) {
    guard form != .none else { return }
    var text = "epoch \(result.epoch)/\(epochs)  loss \(decimal(result.trainLoss, 4))"
    if let validation = result.validation {
      text += "  validation loss \(decimal(validation.loss, 4))"
      for (name, value) in validation.metrics.sorted(by: { $0.key < $1.key }) {
        text += "  \(name) \(decimal(value, 4))"
      }
    }
    text += "  \(decimal(result.samplesPerSecond, 0)) samples/s  \(decimal(result.seconds, 1)) s"
    say(text)
    lastShown = now()
  }

  /// A line of its own, whatever the form.
  func say(_ text: String) {
    guard form != .none else { return }
    write((form == .bar ? "\r\u{1B}[K" : "") + text + "\n")
  }

  private func bar(_ text: String, share: Double) -> String {
    let room = min(30, terminalWidth() - text.count - 4)
    guard room >= 5 else { return text }
    let done = Int(share * Double(room))
    let arrow = done < room ? ">" : ""
    return "[" + String(repeating: "=", count: done) + arrow
      + String(repeating: " ", count: room - done - arrow.count) + "] " + text
  }

  private func terminalWidth() -> Int {
    var size = winsize()
    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }
}

/// A number with so many decimals, whatever the locale.
func decimal(_ value: some BinaryFloatingPoint & CVarArg, _ places: Int) -> String {
  String(format: "%.\(places)f", Double(value))
}
