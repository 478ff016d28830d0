// SPDX-License-Identifier: MIT
//
// Elements that share a mean and a deviation: the runs of a channel.

/// Moments of floats, at most NORM_LONG_BLOCK of them but for a longer single run: the mean first, then distances from
/// it, whose own mean corrects the rounding of the first.
static tern_moments TERN_VARIANT(norm_block_moments)(const float *x, ptrdiff_t step, ptrdiff_t runs, ptrdiff_t length) {
  VECTOR sums[4] = {0};
  for (ptrdiff_t run = 0; run < runs; run++) {
    const float *p = x + run * step;
    ptrdiff_t i = 0;
    for (; i + 4 * LANES <= length; i += 4 * LANES) {
#pragma clang loop unroll(full)
      for (int k = 0; k < 4; k++) sums[k] += TERN_VARIANT(load)(p + i + k * LANES);
    }
    for (; i + LANES <= length; i += LANES) sums[0] += TERN_VARIANT(load)(p + i);
    if (i < length) sums[1] += TERN_VARIANT(norm_load_first)(p + i, length - i, 0);
  }
  const double count = (double)runs * (double)length;
  const float mean = (float)(TERN_VARIANT(sum)((sums[0] + sums[1]) + (sums[2] + sums[3])) / count);
  VECTOR distances[2] = {0}, squares[2] = {0};
  for (ptrdiff_t run = 0; run < runs; run++) {
    const float *p = x + run * step;
    ptrdiff_t i = 0;
    for (; i + 2 * LANES <= length; i += 2 * LANES) {
#pragma clang loop unroll(full)
      for (int k = 0; k < 2; k++) {
        const VECTOR d = TERN_VARIANT(load)(p + i + k * LANES) - mean;
        distances[k] += d;
        squares[k] += d * d;
      }
    }
    for (; i < length; i += LANES) {
      const ptrdiff_t n = length - i < LANES ? length - i : LANES;
      const VECTOR d = TERN_VARIANT(norm_load_first)(p + i, n, mean) - mean;
      distances[0] += d;
      squares[0] += d * d;
    }
  }
  const double distance = TERN_VARIANT(sum)(distances[0] + distances[1]);
  const double square = TERN_VARIANT(sum)(squares[0] + squares[1]);
  const double left = square - distance * distance / count;
  return (tern_moments){count, mean + distance / count, left < 0 ? 0 : left};
}

static tern_moments TERN_VARIANT(norm_moments)(const tern_norm_array *x, ptrdiff_t runs, ptrdiff_t length) {
  tern_moments total = {0, 0, 0};
  if (length == 0) return total;
  TERN_ALIGNED float buffer[NORM_LONG_BLOCK];
  const bool converts = x->element != TERN_ELEMENT_FLOAT32;
  const ptrdiff_t together = length < NORM_LONG_BLOCK ? NORM_LONG_BLOCK / length : 1;
  for (ptrdiff_t run = 0; run < runs; run += together) {
    const ptrdiff_t count = runs - run < together ? runs - run : together;
    for (ptrdiff_t first = 0; first < length; first += NORM_LONG_BLOCK) {
      const ptrdiff_t n = length - first < NORM_LONG_BLOCK ? length - first : NORM_LONG_BLOCK;
      const float *p = TERN_VARIANT(norm_place)(x, run, first);
      if (converts) {
        for (ptrdiff_t k = 0; k < count; k++)
          TERN_VARIANT(norm_widen)(TERN_VARIANT(norm_place)(x, run + k, first), x->element, buffer + k * n, n);
        p = buffer;
      }
      const tern_moments block = TERN_VARIANT(norm_block_moments)(p, converts ? n : x->step, count, n);
      tern_moments_merge(&total, &block);
    }
  }
  return total;
}

static void TERN_VARIANT(norm_normalize)(const tern_norm_span *span, float mean, float scale, float bias) {
  const tern_norm_array *arrays[] = {&span->x, &span->residual, &span->y};
  if (TERN_VARIANT(norm_holds_floats)(arrays, 3)) {
    TERN_VARIANT(norm_affine_runs)(
        (TERN_VARIANT(norm_floats)){span->x.data, span->x.step},
        (TERN_VARIANT(norm_floats)){span->residual.data, span->residual.step},
        (TERN_VARIANT(norm_results)){span->y.data, span->y.step}, span->runs, span->length, mean, scale, bias,
        span->rectifies, span->streams);
    return;
  }
  TERN_ALIGNED float buffers[3][NORM_BLOCK];
  for (ptrdiff_t run = 0; run < span->runs; run++) {
    for (ptrdiff_t first = 0; first < span->length; first += NORM_BLOCK) {
      const ptrdiff_t n = span->length - first < NORM_BLOCK ? span->length - first : NORM_BLOCK;
      float *y = TERN_VARIANT(norm_target)(&span->y, run, first, buffers[2]);
      TERN_VARIANT(norm_affine_runs)(
          (TERN_VARIANT(norm_floats)){TERN_VARIANT(norm_fetch)(&span->x, run, first, n, buffers[0]), 0},
          (TERN_VARIANT(norm_floats)){TERN_VARIANT(norm_fetch)(&span->residual, run, first, n, buffers[1]), 0},
          (TERN_VARIANT(norm_results)){y, 0}, 1, n, mean, scale, bias, span->rectifies, false);
      TERN_VARIANT(norm_deliver)(&span->y, run, first, n, y);
    }
  }
}

/// The gradient's sums on their way, in lanes.
typedef struct TERN_VARIANT(norm_gradient) {
  VECTOR sum[2], product[2];
} TERN_VARIANT(norm_gradient);

/// One step of it: `count` elements, at most LANES.
INLINE void TERN_VARIANT(norm_gradient_step)(
    VECTOR *sum, VECTOR *product, const float *x, const float *y, const float *dy, const float *w,
    ptrdiff_t count, float mean, const bool rectifies, const bool weighs) {
  VECTOR g = TERN_VARIANT(norm_load_first)(dy, count, 0);
  if (rectifies) g = TERN_VARIANT(norm_load_first)(y, count, 0) > 0.0f ? g : (VECTOR)0.0f;
  if (weighs) g *= TERN_VARIANT(norm_load_first)(w, count, 0);
  *sum += g;
  *product += g * (TERN_VARIANT(norm_load_first)(x, count, mean) - mean);
}

/// Adds `w g` and `w g (x - mean)`, where `g` is `dy` as far as the rectifier let it pass.
INLINE void TERN_VARIANT(norm_add_gradient)(
    TERN_VARIANT(norm_gradient) *total, TERN_VARIANT(norm_floats) xs, TERN_VARIANT(norm_floats) ys,
    TERN_VARIANT(norm_floats) dys, const float *w, ptrdiff_t runs, ptrdiff_t n, float mean, const bool rectifies,
    const bool weighs) {
  VECTOR sum[2] = {total->sum[0], total->sum[1]}, product[2] = {total->product[0], total->product[1]};
  for (ptrdiff_t run = 0; run < runs; run++) {
    const float *x = xs.from + run * xs.step, *dy = dys.from + run * dys.step;
    // What is absent is not read, but its address must be one.
    const float *y = rectifies ? ys.from + run * ys.step : dy;
    const float *factors = weighs ? w : dy;
    ptrdiff_t i = 0;
#define STEP(k, at, count)          \
  TERN_VARIANT(norm_gradient_step)( \
      &sum[k], &product[k], x + at, y + at, dy + at, factors + at, count, mean, rectifies, weighs)
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
      STEP(0, i, LANES);
      STEP(1, i + LANES, LANES);
    }
    for (; i + LANES <= n; i += LANES) STEP(0, i, LANES);
    if (i < n) STEP(1, i, n - i);
#undef STEP
  }
  total->sum[0] = sum[0], total->sum[1] = sum[1];
  total->product[0] = product[0], total->product[1] = product[1];
}

/// Moves the sums in lanes to the long sums.
INLINE void TERN_VARIANT(norm_flush)(TERN_VARIANT(norm_gradient) *total, double *sums) {
  sums[0] += TERN_VARIANT(sum)(total->sum[0] + total->sum[1]);
  sums[1] += TERN_VARIANT(sum)(total->product[0] + total->product[1]);
  *total = (TERN_VARIANT(norm_gradient)){0};
}

static void TERN_VARIANT(norm_gradient_sums)(const tern_norm_span *span, float mean, double *sums) {
  TERN_ALIGNED float buffers[3][NORM_BLOCK];
  TERN_VARIANT(norm_gradient) total = {0};
  const tern_norm_array *arrays[] = {&span->x, &span->y, &span->dy};
  const bool holds_floats = TERN_VARIANT(norm_holds_floats)(arrays, 3);
  // Runs of floats are taken together until there are so many elements that their sums should move on.
  const ptrdiff_t stretch = span->length < NORM_BLOCK ? span->length : NORM_BLOCK;
  const ptrdiff_t together = holds_floats && stretch > 0 && stretch == span->length ? NORM_LONG_BLOCK / stretch : 1;
  ptrdiff_t filled = 0;
  sums[0] = sums[1] = 0;
  for (ptrdiff_t run = 0; run < span->runs; run += together) {
    const ptrdiff_t runs = span->runs - run < together ? span->runs - run : together;
    for (ptrdiff_t first = 0; first < span->length; first += stretch) {
      const ptrdiff_t n = span->length - first < stretch ? span->length - first : stretch;
      const TERN_VARIANT(norm_floats)
          x = {TERN_VARIANT(norm_fetch)(&span->x, run, first, n, buffers[0]), span->x.step},
          dy = {TERN_VARIANT(norm_fetch)(&span->dy, run, first, n, buffers[1]), span->dy.step};
      if (span->rectifies) {
        const TERN_VARIANT(norm_floats)
            y = {TERN_VARIANT(norm_fetch)(&span->y, run, first, n, buffers[2]), span->y.step};
        TERN_VARIANT(norm_add_gradient)(&total, x, y, dy, NULL, runs, n, mean, true, false);
      } else {
        TERN_VARIANT(norm_add_gradient)(&total, x, x, dy, NULL, runs, n, mean, false, false);
      }
      filled += runs * n;
      if (filled < NORM_LONG_BLOCK) continue;
      TERN_VARIANT(norm_flush)(&total, sums);
      filled = 0;
    }
  }
  TERN_VARIANT(norm_flush)(&total, sums);
}

static void TERN_VARIANT(norm_input_gradient)(
    const tern_norm_span *span, float mean, float slope, float tilt, float level) {
  const tern_norm_array *arrays[] = {&span->x, &span->y, &span->dy, &span->dx, &span->d_residual};
  if (TERN_VARIANT(norm_holds_floats)(arrays, 5)) {
    TERN_VARIANT(norm_slope_runs)(
        (TERN_VARIANT(norm_floats)){span->x.data, span->x.step},
        (TERN_VARIANT(norm_floats)){span->rectifies ? span->y.data : NULL, span->y.step},
        (TERN_VARIANT(norm_floats)){span->dy.data, span->dy.step},
        (TERN_VARIANT(norm_results)){span->dx.data, span->dx.step},
        (TERN_VARIANT(norm_results)){span->d_residual.data, span->d_residual.step}, span->runs, span->length, mean,
        slope, tilt, level);
    return;
  }
  TERN_ALIGNED float buffers[5][NORM_BLOCK];
  for (ptrdiff_t run = 0; run < span->runs; run++) {
    for (ptrdiff_t first = 0; first < span->length; first += NORM_BLOCK) {
      const ptrdiff_t n = span->length - first < NORM_BLOCK ? span->length - first : NORM_BLOCK;
      float *dx = TERN_VARIANT(norm_target)(&span->dx, run, first, buffers[3]);
      float *d_residual = TERN_VARIANT(norm_target)(&span->d_residual, run, first, buffers[4]);
      const float *y = span->rectifies ? TERN_VARIANT(norm_fetch)(&span->y, run, first, n, buffers[1]) : NULL;
      TERN_VARIANT(norm_slope_runs)(
          (TERN_VARIANT(norm_floats)){TERN_VARIANT(norm_fetch)(&span->x, run, first, n, buffers[0]), 0},
          (TERN_VARIANT(norm_floats)){y, 0},
          (TERN_VARIANT(norm_floats)){TERN_VARIANT(norm_fetch)(&span->dy, run, first, n, buffers[2]), 0},
          (TERN_VARIANT(norm_results)){dx, 0}, (TERN_VARIANT(norm_results)){d_residual, 0}, 1, n, mean, slope, tilt,
          level);
      TERN_VARIANT(norm_deliver)(&span->dx, run, first, n, dx);
      TERN_VARIANT(norm_deliver)(&span->d_residual, run, first, n, d_residual);
    }
  }
}
