// SPDX-License-Identifier: MIT

/// What a device must be able to do for connectionist temporal classification: the probability of a sequence of labels,
/// summed over all ways to spread it over the steps (Graves, Fernández, Gomez, Schmidhuber, 2006).
///
/// The *states* of a sample are its labels with a blank before, between and behind them, `2 S + 1` of them.
package protocol CTCBackend: AnyObject, Sendable {
  /// Losses `-log p(labels)`, dense Float32 `[N]`; infinite where labels do not fit into the steps, NaN where a length
  /// or a label means nothing. Dense Float32 `alpha` `[N, T, 2 S + 3]` takes logarithms of the probabilities of all
  /// beginnings, for the gradient.
  func ctcLosses(_ problem: CTCProblem, alpha: StridedView, into losses: StridedView)

  /// `gradient[t, n, c] = scale[n] * d losses[n] / d logProbabilities[t, n, c]`, dense, from what `ctcLosses` computed;
  /// `scale` is Float32 `[N]`. Where it is 0 the gradient is 0 even if the loss is infinite.
  func ctcGradient(
    _ problem: CTCProblem, alpha: StridedView, losses: StridedView, scale: StridedView, into gradient: StridedView)
}

/// The operands of a connectionist temporal classification.
package struct CTCProblem: Sendable {
  /// `[T, N, C]`, floating point.
  package let logProbabilities: StridedView
  /// `[N, S]`, `int32` or `int64`, as the lengths.
  package let targets: StridedView
  /// `[N]`: steps of each sample.
  package let inputLengths: StridedView
  /// `[N]`: labels of each sample.
  package let targetLengths: StridedView
  /// The class of the blank.
  package let blank: Int

  package init(
    logProbabilities: StridedView, targets: StridedView, inputLengths: StridedView, targetLengths: StridedView,
    blank: Int
  ) {
    self.logProbabilities = logProbabilities
    self.targets = targets
    self.inputLengths = inputLengths
    self.targetLengths = targetLengths
    self.blank = blank
  }

  package var steps: Int { logProbabilities.shape[0] }
  package var samples: Int { logProbabilities.shape[1] }
  package var classes: Int { logProbabilities.shape[2] }
  package var labels: Int { targets.shape[1] }
  package var states: Int { 2 * labels + 1 }
  /// Numbers in a row of `alpha`: two stand before the first state, so that every state has predecessors.
  package var rowLength: Int { states + 2 }
}
