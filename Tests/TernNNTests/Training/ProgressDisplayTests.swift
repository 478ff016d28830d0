// SPDX-License-Identifier: MIT
import Synchronization
import Testing

@testable import TernNN

@Suite struct ProgressDisplayTests {
  private final class Output: Sendable {
    let text = Mutex("")
    func write(_ more: String) { text.withLock { $0 += more } }
    var all: String { text.withLock { $0 } }
  }

  private func show(_ style: ProgressStyle, isTerminal: Bool) -> String {
    let output = Output()
    var time = ContinuousClock.now
    var display = ProgressDisplay(
      style, epochs: 3, batches: 40, isTerminal: isTerminal, now: { time }, write: output.write)
    display.note(loss: 0.25)
    time += .milliseconds(120)
    display.show(epoch: 1, batch: 20, samplesPerSecond: 1234.5)
    display.show(epoch: 1, batch: 21, samplesPerSecond: 1234.5)
    display.show(
      EpochResult(
        epoch: 1, trainLoss: 0.5,
        validation: EvaluationResult(loss: 0.75, metrics: ["accuracy": 0.9], sampleCount: 10, seconds: 1),
        learningRate: 0.1, seconds: 2, samplesPerSecond: 640))
    return output.all
  }

  @Test func aTerminalGetsABar() {
    let text = show(.automatic, isTerminal: true)
    let parts = text.split(separator: "\r\u{1B}[K")
    #expect(parts.count == 2, "the bar is drawn at most ten times a second: \(text.debugDescription)")
    #expect(parts[0].hasPrefix("[==") && parts[0].hasSuffix("] epoch 1/3  20/40  loss 0.2500  1234 samples/s"))
    #expect(parts[1] == "epoch 1/3  loss 0.5000  validation loss 0.7500  accuracy 0.9000  640 samples/s  2.0 s\n")
  }

  @Test func otherPlacesGetLines() {
    let expected = "epoch 1/3  loss 0.5000  validation loss 0.7500  accuracy 0.9000  640 samples/s  2.0 s\n"
    #expect(show(.automatic, isTerminal: false) == expected)
    #expect(show(.lines, isTerminal: true) == expected)
    #expect(show(.none, isTerminal: true) == "")
  }
}
