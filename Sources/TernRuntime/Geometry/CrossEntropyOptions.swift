// SPDX-License-Identifier: MIT

/// How the loss of a row follows from its logits and label.
///
/// With `p = softmax(logits)`, label `t`, class weights `w` (1 where none are given), `s` the smoothing and `K`
/// classes:
///
///     loss   = (1 - s) * w[t] * -log p[t] + s / K * sum over c of w[c] * -log p[c]
///     weight = w[t]
///
/// A row whose label is `ignoredLabel` has loss 0, weight 0 and gradient 0. Any other label outside `0 ..< K` gives
/// NaN, which the training loop reports.
package struct CrossEntropyOptions: Sendable, Equatable {
  package var smoothing: Float
  package var ignoredLabel: Int

  package init(smoothing: Float = 0, ignoredLabel: Int = -100) {
    self.smoothing = smoothing
    self.ignoredLabel = ignoredLabel
  }
}
