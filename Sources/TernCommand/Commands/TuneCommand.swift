// SPDX-License-Identifier: MIT
import ArgumentParser
import Foundation
import Tern
import TernRuntime

struct TuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune", abstract: "Measures which algorithms are the fastest on a device, for later runs to use.",
    discussion: """
      Programs that use Tern leave the shapes of their matrix products and convolutions in the cache directory \
      ($TERN_CACHE_DIRECTORY, else $XDG_CACHE_HOME/tern, else ~/.cache/tern). This command runs every algorithm for \
      each of them, those that took the most work first, checks its results, and keeps the fastest; one that is less \
      than 3 % faster than the default does not count. Candidates run in a process of their own: one that crashes, \
      hangs or computes something else is left out, with a message.

      Results hold for one device, one version of its driver and one version of Tern's kernels. They may change the \
      last bits of a training run, and change nothing else. Deleting the cache directory is always safe; \
      TERN_TUNING=off neither uses choices nor records shapes. Ctrl-C keeps what was found so far and exits with code \
      130.

      Examples:
        tern train lenet5 --device opencl && tern tune --device opencl
        tern tune --all --budget 600
      """)

  @OptionGroup var device: DeviceOptions

  @Option(help: ArgumentHelp("Stop after about so many seconds.", valueName: "SECONDS"))
  var budget: Double = 120

  @Flag(help: "Measure common shapes of well-known networks, too.")
  var all = false

  @Flag(help: "Measure shapes again that have a choice already.")
  var again = false

  @Flag(help: "Print one JSON object on standard output and nothing else.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "A worker that is silent for so long counts as hanging.", valueName: "SECONDS", visibility: .hidden))
  var patience: Double = 90

  func validate() throws {
    if !(budget > 0) { throw ValidationError("--budget must be a positive number of seconds, got \(budget)") }
    if !(patience > 0) { throw ValidationError("--patience must be a positive number of seconds, got \(patience)") }
  }

  func run() throws {
    let process = TuningProcess(
      arguments: ["tune-worker"] + (device.device.map { ["--device", $0] } ?? []), patience: patience)
    defer { process.stop() }
    let tuner = Tuner(process)
    let (device, identity) = try tuner.identify()
    let store = try TuningStore(for: identity)
    let problems = problems(store, isCPU: device == "cpu")
    var report = TuningReport(device: device, name: identity.name, path: store.path)
    Self.watchForInterrupts()
    report.isInterrupted = try !measure(problems, tuner, store, &report)
    if json { try printJSON(report) } else { try printResult(report.text) }
    if report.isInterrupted { throw ExitCode(130) }
  }

  private func problems(_ store: TuningStore, isCPU: Bool) -> [ProblemClass] {
    var problems = store.problems
    if problems.isEmpty && !all {
      writeToStandardError(
        "No shapes have been recorded for this device: run a program on it first, or use --all for common shapes.\n")
    }
    if all { problems += CommonProblems.list(products: !isCPU).filter { !Set(problems).contains($0) } }
    let done = again ? [] : store.chosen
    return problems.filter { !done.contains($0) }
  }

  /// - Returns: false after Ctrl-C.
  private func measure(
    _ problems: [ProblemClass], _ tuner: Tuner, _ store: TuningStore, _ report: inout TuningReport
  ) throws -> Bool {
    let end = ContinuousClock.now + .seconds(budget)
    let progress = TuningProgress(count: problems.count)
    defer { progress.finish() }
    for (index, problem) in problems.enumerated() {
      let left = (end - ContinuousClock.now) / .seconds(1)
      report.unmeasured = problems.count - index
      if left <= 0 { return true }
      progress.begin(problem)
      do {
        switch try tuner.measure(problem, seconds: left / Double(problems.count - index)) {
        case .measured(let outcome):
          progress.report(outcome.discarded)
          report.add(outcome)
          try store.save(outcome)
        case .skipped(let reason, let discarded):
          progress.report(discarded)
          report.skip(problem, reason: reason, discarded)
        }
      } catch is CancellationError {
        return false
      }
      report.unmeasured = problems.count - index - 1
      if Tuning.isInterrupted { return false }
    }
    return true
  }

  /// Makes the first Ctrl-C a request to stop, and leaves the second one to the system.
  private static func watchForInterrupts() {
    Tuning.isInterrupted = false  // and made before a handler needs it
    signal(SIGINT) { number in
      Tuning.isInterrupted = true
      signal(number, SIG_DFL)
    }
    var interrupt = sigset_t()
    sigemptyset(&interrupt)
    sigaddset(&interrupt, SIGINT)
    // A process that was started by a worker thread of another one may inherit a mask that blocks it.
    pthread_sigmask(SIG_UNBLOCK, &interrupt, nil)
  }
}

/// The process that runs candidates for `tern tune`; not for people.
struct TuneWorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "tune-worker", shouldDisplay: false)

  @OptionGroup var device: DeviceOptions

  func run() throws {
    let options = device
    TuningWorker.run { try options.resolve() }
  }
}
