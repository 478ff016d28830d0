// SPDX-License-Identifier: MIT
// Position of the maximum (LEAST 0) or minimum (LEAST 1) along one axis of [outer, n, inner]. The first of equals wins,
// and NaN counts as extreme. Values compare as floats or, for integer types, in 64 bits.
//
// argreduce_rows      For inner == 1. A row is cut into `parts` of `part` elements, each with a winner of its own.
//                     CPU device: a work-item does one part of each of `share` rows; GPU: `share` work-items do one
//                     part of one row.
// argreduce_parts     The winner among a row's winners; a work-item a row.
// argreduce_columns   CPU device: a work-item does 16 columns of `inner`; GPU: one.
// Local memory on a GPU: GROUP winners, 4 KiB.

#include "typed.cl"

#ifndef LEAST
#define LEAST 0
#endif
#ifndef INTEGER
#define INTEGER 0
#endif

#if INTEGER
typedef long value_t;
#define load_value load_int
#define IS_NAN(v) false
#else
typedef float value_t;
#define load_value load_real
#define IS_NAN(v) ((v) != (v))
#endif
#if LEAST
#define BEYOND(a, b) ((a) < (b))
#else
#define BEYOND(a, b) ((a) > (b))
#endif
// Whether `a` beats `b` wherever they stand.
#define BEATS(a, b) (BEYOND(a, b) || (IS_NAN(a) && !IS_NAN(b)))

typedef struct {
  long offset, outer, axis, inner;
} steps_t;

/// The first extreme element of `begin ..< end`, which is not empty, looking at every `step`th.
static long winner(
    global const void *x, long at, long stride, int type, long begin, long end, long step, value_t *value) {
  value_t best = load_value(x, at + begin * stride, type);
  long place = begin;
#if TERN_CPU_DEVICE && !INTEGER
  // Whether a block holds anything better is soon known; only then is its place looked for.
  for (long i = begin; i < end; i += 64) {
    int16 better = 0;
    float16 bound = best;
    for (long j = i; j < min(i + 64, end); j += 16) {
      float16 v = load_lanes(x, at + j * stride, stride, end - j, type, best);
      better |= BEYOND(v, bound) | ((v != v) & (bound == bound));
    }
    if (!any(better)) continue;
    for (long j = i; j < min(i + 64, end); j++) {
      value_t v = load_value(x, at + j * stride, type);
      if (BEATS(v, best)) {
        best = v;
        place = j;
      }
    }
  }
#else
  for (long i = begin + step; i < end; i += step) {
    value_t v = load_value(x, at + i * stride, type);
    if (BEATS(v, best)) {
      best = v;
      place = i;
    }
  }
#endif
  *value = best;
  return place;
}

kernel void argreduce_rows(
    global const void *x, steps_t steps, int type, global long *y, long y_offset, long rows, long n, long part,
    long parts, long share) {
#if TERN_CPU_DEVICE
  long item = get_global_id(0), p = item % parts, first = item / parts * share;
  for (long row = first; row < min(first + share, rows); row++) {
    value_t value;
    y[y_offset + row * parts + p] = winner(
        x, steps.offset + row * steps.outer, steps.axis, type, p * part, min((p + 1) * part, n), 1, &value);
  }
#else
  local value_t values[GROUP];
  local long places[GROUP];
  int id = get_local_id(0), lanes = (int)share, lane = id & (lanes - 1);
  long set = get_global_id(0) / lanes, row = set / parts, p = set % parts;
  long begin = p * part + lane, end = min((p + 1) * part, n);
  long place = -1;
  value_t value = 0;
  if (row < rows && begin < end)
    place = winner(x, steps.offset + row * steps.outer, steps.axis, type, begin, end, lanes, &value);
  values[id] = value;
  places[id] = place;
  for (int width = lanes / 2; width > 0; width /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < width && places[id + width] >= 0) {
      value_t other = values[id + width];
      bool earlier = !BEATS(values[id], other) && places[id + width] < places[id];
      if (places[id] < 0 || BEATS(other, values[id]) || earlier) {
        values[id] = other;
        places[id] = places[id + width];
      }
    }
  }
  if (lane == 0 && row < rows) y[y_offset + row * parts + p] = places[id];
#endif
}

kernel void argreduce_parts(
    global const void *x, steps_t steps, int type, global const long *winners, global long *y, long y_offset, long rows,
    long parts) {
  long row = get_global_id(0);
  if (row >= rows) return;
  long at = steps.offset + row * steps.outer, place = winners[row * parts];
  value_t best = load_value(x, at + place * steps.axis, type);
  for (long p = 1; p < parts; p++) {
    long other = winners[row * parts + p];
    value_t v = load_value(x, at + other * steps.axis, type);
    if (BEATS(v, best)) {
      best = v;
      place = other;
    }
  }
  y[y_offset + row] = place;
}

kernel void argreduce_columns(
    global const void *x, steps_t steps, int type, global long *y, long y_offset, long outer, long n, long inner) {
#if TERN_CPU_DEVICE && !INTEGER
  long strips = (inner + 15) / 16, item = get_global_id(0), row = item / strips, column = item % strips * 16;
  long at = steps.offset + row * steps.outer + column * steps.inner, count = inner - column;
  float16 best = load_lanes(x, at, steps.inner, count, type, 0.0f);
  int16 place = 0;
  for (int i = 1; i < n; i++) {
    float16 v = load_lanes(x, at + i * steps.axis, steps.inner, count, type, 0.0f);
    int16 better = BEYOND(v, best) | ((v != v) & (best == best));
    best = better ? v : best;
    place = better ? (int16)(i) : place;
  }
  int places[16];
  vstore16(place, 0, places);
  for (int l = 0; l < min(count, 16L); l++) y[y_offset + row * inner + column + l] = places[l];
#else
  long item = get_global_id(0), row = item / inner, column = item % inner;
  if (row >= outer) return;
  value_t value;
  long at = steps.offset + row * steps.outer + column * steps.inner;
  y[y_offset + item] = winner(x, at, steps.axis, type, 0, n, 1, &value);
#endif
}
