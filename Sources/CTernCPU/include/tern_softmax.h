// SPDX-License-Identifier: MIT
#ifndef TERN_SOFTMAX_H
#define TERN_SOFTMAX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

enum { TERN_SOFTMAX_COLUMNS = 256 };

/// What the loss of a row depends on beside its logits and label.
typedef struct tern_cross_entropy {
  size_t classes;
  float smoothing;
  int64_t ignored_label;
  const float *class_weights;  ///< `[classes]`, or null for ones
} tern_cross_entropy;

/// Softmax and what is made of it. `logarithm` chooses log-softmax. The `_rows` forms work on dense rows of length `n`,
/// the `_columns` forms on at most TERN_SOFTMAX_COLUMNS neighbouring columns whose `n` elements lie `stride` apart.
struct tern_softmax_functions {
  void (*softmax_rows)(bool logarithm, const float *x, float *y, size_t rows, size_t n);
  void (*softmax_columns)(bool logarithm, const float *x, float *y, size_t columns, size_t n, ptrdiff_t stride);
  void (*gradient_rows)(bool logarithm, const float *y, const float *dy, float *dx, size_t rows, size_t n);
  void (*gradient_columns)(
      bool logarithm, const float *y, const float *dy, float *dx, size_t columns, size_t n, ptrdiff_t stride);
  /// Losses and weights of dense rows of logits.
  void (*cross_entropy)(
      const tern_cross_entropy *options, const float *logits, const int64_t *labels, float *losses, float *weights,
      size_t rows);
  void (*cross_entropy_gradient)(
      const tern_cross_entropy *options, const float *logits, const int64_t *labels, const float *scale,
      float *gradient, size_t rows);
};

const struct tern_softmax_functions *tern_softmax(void);
const struct tern_softmax_functions *tern_softmax_functions_for(tern_isa isa);

#endif
