// SPDX-License-Identifier: MIT
#ifndef TERN_NORMALIZATION_H
#define TERN_NORMALIZATION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern_gemm.h"
#include "tern_isa.h"

/// Runs of neighbouring elements, `step` elements from the start of one to the start of the next.
typedef struct tern_norm_array {
  void *data;  ///< null where an operand is absent
  ptrdiff_t step;
  tern_element element;
} tern_norm_array;

/// How many elements, their mean, and the sum of their squared distances from it.
typedef struct tern_moments {
  double count, mean, squares;
} tern_moments;

/// Adds the moments of other elements (Chan, Golub, LeVeque: "Updating formulae and a pairwise algorithm for computing
/// sample variances", 1979).
static inline void tern_moments_merge(tern_moments *into, const tern_moments *other) {
  const double count = into->count + other->count;
  if (count == 0) return;
  const double distance = other->mean - into->mean, share = other->count / count;
  into->mean += distance * share;
  into->squares += other->squares + distance * distance * into->count * share;
  into->count = count;
}

/// Elements that share their statistics, a channel of a batch say: `runs` runs of `length`. Arrays step through the
/// runs each in its own way.
typedef struct tern_norm_span {
  ptrdiff_t runs, length;
  bool rectifies;            ///< whether a rectifier follows; backwards `y` tells where it passed
  bool streams;              ///< whether `y` is so large that it would only sweep the cache
  tern_norm_array x, y;
  tern_norm_array residual;  ///< added before the rectifier; may be absent
  tern_norm_array dy, dx;
  tern_norm_array d_residual;  ///< takes the gradient that passed the rectifier; may be absent
} tern_norm_span;

/// Neighbouring columns, each a channel or a part of one: `runs` rows of `length` columns, the arrays' steps leading
/// from row to row. Coefficients are one float for each column.
typedef struct tern_norm_columns {
  tern_norm_span span;  ///< at most TERN_NORM_COLUMNS long
  const float *mean, *scale, *bias;  ///< forwards: y = act((x - mean) * scale + bias + residual)
  const float *slope, *tilt, *level;  ///< backwards: dx = slope * dy + tilt * (x - mean) + level
} tern_norm_columns;

/// Rows that are normalized each by itself, `length = channels * spread` elements: `spread` neighbours share a weight.
/// Row `r` uses the weights of group `(first + r) % groups`.
typedef struct tern_norm_rows {
  ptrdiff_t rows, channels, spread;
  ptrdiff_t first, groups;
  bool centers;  ///< false: the mean counts as 0 (RMS normalization)
  bool streams;
  float epsilon;
  const float *weight, *bias;  ///< `[groups, channels]`, or null for ones and zeros
  float *mean;       ///< `[rows]`; not used without `centers`
  float *deviation;  ///< `[rows]`, the reciprocal of the standard deviation
  tern_norm_array x, y, dy;
  tern_norm_array dx;               ///< absent where nobody asks for it
  float *weight_sums, *bias_sums;  ///< `[groups, channels]`, to which the rows' sums are added; or null
} tern_norm_rows;

enum {
  TERN_NORM_COLUMNS = 64,  ///< at most so many columns are worked on side by side
  TERN_NORM_SPREAD = 32,   ///< from so many neighbours with one weight on, they are worked on as a run
};

/// The loops of normalization. Half types are converted a block at a time; everything is computed in float, long sums
/// block by block in double.
struct tern_normalization_functions {
  /// Moments of `runs` runs of `length` elements: block by block of about 4,096, the squares relative to the block's
  /// mean, so that a mean far from 0 costs no digits.
  tern_moments (*moments)(const tern_norm_array *x, ptrdiff_t runs, ptrdiff_t length);
  /// `y = act((x - mean) * scale + bias + residual)`.
  void (*normalize)(const tern_norm_span *span, float mean, float scale, float bias);
  /// `sums[0] = sum(dy)`, `sums[1] = sum(dy * (x - mean))`, with `dy` as it passed the rectifier.
  void (*gradient_sums)(const tern_norm_span *span, float mean, double *sums);
  /// `dx = slope * dy + tilt * (x - mean) + level`.
  void (*input_gradient)(const tern_norm_span *span, float mean, float slope, float tilt, float level);

  /// The same for columns: `moments[column]` are merged with what they hold, `sums[2 * column]` added to.
  void (*column_moments)(const tern_norm_array *x, ptrdiff_t rows, ptrdiff_t columns, tern_moments *moments);
  void (*column_normalize)(const tern_norm_columns *columns);
  void (*column_gradient_sums)(const tern_norm_columns *columns, double *sums);
  void (*column_input_gradient)(const tern_norm_columns *columns);

  /// Normalizes rows: `y = (x - mean) * deviation * weight + bias`; writes the statistics.
  void (*rows)(const tern_norm_rows *rows);
  /// From the statistics: `dx`, and the sums for the gradients of weight and bias.
  void (*rows_gradient)(const tern_norm_rows *rows);
  /// `out[c] = sum over parts and f of partials[part, c, f]`, in this order; `partials` is `[parts, count, fold]`.
  void (*join)(const float *partials, ptrdiff_t parts, ptrdiff_t count, ptrdiff_t fold, float *out);
};

const struct tern_normalization_functions *tern_normalization(void);
const struct tern_normalization_functions *tern_normalization_functions_for(tern_isa isa);

#endif
