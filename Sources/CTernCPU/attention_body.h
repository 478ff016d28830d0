// SPDX-License-Identifier: MIT
//
// Scale, mask and softmax of a row of scores while it is in the first-level cache.

#include "softmax_row_body.h"

#define KEYS(n) _Pragma("clang loop vectorize(assume_safety)") for (size_t j = 0; j < (n); j++)

/// Scales and masks the first `n` scores of a row.
static inline void TERN_VARIANT(mask_row)(const tern_attention_rows *rows, size_t row, float *x, size_t n) {
  const float scale = rows->scale;
  const ptrdiff_t start = (ptrdiff_t)row * rows->mask_row, step = rows->mask_key;
  if (rows->allowed) {
    const uint8_t *allowed = rows->allowed + start;
    if (step == 1) KEYS(n) x[j] = allowed[j] ? x[j] * scale : -TERN_INFINITY;
    else for (size_t j = 0; j < n; j++) x[j] = allowed[(ptrdiff_t)j * step] ? x[j] * scale : -TERN_INFINITY;
  } else if (rows->added) {
    const float *added = rows->added + start;
    if (step == 1) KEYS(n) x[j] = x[j] * scale + added[j];
    else for (size_t j = 0; j < n; j++) x[j] = x[j] * scale + added[(ptrdiff_t)j * step];
  } else {
    KEYS(n) x[j] *= scale;
  }
}

static void TERN_VARIANT(attention_softmax)(const tern_attention_rows *rows) {
  const ptrdiff_t keys = (ptrdiff_t)rows->keys;
  for (size_t row = 0; row < rows->rows; row++) {
    float *x = rows->scores + row * rows->keys;
    ptrdiff_t seen = rows->visible + (ptrdiff_t)row * rows->visible_step;
    seen = seen < 0 ? 0 : seen > keys ? keys : seen;
    const size_t n = (size_t)seen;
    TERN_VARIANT(mask_row)(rows, row, x, n);
    const float greatest = TERN_VARIANT(row_max)(x, n);
    const float sum = TERN_VARIANT(row_exp_sum)(x, greatest == -TERN_INFINITY ? 0.0f : greatest, x, n);
    const float share = sum == 0.0f ? 0.0f : 1.0f / sum;  // 0: everything is hidden
    KEYS(n) x[j] *= share;
    memset(x + n, 0, (rows->keys - n) * sizeof *x);
  }
}

static void TERN_VARIANT(attention_softmax_gradient)(const tern_attention_rows *rows) {
  const size_t n = rows->keys;
  for (size_t row = 0; row < rows->rows; row++) {
    const float *p = rows->probabilities + row * n;
    float *g = rows->scores + row * n;
    const float sum = TERN_VARIANT(row_dot)(g, p, n), scale = rows->scale;
    KEYS(n) g[j] = p[j] * (g[j] - sum) * scale;
  }
}

static const struct tern_attention_functions TERN_VARIANT(attention_table) = {
    .softmax = TERN_VARIANT(attention_softmax),
    .softmax_gradient = TERN_VARIANT(attention_softmax_gradient),
};

#undef KEYS
#undef LANES
#undef FOR_LANES
