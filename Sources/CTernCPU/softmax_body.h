// SPDX-License-Identifier: MIT

#include "softmax_row_body.h"

static void TERN_VARIANT(softmax_rows)(bool logarithm, const float *x, float *y, size_t rows, size_t n) {
  for (size_t row = 0; row < rows; row++, x += n, y += n) {
    const float greatest = TERN_VARIANT(row_max)(x, n);
    if (logarithm) {
      const float log_sum = tern_log(TERN_VARIANT(row_exp_sum)(x, greatest, NULL, n));
      for (size_t i = 0; i < n; i++) y[i] = (x[i] - greatest) - log_sum;
    } else {
      const float scale = 1.0f / TERN_VARIANT(row_exp_sum)(x, greatest, y, n);
      for (size_t i = 0; i < n; i++) y[i] *= scale;
    }
  }
}

static void TERN_VARIANT(softmax_columns)(
    bool logarithm, const float *x, float *y, size_t columns, size_t n, ptrdiff_t stride) {
  TERN_ALIGNED float greatest[TERN_SOFTMAX_COLUMNS], sums[TERN_SOFTMAX_COLUMNS];
  for (size_t j = 0; j < columns; j++) greatest[j] = -TERN_INFINITY, sums[j] = 0;
  for (size_t i = 0; i < n; i++) {
    const float *row = x + (ptrdiff_t)i * stride;
    for (size_t j = 0; j < columns; j++) greatest[j] = row[j] > greatest[j] ? row[j] : greatest[j];
  }
  for (size_t i = 0; i < n; i++) {
    const float *row = x + (ptrdiff_t)i * stride;
    float *out = y + (ptrdiff_t)i * stride;
    for (size_t j = 0; j < columns; j++) {
      const float e = tern_exp(row[j] - greatest[j]);
      out[j] = e;
      sums[j] += e;
    }
  }
  for (size_t j = 0; j < columns; j++) sums[j] = logarithm ? tern_log(sums[j]) : 1.0f / sums[j];
  for (size_t i = 0; i < n; i++) {
    const float *row = x + (ptrdiff_t)i * stride;
    float *out = y + (ptrdiff_t)i * stride;
    if (logarithm) {
      for (size_t j = 0; j < columns; j++) out[j] = (row[j] - greatest[j]) - sums[j];
    } else {
      for (size_t j = 0; j < columns; j++) out[j] *= sums[j];
    }
  }
}

static void TERN_VARIANT(gradient_rows)(
    bool logarithm, const float *y, const float *dy, float *dx, size_t rows, size_t n) {
  for (size_t row = 0; row < rows; row++, y += n, dy += n, dx += n) {
    const float sum = TERN_VARIANT(row_dot)(dy, logarithm ? NULL : y, n);
    if (logarithm) {
      for (size_t i = 0; i < n; i++) dx[i] = dy[i] - tern_exp(y[i]) * sum;
    } else {
      for (size_t i = 0; i < n; i++) dx[i] = y[i] * (dy[i] - sum);
    }
  }
}

static void TERN_VARIANT(gradient_columns)(
    bool logarithm, const float *y, const float *dy, float *dx, size_t columns, size_t n, ptrdiff_t stride) {
  TERN_ALIGNED float sums[TERN_SOFTMAX_COLUMNS];
  for (size_t j = 0; j < columns; j++) sums[j] = 0;
  for (size_t i = 0; i < n; i++) {
    const ptrdiff_t row = (ptrdiff_t)i * stride;
    for (size_t j = 0; j < columns; j++) {
      const ptrdiff_t k = row + (ptrdiff_t)j;
      sums[j] += logarithm ? dy[k] : dy[k] * y[k];
    }
  }
  for (size_t i = 0; i < n; i++) {
    const float *yi = y + (ptrdiff_t)i * stride, *dyi = dy + (ptrdiff_t)i * stride;
    float *dxi = dx + (ptrdiff_t)i * stride;
    if (logarithm) {
      for (size_t j = 0; j < columns; j++) dxi[j] = dyi[j] - tern_exp(yi[j]) * sums[j];
    } else {
      for (size_t j = 0; j < columns; j++) dxi[j] = yi[j] * (dyi[j] - sums[j]);
    }
  }
}

static inline float TERN_VARIANT(class_weight)(const tern_cross_entropy *options, size_t c) {
  return options->class_weights ? options->class_weights[c] : 1.0f;
}

/// Weights the label's own term and every class's term: `loss = hit * -log p[t] + spread * sum of w[c] * -log p[c]`.
static inline void TERN_VARIANT(shares)(const tern_cross_entropy *options, int64_t label, float *hit, float *spread) {
  *hit = (1.0f - options->smoothing) * TERN_VARIANT(class_weight)(options, (size_t)label);
  *spread = options->smoothing / (float)options->classes;
}

static void TERN_VARIANT(cross_entropy)(
    const tern_cross_entropy *options, const float *logits, const int64_t *labels, float *losses, float *weights,
    size_t rows) {
  const size_t n = options->classes;
  for (size_t row = 0; row < rows; row++, logits += n) {
    const int64_t label = labels[row];
    if (label == options->ignored_label) {
      losses[row] = weights[row] = 0;
      continue;
    }
    if (label < 0 || label >= (int64_t)n) {
      losses[row] = weights[row] = TERN_NAN;
      continue;
    }
    float hit, spread;
    TERN_VARIANT(shares)(options, label, &hit, &spread);
    const float greatest = TERN_VARIANT(row_max)(logits, n);
    const float log_sum = tern_log(TERN_VARIANT(row_exp_sum)(logits, greatest, NULL, n));
    float loss = hit * (log_sum - (logits[label] - greatest));
    if (spread != 0) {
      float lanes[LANES] = {0};
      for (size_t i = 0; i < n; i += LANES)
        for (size_t j = 0; j < LANES && i + j < n; j++)
          lanes[j] += TERN_VARIANT(class_weight)(options, i + j) * (log_sum - (logits[i + j] - greatest));
      loss += spread * TERN_VARIANT(join_sum)(lanes);
    }
    losses[row] = loss;
    weights[row] = TERN_VARIANT(class_weight)(options, (size_t)label);
  }
}

static void TERN_VARIANT(cross_entropy_gradient)(
    const tern_cross_entropy *options, const float *logits, const int64_t *labels, const float *scale,
    float *gradient, size_t rows) {
  const size_t n = options->classes;
  const float all = options->class_weights ? TERN_VARIANT(row_dot)(options->class_weights, NULL, n) : (float)n;
  for (size_t row = 0; row < rows; row++, logits += n, gradient += n) {
    const int64_t label = labels[row];
    if (label == options->ignored_label || label < 0 || label >= (int64_t)n) {
      const float value = label == options->ignored_label ? 0.0f : TERN_NAN;
      for (size_t i = 0; i < n; i++) gradient[i] = value;
      continue;
    }
    float hit, spread;
    TERN_VARIANT(shares)(options, label, &hit, &spread);
    const float greatest = TERN_VARIANT(row_max)(logits, n);
    const float sum = TERN_VARIANT(row_exp_sum)(logits, greatest, gradient, n);
    const float factor = scale[row] * (hit + spread * all) / sum, share = scale[row] * spread;
    if (spread == 0) {
      for (size_t i = 0; i < n; i++) gradient[i] *= factor;
    } else if (options->class_weights) {
      for (size_t i = 0; i < n; i++) gradient[i] = gradient[i] * factor - share * options->class_weights[i];
    } else {
      for (size_t i = 0; i < n; i++) gradient[i] = gradient[i] * factor - share;
    }
    gradient[label] -= scale[row] * hit;
  }
}

static const struct tern_softmax_functions TERN_VARIANT(softmax_table) = {
    .softmax_rows = TERN_VARIANT(softmax_rows),
    .softmax_columns = TERN_VARIANT(softmax_columns),
    .gradient_rows = TERN_VARIANT(gradient_rows),
    .gradient_columns = TERN_VARIANT(gradient_columns),
    .cross_entropy = TERN_VARIANT(cross_entropy),
    .cross_entropy_gradient = TERN_VARIANT(cross_entropy_gradient),
};

#undef LANES
#undef FOR_LANES
