// SPDX-License-Identifier: MIT
//
// At most TERN_NORM_COLUMNS neighbouring columns, each normalized by itself: for channels whose neighbours are other
// channels. Rows are worked on in blocks, whose sums are floats.

enum { TERN_VARIANT(norm_block_rows) = 64 };
#define NORM_BLOCK_ROWS TERN_VARIANT(norm_block_rows)

static void TERN_VARIANT(norm_column_moments)(
    const tern_norm_array *x, ptrdiff_t rows, ptrdiff_t columns, tern_moments *moments) {
  TERN_ALIGNED float buffer[TERN_NORM_COLUMNS], mean[TERN_NORM_COLUMNS];
  TERN_ALIGNED float distances[TERN_NORM_COLUMNS], squares[TERN_NORM_COLUMNS];
  for (ptrdiff_t first = 0; first < rows; first += NORM_BLOCK_ROWS) {
    const ptrdiff_t count = rows - first < NORM_BLOCK_ROWS ? rows - first : NORM_BLOCK_ROWS;
    for (ptrdiff_t j = 0; j < columns; j++) mean[j] = distances[j] = squares[j] = 0;
    for (ptrdiff_t row = first; row < first + count; row++) {
      const float *p = TERN_VARIANT(norm_fetch)(x, row, 0, columns, buffer);
      NORM_LOOP for (ptrdiff_t j = 0; j < columns; j++) mean[j] += p[j];
    }
    const float share = 1.0f / (float)count;
    for (ptrdiff_t j = 0; j < columns; j++) mean[j] *= share;
    // The second reading comes from the cache.
    for (ptrdiff_t row = first; row < first + count; row++) {
      const float *p = TERN_VARIANT(norm_fetch)(x, row, 0, columns, buffer);
      NORM_LOOP for (ptrdiff_t j = 0; j < columns; j++) {
        const float d = p[j] - mean[j];
        distances[j] += d;
        squares[j] += d * d;
      }
    }
    for (ptrdiff_t j = 0; j < columns; j++) {
      const double distance = distances[j], left = squares[j] - distance * distance / (double)count;
      const tern_moments block = {(double)count, mean[j] + distance / (double)count, left < 0 ? 0 : left};
      tern_moments_merge(&moments[j], &block);
    }
  }
}

static void TERN_VARIANT(norm_column_normalize)(const tern_norm_columns *columns) {
  const tern_norm_span *span = &columns->span;
  const float *mean = columns->mean, *scale = columns->scale, *bias = columns->bias;
  const ptrdiff_t n = span->length;
  TERN_ALIGNED float buffers[3][TERN_NORM_COLUMNS];
  for (ptrdiff_t row = 0; row < span->runs; row++) {
    const float *x = TERN_VARIANT(norm_fetch)(&span->x, row, 0, n, buffers[0]);
    const float *residual = TERN_VARIANT(norm_fetch)(&span->residual, row, 0, n, buffers[1]);
    float *y = TERN_VARIANT(norm_target)(&span->y, row, 0, buffers[2]);
    if (residual) {
      NORM_LOOP for (ptrdiff_t j = 0; j < n; j++) y[j] = (x[j] - mean[j]) * scale[j] + bias[j] + residual[j];
    } else {
      NORM_LOOP for (ptrdiff_t j = 0; j < n; j++) y[j] = (x[j] - mean[j]) * scale[j] + bias[j];
    }
    if (span->rectifies) {
      NORM_LOOP for (ptrdiff_t j = 0; j < n; j++) y[j] = y[j] < 0 ? 0 : y[j];
    }
    TERN_VARIANT(norm_deliver)(&span->y, row, 0, n, y);
  }
}

/// A row of `dy` as far as the rectifier let it pass.
INLINE const float *TERN_VARIANT(norm_passed)(const tern_norm_span *span, ptrdiff_t row, float *gradient) {
  const ptrdiff_t n = span->length;
  const float *dy = TERN_VARIANT(norm_fetch)(&span->dy, row, 0, n, gradient);
  if (!span->rectifies) return dy;
  TERN_ALIGNED float buffer[TERN_NORM_COLUMNS];
  const float *y = TERN_VARIANT(norm_fetch)(&span->y, row, 0, n, buffer);
  NORM_LOOP for (ptrdiff_t j = 0; j < n; j++) gradient[j] = y[j] > 0 ? dy[j] : 0;
  return gradient;
}

static void TERN_VARIANT(norm_column_gradient_sums)(const tern_norm_columns *columns, double *sums) {
  const tern_norm_span *span = &columns->span;
  const float *mean = columns->mean;
  const ptrdiff_t n = span->length;
  TERN_ALIGNED float buffer[TERN_NORM_COLUMNS], gradient[TERN_NORM_COLUMNS];
  TERN_ALIGNED float sum[TERN_NORM_COLUMNS], product[TERN_NORM_COLUMNS];
  for (ptrdiff_t first = 0; first < span->runs; first += NORM_BLOCK_ROWS) {
    const ptrdiff_t end = span->runs - first < NORM_BLOCK_ROWS ? span->runs : first + NORM_BLOCK_ROWS;
    for (ptrdiff_t j = 0; j < n; j++) sum[j] = product[j] = 0;
    for (ptrdiff_t row = first; row < end; row++) {
      const float *x = TERN_VARIANT(norm_fetch)(&span->x, row, 0, n, buffer);
      const float *g = TERN_VARIANT(norm_passed)(span, row, gradient);
      NORM_LOOP for (ptrdiff_t j = 0; j < n; j++) {
        sum[j] += g[j];
        product[j] += g[j] * (x[j] - mean[j]);
      }
    }
    for (ptrdiff_t j = 0; j < n; j++) sums[2 * j] += sum[j], sums[2 * j + 1] += product[j];
  }
}

static void TERN_VARIANT(norm_column_input_gradient)(const tern_norm_columns *columns) {
  const tern_norm_span *span = &columns->span;
  const float *mean = columns->mean, *slope = columns->slope, *tilt = columns->tilt, *level = columns->level;
  const ptrdiff_t n = span->length;
  TERN_ALIGNED float buffers[2][TERN_NORM_COLUMNS], gradient[TERN_NORM_COLUMNS];
  for (ptrdiff_t row = 0; row < span->runs; row++) {
    const float *x = TERN_VARIANT(norm_fetch)(&span->x, row, 0, n, buffers[0]);
    const float *g = TERN_VARIANT(norm_passed)(span, row, gradient);
    float *dx = TERN_VARIANT(norm_target)(&span->dx, row, 0, buffers[1]);
    NORM_LOOP for (ptrdiff_t j = 0; j < n; j++) dx[j] = slope[j] * g[j] + (tilt[j] * (x[j] - mean[j]) + level[j]);
    TERN_VARIANT(norm_deliver)(&span->dx, row, 0, n, dx);
    if (!span->d_residual.data) continue;
    float *target = TERN_VARIANT(norm_target)(&span->d_residual, row, 0, buffers[1]);
    memcpy(target, g, (size_t)n * sizeof *g);
    TERN_VARIANT(norm_deliver)(&span->d_residual, row, 0, n, target);
  }
}

#undef NORM_BLOCK_ROWS
