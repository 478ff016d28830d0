// SPDX-License-Identifier: MIT
//
// Blocks of floats: conversion from and to the half types, and the elementwise steps of normalization.

/// The first `count` lanes from memory, `fill` in the others.
INLINE VECTOR TERN_VARIANT(norm_load_first)(const float *p, ptrdiff_t count, float fill) {
  if (count == LANES) return TERN_VARIANT(load)(p);
#if defined(TERN_AVX512)
  return _mm512_mask_loadu_ps(TERN_VARIANT(splat)(fill), (__mmask16)((1u << count) - 1), p);
#else
  VECTOR v = TERN_VARIANT(splat)(fill);
  for (ptrdiff_t lane = 0; lane < count; lane++) v[lane] = p[lane];
  return v;
#endif
}

// ---- Elements in memory

INLINE void *TERN_VARIANT(norm_place)(const tern_norm_array *array, ptrdiff_t run, ptrdiff_t first) {
  const ptrdiff_t bytes = array->element == TERN_ELEMENT_FLOAT32 ? 4 : 2;
  return (char *)array->data + (run * array->step + first) * bytes;
}

static void TERN_VARIANT(norm_widen)(const uint16_t *source, tern_element element, float *target, ptrdiff_t n) {
  ptrdiff_t i = 0;
  if (element == TERN_ELEMENT_BFLOAT16) {
    for (; i < n; i++) target[i] = tern_float_of_bfloat16(source[i]);
    return;
  }
#if defined(TERN_AVX512) || defined(TERN_AVX2)
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(target + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(source + i))));
#endif
  for (; i < n; i++) target[i] = tern_float_of_half(source[i]);
}

static void TERN_VARIANT(norm_narrow)(const float *source, tern_element element, uint16_t *target, ptrdiff_t n) {
  ptrdiff_t i = 0;
  if (element == TERN_ELEMENT_BFLOAT16) {
    for (; i < n; i++) target[i] = tern_bfloat16_of_float(source[i]);
    return;
  }
#if defined(TERN_AVX512) || defined(TERN_AVX2)
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128((__m128i *)(target + i), _mm256_cvtps_ph(_mm256_loadu_ps(source + i), _MM_FROUND_TO_NEAREST_INT));
#endif
  for (; i < n; i++) target[i] = tern_half_of_float(source[i]);
}

/// Some elements of a run as floats: where they stand, or converted into `buffer`. Null for an absent array.
INLINE const float *TERN_VARIANT(norm_fetch)(
    const tern_norm_array *array, ptrdiff_t run, ptrdiff_t first, ptrdiff_t n, float *buffer) {
  if (!array->data) return NULL;
  const void *place = TERN_VARIANT(norm_place)(array, run, first);
  if (array->element == TERN_ELEMENT_FLOAT32) return place;
  TERN_VARIANT(norm_widen)(place, array->element, buffer, n);
  return buffer;
}

/// Where results are to be written before `norm_deliver`: in place, or into `buffer`. Null for an absent array.
INLINE float *TERN_VARIANT(norm_target)(
    const tern_norm_array *array, ptrdiff_t run, ptrdiff_t first, float *buffer) {
  if (!array->data) return NULL;
  return array->element == TERN_ELEMENT_FLOAT32 ? TERN_VARIANT(norm_place)(array, run, first) : buffer;
}

INLINE void TERN_VARIANT(norm_deliver)(
    const tern_norm_array *array, ptrdiff_t run, ptrdiff_t first, ptrdiff_t n, const float *buffer) {
  if (array->data && array->element != TERN_ELEMENT_FLOAT32)
    TERN_VARIANT(norm_narrow)(buffer, array->element, TERN_VARIANT(norm_place)(array, run, first), n);
}

/// Whether no array needs a buffer: then runs of any length are worked on at once.
INLINE bool TERN_VARIANT(norm_holds_floats)(const tern_norm_array *const *arrays, int count) {
  for (int k = 0; k < count; k++)
    if (arrays[k]->data && arrays[k]->element != TERN_ELEMENT_FLOAT32) return false;
  return true;
}

// ---- Blocks

/// Whether vectors may be written past the cache from here on.
INLINE bool TERN_VARIANT(norm_is_aligned)(const float *y) { return (uintptr_t)y % sizeof(VECTOR) == 0; }

INLINE VECTOR TERN_VARIANT(norm_rectified)(VECTOR v) {
  return v < 0.0f ? (VECTOR)0.0f : v;  // NaN stays
}

/// Runs of floats, `step` apart; null where an operand is absent.
typedef struct TERN_VARIANT(norm_floats) {
  const float *from;
  ptrdiff_t step;
} TERN_VARIANT(norm_floats);
typedef struct TERN_VARIANT(norm_results) {
  float *to;
  ptrdiff_t step;
} TERN_VARIANT(norm_results);

/// `y = act((x - mean) * scale + bias + residual)` with one mean, scale and bias.
INLINE void TERN_VARIANT(norm_affine)(
    TERN_VARIANT(norm_floats) xs, TERN_VARIANT(norm_floats) residuals, TERN_VARIANT(norm_results) ys, ptrdiff_t runs,
    ptrdiff_t n, float mean, float scale, float bias, const bool adds, const bool rectifies, const bool streams) {
  for (ptrdiff_t run = 0; run < runs; run++) {
    const float *x = xs.from + run * xs.step, *residual = adds ? residuals.from + run * residuals.step : NULL;
    float *y = ys.to + run * ys.step;
    ptrdiff_t i = 0;
    if (streams && TERN_VARIANT(norm_is_aligned)(y)) {
      for (; i + LANES <= n; i += LANES) {
        VECTOR v = (TERN_VARIANT(load)(x + i) - mean) * scale + bias;
        if (adds) v += TERN_VARIANT(load)(residual + i);
        if (rectifies) v = TERN_VARIANT(norm_rectified)(v);
        __builtin_nontemporal_store(v, (VECTOR *)(y + i));
      }
    }
    NORM_LOOP for (ptrdiff_t j = i; j < n; j++) {
      float v = (x[j] - mean) * scale + bias;
      if (adds) v += residual[j];
      if (rectifies) v = v < 0 ? 0 : v;
      y[j] = v;
    }
  }
}

static void TERN_VARIANT(norm_affine_runs)(
    TERN_VARIANT(norm_floats) x, TERN_VARIANT(norm_floats) residual, TERN_VARIANT(norm_results) y, ptrdiff_t runs,
    ptrdiff_t n, float mean, float scale, float bias, bool rectifies, bool streams) {
#define CASE(adds, rectifies, streams) \
  TERN_VARIANT(norm_affine)(x, residual, y, runs, n, mean, scale, bias, adds, rectifies, streams)
  NORM_CHOOSE(CASE, residual.from, rectifies, streams)
#undef CASE
}

/// `dx = slope * g + tilt * (x - mean) + level`, where `g` is `dy` as far as the rectifier, whose output is `y`, let it
/// pass; `d_residual` takes `g`.
INLINE void TERN_VARIANT(norm_slope)(
    TERN_VARIANT(norm_floats) xs, TERN_VARIANT(norm_floats) ys, TERN_VARIANT(norm_floats) dys,
    TERN_VARIANT(norm_results) dxs, TERN_VARIANT(norm_results) d_residuals, ptrdiff_t runs, ptrdiff_t n, float mean,
    float slope, float tilt, float level, const bool rectifies, const bool splits) {
  for (ptrdiff_t run = 0; run < runs; run++) {
    const float *x = xs.from + run * xs.step, *dy = dys.from + run * dys.step;
    const float *y = rectifies ? ys.from + run * ys.step : NULL;
    float *dx = dxs.to + run * dxs.step, *d_residual = splits ? d_residuals.to + run * d_residuals.step : NULL;
    NORM_LOOP for (ptrdiff_t i = 0; i < n; i++) {
      const float g = !rectifies || y[i] > 0 ? dy[i] : 0;
      if (splits) d_residual[i] = g;
      dx[i] = slope * g + (tilt * (x[i] - mean) + level);
    }
  }
}

static void TERN_VARIANT(norm_slope_runs)(
    TERN_VARIANT(norm_floats) x, TERN_VARIANT(norm_floats) y, TERN_VARIANT(norm_floats) dy,
    TERN_VARIANT(norm_results) dx, TERN_VARIANT(norm_results) d_residual, ptrdiff_t runs, ptrdiff_t n, float mean,
    float slope, float tilt, float level) {
#define CASE(rectifies, splits) \
  TERN_VARIANT(norm_slope)(x, y, dy, dx, d_residual, runs, n, mean, slope, tilt, level, rectifies, splits)
  if (!y.from) {
    CASE(false, false);
  } else if (!d_residual.to) {
    CASE(true, false);
  } else {
    CASE(true, true);
  }
#undef CASE
}
