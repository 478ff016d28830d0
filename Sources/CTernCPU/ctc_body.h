// SPDX-License-Identifier: MIT
// Scores are picked by label first, one by one, so that the recursions themselves are vector code.

/// log(exp(a) + exp(b) + exp(c)).
static inline __attribute__((always_inline)) float TERN_VARIANT(log_sum)(float a, float b, float c) {
  const float two = a > b ? a : b, greatest = two > c ? two : c;
  const float shift = greatest == -TERN_INFINITY ? 0.0f : greatest;
  return shift + tern_log(tern_exp(a - shift) + tern_exp(b - shift) + tern_exp(c - shift));
}

static void TERN_VARIANT(pick_scores)(const tern_ctc_sample *sample, size_t t, float *out) {
  const float *scores = sample->scores + (ptrdiff_t)t * sample->step;
  for (size_t s = 0; s < sample->states; s++) {
    const int32_t label = sample->labels[s];
    out[s] = label < 0 ? TERN_NAN : scores[label];
  }
}

static float TERN_VARIANT(ctc_forward)(const tern_ctc_sample *sample, float *alpha) {
  const size_t count = sample->states;
  alpha[0] = alpha[1] = -TERN_INFINITY;
  TERN_VARIANT(pick_scores)(sample, 0, alpha + 2);
  for (size_t s = 2; s < count; s++) alpha[s + 2] = -TERN_INFINITY;
  for (size_t t = 1; t < sample->steps; t++) {
    const float *restrict before = alpha;
    float *restrict now = alpha + sample->row;
    now[0] = now[1] = -TERN_INFINITY;
    TERN_VARIANT(pick_scores)(sample, t, now + 2);
    for (size_t s = 0; s < count; s++)
      now[s + 2] += TERN_VARIANT(log_sum)(before[s + 2], before[s + 1], before[s] + sample->skips[s]);
    alpha = now;
  }
  return -TERN_VARIANT(log_sum)(alpha[count + 1], count > 1 ? alpha[count] : -TERN_INFINITY, -TERN_INFINITY);
}

static void TERN_VARIANT(ctc_backward)(
    const tern_ctc_sample *sample, const float *alpha, float loss, float scale, float *gradient,
    ptrdiff_t gradient_step, float *spare) {
  const size_t count = sample->states;
  // What the step behind adds to the logarithms of the probabilities of all ends; two numbers behind the last state.
  float *restrict behind = spare, *restrict beta = spare + sample->row, *restrict shares = beta + sample->row;
  behind[count] = behind[count + 1] = -TERN_INFINITY;
  for (size_t t = sample->steps; t-- > 0;) {
    if (t + 1 == sample->steps) {
      for (size_t s = 0; s < count; s++) beta[s] = s + 2 >= count ? 0.0f : -TERN_INFINITY;
    } else {
      for (size_t s = 0; s < count; s++) {
        const float skipped = behind[s + 2] + sample->skips[s + 2];
        beta[s] = TERN_VARIANT(log_sum)(behind[s], behind[s + 1], skipped);
      }
    }
    const float *restrict begun = alpha + t * sample->row + 2;
    for (size_t s = 0; s < count; s++) shares[s] = scale * tern_exp(begun[s] + beta[s] + loss);
    float *row = gradient + (ptrdiff_t)t * gradient_step;
    for (size_t c = 0; c < sample->classes; c++) row[c] = 0;
    for (size_t s = 0; s < count; s++)
      if (sample->labels[s] >= 0) row[sample->labels[s]] -= shares[s];
    TERN_VARIANT(pick_scores)(sample, t, behind);
    for (size_t s = 0; s < count; s++) behind[s] += beta[s];
  }
}

static const struct tern_ctc_functions TERN_VARIANT(ctc_table) = {
    .forward = TERN_VARIANT(ctc_forward),
    .backward = TERN_VARIANT(ctc_backward),
};
