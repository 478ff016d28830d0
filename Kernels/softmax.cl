// SPDX-License-Identifier: MIT
// Softmax and log-softmax along one axis, and their gradients. A tensor is seen as [outer, n, inner], normalized along
// n.
//
// *_rows      For inner == 1. CPU device: a work-item does `share` rows, each from a buffer of 16 KiB; GPU: `lanes`
//             work-items do one row.
// *_columns   CPU device: a work-item does 16 columns of `inner`; GPU: one.

#include "row_powers.cl"

/// How `x` is stepped through, in elements.
typedef struct {
  long offset, outer, axis, inner;
} steps_t;

#if TERN_CPU_DEVICE

kernel void softmax_rows(
    global const void *x, steps_t steps, int type, global void *y, long y_offset, int y_type, long rows, long n,
    int logarithm, long share) {
  float powers[ROW_BLOCK];
  long first = get_global_id(0) * share;
  for (long row = first; row < min(first + share, rows); row++) {
    long at = steps.offset + row * steps.outer, to = y_offset + row * n;
    float max, sum;
    row_powers(powers, x, at, steps.axis, n, type, &max, &sum);
    if (n <= ROW_BLOCK && !logarithm) {
      float scale = max == -INFINITY ? NAN : 1.0f / sum;
      for (long i = 0; i < n; i += 16) store_lanes(y, to + i, n - i, y_type, vload16(0, powers + i) * scale);
      continue;
    }
    float scale = 1.0f / sum, rest = log(sum);
    for (long i = 0; i < n; i += 16) {
      float16 v = load_lanes(x, at + i * steps.axis, steps.axis, n - i, type, 0.0f) - max;
      store_lanes(y, to + i, n - i, y_type, logarithm ? v - rest : exp_below_zero(v) * scale);
    }
  }
}

kernel void softmax_columns(
    global const void *x, steps_t steps, int type, global void *y, long y_offset, int y_type, long outer, long n,
    long inner, int logarithm) {
  long strips = (inner + 15) / 16, item = get_global_id(0), row = item / strips, column = item % strips * 16;
  long at = steps.offset + row * steps.outer + column * steps.inner, to = y_offset + row * n * inner + column;
  long count = inner - column;
  float16 max = -INFINITY, sum = 0.0f;
  for (long i = 0; i < n; i++) {
    float16 v = load_lanes(x, at + i * steps.axis, steps.inner, count, type, 0.0f);
    max = v > max ? v : max;
  }
  float16 shift = max == -INFINITY ? (float16)(0.0f) : max;
  for (long i = 0; i < n; i++) {
    float16 v = load_lanes(x, at + i * steps.axis, steps.inner, count, type, 0.0f);
    sum += exp_below_zero(v - shift);
  }
  float16 scale = 1.0f / sum, rest = log(sum);
  for (long i = 0; i < n; i++) {
    float16 v = load_lanes(x, at + i * steps.axis, steps.inner, count, type, 0.0f) - max;
    store_lanes(y, to + i * inner, count, y_type, logarithm ? v - rest : exp_below_zero(v) * scale);
  }
}

/// dx = y (g - sum(g y)), or g - exp(y) sum(g) of log-softmax.
kernel void softmax_gradient_rows(
    global const void *y, steps_t y_steps, int y_type, global const void *g, steps_t g_steps, int g_type,
    global void *dx, long dx_offset, int dx_type, long rows, long n, int logarithm, long share) {
  long first = get_global_id(0) * share;
  for (long row = first; row < min(first + share, rows); row++) {
    long y_at = y_steps.offset + row * y_steps.outer, g_at = g_steps.offset + row * g_steps.outer;
    float16 total = 0.0f;
    for (long i = 0; i < n; i += 16) {
      float16 gradient = load_lanes(g, g_at + i * g_steps.axis, g_steps.axis, n - i, g_type, 0.0f);
      if (!logarithm) gradient *= load_lanes(y, y_at + i * y_steps.axis, y_steps.axis, n - i, y_type, 0.0f);
      total += gradient;
    }
    float sum = sum_of_lanes(total);
    for (long i = 0; i < n; i += 16) {
      float16 gradient = load_lanes(g, g_at + i * g_steps.axis, g_steps.axis, n - i, g_type, 0.0f);
      float16 v = load_lanes(y, y_at + i * y_steps.axis, y_steps.axis, n - i, y_type, 0.0f);
      float16 result = logarithm ? gradient - exp(v) * sum : v * (gradient - sum);
      store_lanes(dx, dx_offset + row * n + i, n - i, dx_type, result);
    }
  }
}

kernel void softmax_gradient_columns(
    global const void *y, steps_t y_steps, int y_type, global const void *g, steps_t g_steps, int g_type,
    global void *dx, long dx_offset, int dx_type, long outer, long n, long inner, int logarithm) {
  long strips = (inner + 15) / 16, item = get_global_id(0), row = item / strips, column = item % strips * 16;
  long y_at = y_steps.offset + row * y_steps.outer + column * y_steps.inner;
  long g_at = g_steps.offset + row * g_steps.outer + column * g_steps.inner;
  long to = dx_offset + row * n * inner + column, count = inner - column;
  float16 sum = 0.0f;
  for (long i = 0; i < n; i++) {
    float16 gradient = load_lanes(g, g_at + i * g_steps.axis, g_steps.inner, count, g_type, 0.0f);
    if (!logarithm) gradient *= load_lanes(y, y_at + i * y_steps.axis, y_steps.inner, count, y_type, 0.0f);
    sum += gradient;
  }
  for (long i = 0; i < n; i++) {
    float16 gradient = load_lanes(g, g_at + i * g_steps.axis, g_steps.inner, count, g_type, 0.0f);
    float16 v = load_lanes(y, y_at + i * y_steps.axis, y_steps.inner, count, y_type, 0.0f);
    float16 result = logarithm ? gradient - exp(v) * sum : v * (gradient - sum);
    store_lanes(dx, to + i * inner, count, dx_type, result);
  }
}

#else

kernel void softmax_rows(
    global const void *x, steps_t steps, int type, global void *y, long y_offset, int y_type, long rows, long n,
    int logarithm, long lanes) {
  local float scratch[GROUP];
  int lane = get_local_id(0) & (int)(lanes - 1);
  long row = get_global_id(0) / lanes, at = steps.offset + row * steps.outer;
  float max, sum;
  row_powers(scratch, (int)lanes, row < rows, x, at, steps.axis, n, type, &max, &sum);
  if (row >= rows) return;
  float scale = 1.0f / sum, rest = log(sum);
  for (long i = lane; i < n; i += lanes) {
    float v = load_real(x, at + i * steps.axis, type) - max;
    store_real(y, y_offset + row * n + i, logarithm ? v - rest : exp(v) * scale, y_type);
  }
}

kernel void softmax_columns(
    global const void *x, steps_t steps, int type, global void *y, long y_offset, int y_type, long outer, long n,
    long inner, int logarithm) {
  long item = get_global_id(0), row = item / inner, column = item % inner;
  if (row >= outer) return;
  long at = steps.offset + row * steps.outer + column * steps.inner, to = y_offset + row * n * inner + column;
  float max = -INFINITY, sum = 0.0f;
  for (long i = 0; i < n; i++) max = fmax(max, load_real(x, at + i * steps.axis, type));
  float shift = finite_shift(max);
  for (long i = 0; i < n; i++) sum += exp(load_real(x, at + i * steps.axis, type) - shift);
  float scale = 1.0f / sum, rest = log(sum);
  for (long i = 0; i < n; i++) {
    float v = load_real(x, at + i * steps.axis, type) - max;
    store_real(y, to + i * inner, logarithm ? v - rest : exp(v) * scale, y_type);
  }
}

kernel void softmax_gradient_rows(
    global const void *y, steps_t y_steps, int y_type, global const void *g, steps_t g_steps, int g_type,
    global void *dx, long dx_offset, int dx_type, long rows, long n, int logarithm, long lanes) {
  local float scratch[GROUP];
  int lane = get_local_id(0) & (int)(lanes - 1);
  long row = get_global_id(0) / lanes;
  long y_at = y_steps.offset + row * y_steps.outer, g_at = g_steps.offset + row * g_steps.outer;
  float total = 0.0f;
  if (row < rows) {
    for (long i = lane; i < n; i += lanes) {
      float gradient = load_real(g, g_at + i * g_steps.axis, g_type);
      total += logarithm ? gradient : gradient * load_real(y, y_at + i * y_steps.axis, y_type);
    }
  }
  float sum = sum_over_lanes(total, scratch, (int)lanes);
  if (row >= rows) return;
  for (long i = lane; i < n; i += lanes) {
    float gradient = load_real(g, g_at + i * g_steps.axis, g_type), v = load_real(y, y_at + i * y_steps.axis, y_type);
    float result = logarithm ? gradient - exp(v) * sum : v * (gradient - sum);
    store_real(dx, dx_offset + row * n + i, result, dx_type);
  }
}

kernel void softmax_gradient_columns(
    global const void *y, steps_t y_steps, int y_type, global const void *g, steps_t g_steps, int g_type,
    global void *dx, long dx_offset, int dx_type, long outer, long n, long inner, int logarithm) {
  long item = get_global_id(0), row = item / inner, column = item % inner;
  if (row >= outer) return;
  long y_at = y_steps.offset + row * y_steps.outer + column * y_steps.inner;
  long g_at = g_steps.offset + row * g_steps.outer + column * g_steps.inner;
  float sum = 0.0f;
  for (long i = 0; i < n; i++) {
    float gradient = load_real(g, g_at + i * g_steps.axis, g_type);
    sum += logarithm ? gradient : gradient * load_real(y, y_at + i * y_steps.axis, y_type);
  }
  for (long i = 0; i < n; i++) {
    float gradient = load_real(g, g_at + i * g_steps.axis, g_type), v = load_real(y, y_at + i * y_steps.axis, y_type);
    float result = logarithm ? gradient - exp(v) * sum : v * (gradient - sum);
    store_real(dx, dx_offset + (row * n + i) * inner + column, result, dx_type);
  }
}
#endif
