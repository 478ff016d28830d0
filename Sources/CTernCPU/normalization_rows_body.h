// SPDX-License-Identifier: MIT
//
// Rows normalized each by itself: layer, group, instance and root-mean-square normalization.

/// The sum of squares of a row.
static double TERN_VARIANT(norm_squares)(const tern_norm_array *x, ptrdiff_t row, ptrdiff_t length) {
  TERN_ALIGNED float buffer[NORM_BLOCK];
  double total = 0;
  for (ptrdiff_t first = 0; first < length; first += NORM_BLOCK) {
    const ptrdiff_t n = length - first < NORM_BLOCK ? length - first : NORM_BLOCK;
    const float *p = TERN_VARIANT(norm_fetch)(x, row, first, n, buffer);
    VECTOR squares[4] = {0};
    ptrdiff_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
#pragma clang loop unroll(full)
      for (int k = 0; k < 4; k++) {
        const VECTOR v = TERN_VARIANT(load)(p + i + k * LANES);
        squares[k] += v * v;
      }
    }
    for (; i < n; i += LANES) {
      const VECTOR v = TERN_VARIANT(norm_load_first)(p + i, n - i < LANES ? n - i : LANES, 0);
      squares[0] += v * v;
    }
    total += TERN_VARIANT(sum)((squares[0] + squares[1]) + (squares[2] + squares[3]));
  }
  return total;
}

/// `y = (x - mean) * deviation * weight + bias`, a weight and a bias for each element; both may be null.
INLINE void TERN_VARIANT(norm_weigh)(
    const float *x, const float *weight, const float *bias, float *y, ptrdiff_t n, float mean, float deviation,
    const bool weighs, const bool adds, const bool streams) {
  ptrdiff_t i = 0;
  if (streams) {
    for (; i + LANES <= n; i += LANES) {
      VECTOR v = (TERN_VARIANT(load)(x + i) - mean) * deviation;
      if (weighs) v = v * TERN_VARIANT(load)(weight + i);
      if (adds) v = v + TERN_VARIANT(load)(bias + i);
      __builtin_nontemporal_store(v, (VECTOR *)(y + i));
    }
  }
  NORM_LOOP for (ptrdiff_t j = i; j < n; j++) {
    float v = (x[j] - mean) * deviation;
    if (weighs) v = v * weight[j];
    if (adds) v = v + bias[j];
    y[j] = v;
  }
}

static void TERN_VARIANT(norm_weigh_block)(
    const float *x, const float *weight, const float *bias, float *y, ptrdiff_t n, float mean, float deviation,
    bool streams) {
  streams = streams && TERN_VARIANT(norm_is_aligned)(y);
#define CASE(weighs, adds, streams) \
  TERN_VARIANT(norm_weigh)(x, weight, bias, y, n, mean, deviation, weighs, adds, streams)
  NORM_CHOOSE(CASE, weight, bias, streams)
#undef CASE
}

/// The weight, bias or sums of a row's group.
INLINE float *TERN_VARIANT(norm_of_group)(const tern_norm_rows *rows, const float *all, ptrdiff_t row) {
  return all ? (float *)all + (rows->first + row) % rows->groups * rows->channels : NULL;
}

static void TERN_VARIANT(norm_write_row)(const tern_norm_rows *rows, ptrdiff_t row, float mean, float deviation) {
  const ptrdiff_t length = rows->channels * rows->spread;
  const float *weight = TERN_VARIANT(norm_of_group)(rows, rows->weight, row);
  const float *bias = TERN_VARIANT(norm_of_group)(rows, rows->bias, row);
  TERN_ALIGNED float buffers[2][NORM_BLOCK];
  const tern_norm_array *arrays[] = {&rows->x, &rows->y};
  const ptrdiff_t stretch = TERN_VARIANT(norm_holds_floats)(arrays, 2) ? length : NORM_BLOCK;
  for (ptrdiff_t first = 0; first < length; first += stretch) {
    const ptrdiff_t n = length - first < stretch ? length - first : stretch;
    const float *x = TERN_VARIANT(norm_fetch)(&rows->x, row, first, n, buffers[0]);
    float *y = TERN_VARIANT(norm_target)(&rows->y, row, first, buffers[1]);
    if (rows->spread == 1) {
      TERN_VARIANT(norm_weigh_block)(
          x, weight ? weight + first : NULL, bias ? bias + first : NULL, y, n, mean, deviation, rows->streams);
    } else {
      // The runs of the channels that begin, end or lie in this stretch.
      for (ptrdiff_t at = 0; at < n;) {
        const ptrdiff_t channel = (first + at) / rows->spread, end = (channel + 1) * rows->spread - first;
        const ptrdiff_t count = (end < n ? end : n) - at;
        TERN_VARIANT(norm_affine_runs)(
            (TERN_VARIANT(norm_floats)){x + at, 0}, (TERN_VARIANT(norm_floats)){NULL, 0},
            (TERN_VARIANT(norm_results)){y + at, 0}, 1, count, mean, weight ? deviation * weight[channel] : deviation,
            bias ? bias[channel] : 0, false, rows->streams);
        at += count;
      }
    }
    TERN_VARIANT(norm_deliver)(&rows->y, row, first, n, y);
  }
}

static void TERN_VARIANT(norm_rows)(const tern_norm_rows *rows) {
  const ptrdiff_t length = rows->channels * rows->spread;
  for (ptrdiff_t row = 0; row < rows->rows; row++) {
    tern_moments moments;
    if (rows->centers) {
      tern_norm_array x = rows->x;
      x.data = TERN_VARIANT(norm_place)(&rows->x, row, 0);
      moments = TERN_VARIANT(norm_moments)(&x, 1, length);
      rows->mean[row] = (float)moments.mean;
    } else {
      moments = (tern_moments){(double)length, 0, TERN_VARIANT(norm_squares)(&rows->x, row, length)};
    }
    const float deviation = (float)(1 / sqrt(moments.squares / moments.count + (double)rows->epsilon));
    rows->deviation[row] = deviation;
    TERN_VARIANT(norm_write_row)(rows, row, (float)moments.mean, deviation);
  }
}

/// The sums of a row's gradient times its weights: `sums[0]` of w dy, `sums[1]` of w dy (x - mean). Where neighbours
/// share a weight, their sums of dy and dy xhat are added to the group's.
static void TERN_VARIANT(norm_row_sums)(const tern_norm_rows *rows, ptrdiff_t row, float mean, double *sums) {
  const float *weight = TERN_VARIANT(norm_of_group)(rows, rows->weight, row);
  float *weight_sums = TERN_VARIANT(norm_of_group)(rows, rows->weight_sums, row);
  float *bias_sums = TERN_VARIANT(norm_of_group)(rows, rows->bias_sums, row);
  const ptrdiff_t runs = rows->spread == 1 ? 1 : rows->channels;
  const ptrdiff_t length = rows->spread == 1 ? rows->channels : rows->spread;
  TERN_ALIGNED float buffers[2][NORM_BLOCK];
  sums[0] = sums[1] = 0;
  for (ptrdiff_t run = 0; run < runs; run++) {
    double own[2] = {0, 0};
    for (ptrdiff_t first = 0; first < length; first += NORM_BLOCK) {
      const ptrdiff_t n = length - first < NORM_BLOCK ? length - first : NORM_BLOCK;
      const TERN_VARIANT(norm_floats)
          x = {TERN_VARIANT(norm_fetch)(&rows->x, row, run * length + first, n, buffers[0]), 0},
          dy = {TERN_VARIANT(norm_fetch)(&rows->dy, row, run * length + first, n, buffers[1]), 0};
      TERN_VARIANT(norm_gradient) total = {0};
      if (weight && rows->spread == 1) {
        TERN_VARIANT(norm_add_gradient)(&total, x, x, dy, weight + first, 1, n, mean, false, true);
      } else {
        TERN_VARIANT(norm_add_gradient)(&total, x, x, dy, NULL, 1, n, mean, false, false);
      }
      TERN_VARIANT(norm_flush)(&total, own);
    }
    const double factor = weight && rows->spread > 1 ? weight[run] : 1;
    sums[0] += factor * own[0];
    sums[1] += factor * own[1];
    if (rows->spread > 1 && weight_sums) weight_sums[run] += (float)(own[1] * rows->deviation[row]);
    if (rows->spread > 1 && bias_sums) bias_sums[run] += (float)own[0];
  }
}

/// `dx`, and the weights' sums where each element has a weight of its own.
static void TERN_VARIANT(norm_weighed_gradient)(
    const tern_norm_rows *rows, ptrdiff_t row, float mean, float tilt, float level) {
  const float deviation = rows->deviation[row];
  const float *weight = TERN_VARIANT(norm_of_group)(rows, rows->weight, row);
  float *weight_sums = TERN_VARIANT(norm_of_group)(rows, rows->weight_sums, row);
  float *bias_sums = TERN_VARIANT(norm_of_group)(rows, rows->bias_sums, row);
  TERN_ALIGNED float buffers[3][NORM_BLOCK];
  for (ptrdiff_t first = 0; first < rows->channels; first += NORM_BLOCK) {
    const ptrdiff_t n = rows->channels - first < NORM_BLOCK ? rows->channels - first : NORM_BLOCK;
    const float *x = TERN_VARIANT(norm_fetch)(&rows->x, row, first, n, buffers[0]);
    const float *dy = TERN_VARIANT(norm_fetch)(&rows->dy, row, first, n, buffers[1]);
    if (weight_sums) {
      float *sums = weight_sums + first;
      NORM_LOOP for (ptrdiff_t j = 0; j < n; j++) sums[j] += dy[j] * ((x[j] - mean) * deviation);
    }
    if (bias_sums) {
      float *sums = bias_sums + first;
      NORM_LOOP for (ptrdiff_t j = 0; j < n; j++) sums[j] += dy[j];
    }
    float *dx = TERN_VARIANT(norm_target)(&rows->dx, row, first, buffers[2]);
    if (!dx) continue;
    if (weight) {
      const float *w = weight + first;
      NORM_LOOP for (ptrdiff_t j = 0; j < n; j++) dx[j] = deviation * w[j] * dy[j] + (tilt * (x[j] - mean) + level);
    } else {
      NORM_LOOP for (ptrdiff_t j = 0; j < n; j++) dx[j] = deviation * dy[j] + (tilt * (x[j] - mean) + level);
    }
    TERN_VARIANT(norm_deliver)(&rows->dx, row, first, n, dx);
  }
}

/// `dx` where neighbours share a weight.
static void TERN_VARIANT(norm_spread_gradient)(
    const tern_norm_rows *rows, ptrdiff_t row, float mean, float tilt, float level) {
  const float *weight = TERN_VARIANT(norm_of_group)(rows, rows->weight, row);
  tern_norm_span span = {.runs = 1, .length = rows->spread, .x = rows->x, .dy = rows->dy, .dx = rows->dx};
  for (ptrdiff_t channel = 0; channel < rows->channels; channel++) {
    span.x.data = TERN_VARIANT(norm_place)(&rows->x, row, channel * rows->spread);
    span.dy.data = TERN_VARIANT(norm_place)(&rows->dy, row, channel * rows->spread);
    span.dx.data = TERN_VARIANT(norm_place)(&rows->dx, row, channel * rows->spread);
    const float slope = weight ? rows->deviation[row] * weight[channel] : rows->deviation[row];
    TERN_VARIANT(norm_input_gradient)(&span, mean, slope, tilt, level);
  }
}

static void TERN_VARIANT(norm_rows_gradient)(const tern_norm_rows *rows) {
  const double length = (double)(rows->channels * rows->spread);
  for (ptrdiff_t row = 0; row < rows->rows; row++) {
    const float mean = rows->centers ? rows->mean[row] : 0;
    const double deviation = rows->deviation[row];
    double sums[2];
    TERN_VARIANT(norm_row_sums)(rows, row, mean, sums);
    const float tilt = (float)(-deviation * deviation * deviation * sums[1] / length);
    const float level = rows->centers ? (float)(-deviation * sums[0] / length) : 0;
    if (rows->spread == 1) {
      TERN_VARIANT(norm_weighed_gradient)(rows, row, mean, tilt, level);
    } else if (rows->dx.data) {
      TERN_VARIANT(norm_spread_gradient)(rows, row, mean, tilt, level);
    }
  }
}

static void TERN_VARIANT(norm_join)(
    const float *partials, ptrdiff_t parts, ptrdiff_t count, ptrdiff_t fold, float *out) {
  TERN_ALIGNED double sums[TERN_NORM_COLUMNS];
  const ptrdiff_t width = count * fold;
  for (ptrdiff_t first = 0; first < count; first += TERN_NORM_COLUMNS) {
    const ptrdiff_t n = count - first < TERN_NORM_COLUMNS ? count - first : TERN_NORM_COLUMNS;
    for (ptrdiff_t j = 0; j < n; j++) sums[j] = 0;
    for (ptrdiff_t part = 0; part < parts; part++) {
      const float *p = partials + part * width + first * fold;
      for (ptrdiff_t j = 0; j < n; j++)
        for (ptrdiff_t f = 0; f < fold; f++) sums[j] += p[j * fold + f];
    }
    for (ptrdiff_t j = 0; j < n; j++) out[first + j] = (float)sums[j];
  }
}
