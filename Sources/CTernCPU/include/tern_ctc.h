// SPDX-License-Identifier: MIT
#ifndef TERN_CTC_H
#define TERN_CTC_H
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// One sample of a connectionist temporal classification: at least one step, and an odd number of states, its labels
/// with blanks between and around them.
typedef struct tern_ctc_sample {
  const float *scores;  ///< logarithms of probabilities, classes next to each other
  ptrdiff_t step;       ///< from one step's scores to the next
  size_t steps, states, classes;
  size_t row;             ///< numbers in a row of `alpha`, at least `states + 2`
  const int32_t *labels;  ///< class of each state, -1 for one that means nothing
  const float *skips;     ///< what it costs to skip the state before each: 0 or -infinity
} tern_ctc_sample;

struct tern_ctc_functions {
  /// Logarithms of the probabilities of all beginnings, one row for each step, with two numbers before the first state.
  /// Returns minus the logarithm of the probability of all.
  float (*forward)(const tern_ctc_sample *sample, float *alpha);
  /// `scale` times the gradient of the loss, rows of `classes` numbers, `gradient_step` apart. `spare` is room for
  /// three rows.
  void (*backward)(
      const tern_ctc_sample *sample, const float *alpha, float loss, float scale, float *gradient,
      ptrdiff_t gradient_step, float *spare);
};

const struct tern_ctc_functions *tern_ctc(void);
const struct tern_ctc_functions *tern_ctc_functions_for(tern_isa isa);

#endif
