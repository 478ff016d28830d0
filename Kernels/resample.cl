// SPDX-License-Identifier: MIT
// Linear maps along rows and columns of planes [N, C, h, w], as interpolation and its gradient are:
//
//     y[n, c, i, j] = sum over k of i's terms, l of j's terms of rows[k] * columns[l] * x[n, c, place k, place l]
//
// Both maps stand in one table of words: at `starts`, one more than there are outputs, at `places` and `weights` (the
// bits of floats) as many as there are terms.
//
// resample  CPU device: a work-item does `share` rows of y: it combines rows of x into a line of its own in `lines`,
//           and its elements into the row. GPU: one element. No local memory.

#include "typed.cl"

/// Where a map stands in the table; `starts` is -1 where the axis is copied.
typedef struct {
  long starts, places, weights;
} map_t;

typedef struct {
  long offset, image, channel, row, column;  // x
  long channels, height, width;              // of x
  long out, out_height, out_width, planes;   // of y, which is dense
  long share;
  map_t rows, columns;
} resample_t;

static long plane_of(const resample_t *s, long plane) {
  long n = plane / s->channels;
  return s->offset + n * s->image + (plane - n * s->channels) * s->channel;
}

#if TERN_CPU_DEVICE

kernel void resample(
    global const void *x, int type, global void *y, int y_type, global const int *table, global float *lines,
    resample_t s) {
  long count = s.planes * s.out_height, first = get_global_id(0) * s.share;
  global float *line = lines + get_global_id(0) * s.width;
  for (long index = first; index < min(first + s.share, count); index++) {
    long plane = index / s.out_height, i = index - plane * s.out_height;
    long start = plane_of(&s, plane), to = s.out + index * s.out_width;
    long k = s.rows.starts < 0 ? i : table[s.rows.starts + i];
    long end = s.rows.starts < 0 ? i + 1 : table[s.rows.starts + i + 1];
    bool is_first = true;
    if (k == end)
      for (long c = 0; c < s.width; c++) line[c] = 0.0f;
    for (; k < end; k++) {
      long row = s.rows.starts < 0 ? i : table[s.rows.places + k];
      float weight = s.rows.starts < 0 ? 1.0f : as_float(table[s.rows.weights + k]);
      for (long c = 0; c < s.width; c += 16) {
        float16 v = weight * load_lanes(x, start + row * s.row + c * s.column, s.column, s.width - c, type, 0.0f);
        if (!is_first) v += load_lanes(line, c, 1, s.width - c, FLOAT32, 0.0f);
        store_lanes(line, c, s.width - c, FLOAT32, v);
      }
      is_first = false;
    }
    for (long j = 0; j < s.out_width; j += 16) {
      float lanes[16];
      long lanes_used = min(16L, s.out_width - j);
      for (long l = 0; l < 16; l++) lanes[l] = 0.0f;
      if (s.columns.starts < 0) {
        for (long l = 0; l < lanes_used; l++) lanes[l] = line[j + l];
      } else {
        for (long l = 0; l < lanes_used; l++) {
          float sum = 0.0f;
          int last = table[s.columns.starts + j + l + 1];
          for (int t = table[s.columns.starts + j + l]; t < last; t++)
            sum += as_float(table[s.columns.weights + t]) * line[table[s.columns.places + t]];
          lanes[l] = sum;
        }
      }
      store_lanes(y, to + j, lanes_used, y_type, vload16(0, lanes));
    }
  }
}

#else

kernel void resample(
    global const void *x, int type, global void *y, int y_type, global const int *table, global float *lines,
    resample_t s) {
  long element = get_global_id(0), index = element / s.out_width, j = element - index * s.out_width;
  if (index >= s.planes * s.out_height) return;
  long plane = index / s.out_height, i = index - plane * s.out_height, start = plane_of(&s, plane);
  bool same_row = s.rows.starts < 0, same_column = s.columns.starts < 0;
  long k = same_row ? i : table[s.rows.starts + i], k_end = same_row ? i + 1 : table[s.rows.starts + i + 1];
  long l_first = same_column ? j : table[s.columns.starts + j];
  long l_end = same_column ? j + 1 : table[s.columns.starts + j + 1];
  float sum = 0.0f;
  for (; k < k_end; k++) {
    long at = start + (same_row ? i : table[s.rows.places + k]) * s.row;
    float in_row = 0.0f;
    for (long l = l_first; l < l_end; l++) {
      float weight = same_column ? 1.0f : as_float(table[s.columns.weights + l]);
      in_row += weight * load_real(x, at + (same_column ? j : table[s.columns.places + l]) * s.column, type);
    }
    sum += (same_row ? 1.0f : as_float(table[s.rows.weights + k])) * in_row;
  }
  store_real(y, s.out + element, sum, y_type);
}
#endif
