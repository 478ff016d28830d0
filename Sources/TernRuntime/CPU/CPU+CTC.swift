// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func ctcLosses(_ problem: CTCProblem, alpha: StridedView, into losses: StridedView) {
    let launch = begin()
    defer { launch.end() }
    let forward = tern_ctc_functions_for(isa).pointee.forward!
    let (alpha, losses) = (alpha.floats, losses.floats)
    forEachSample(problem) { n, sample in
      guard let sample else {
        losses[n] = .nan
        return
      }
      var own = sample
      losses[n] =
        own.steps > 0
        ? forward(&own, alpha + n * problem.steps * problem.rowLength) : own.states > 1 ? .infinity : 0
    }
  }

  package func ctcGradient(
    _ problem: CTCProblem, alpha: StridedView, losses: StridedView, scale: StridedView, into gradient: StridedView
  ) {
    let launch = begin()
    defer { launch.end() }
    if gradient.count == 0 { return }
    let backward = tern_ctc_functions_for(isa).pointee.backward!
    let scale = denseFloat(scale)
    let (classes, step) = (problem.classes, problem.samples * problem.classes)
    write(gradient) { gradient in
      let (alpha, losses, scale, gradient) = (alpha.floats, losses.floats, scale.floats, gradient.floats)
      forEachSample(problem) { n, sample in
        let target = gradient + n * classes
        var done = 0
        if var own = sample, own.steps > 0, scale[n] != 0 {
          ScratchPool.shared.withFloats(3 * problem.rowLength) { spare in
            backward(
              &own, alpha + n * problem.steps * problem.rowLength, losses[n], scale[n], target, step, spare)
          }
          done = own.steps
        }
        for t in done..<problem.steps { (target + t * step).update(repeating: 0, count: classes) }
      }
    }
    withExtendedLifetime(scale) {}
  }

  /// Calls `body` with each sample, from several threads; with nil for one whose lengths mean nothing.
  private func forEachSample(_ problem: CTCProblem, _ body: (Int, tern_ctc_sample?) -> Void) {
    let scores = denseFloat(problem.logProbabilities)
    let lists = [problem.targets, problem.inputLengths, problem.targetLengths].map { dense($0, as: .int64) }
    let numbers = lists.map { $0.address.assumingMemoryBound(to: Int64.self) }
    let (targets, inputLengths, targetLengths) = (numbers[0], numbers[1], numbers[2])
    let (first, labels, classes) = (scores.floats, problem.labels, problem.classes)
    threads.run(chunks: problem.samples) { n in
      let (steps, count) = (Int(inputLengths[n]), Int(targetLengths[n]))
      guard (0...problem.steps).contains(steps), (0...labels).contains(count) else { return body(n, nil) }
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: problem.states) { states in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: problem.rowLength) { skips in
          states.initialize(repeating: Int32(problem.blank))
          skips.initialize(repeating: -.infinity)
          for j in 0..<count {
            let label = Int(targets[n * labels + j])
            states[2 * j + 1] = (0..<classes).contains(label) && label != problem.blank ? Int32(label) : -1
            if j > 0 && states[2 * j + 1] != states[2 * j - 1] { skips[2 * j + 1] = 0 }
          }
          body(
            n,
            tern_ctc_sample(
              scores: first + n * classes, step: problem.samples * classes, steps: steps, states: 2 * count + 1,
              classes: classes, row: problem.rowLength, labels: states.baseAddress!, skips: skips.baseAddress!))
        }
      }
    }
    withExtendedLifetime((scores, lists)) {}
  }
}
