// SPDX-License-Identifier: MIT
#include "tern_scatter.h"

#include <string.h>

// Memory at random places is what these loops wait for, so there is one form for all instruction sets.

static inline uint64_t place_at(const tern_scatter_line *line, size_t i) {
  const ptrdiff_t at = (ptrdiff_t)i * line->place_step;
  return line->is_wide ? (uint64_t)((const int64_t *)line->places)[at]
                       : (uint64_t)(int64_t)((const int32_t *)line->places)[at];
}

void tern_scatter_count(const tern_scatter_line *line, size_t first, size_t last, uint32_t *counts) {
  memset(counts, 0, TERN_SCATTER_BUCKETS * sizeof *counts);
  for (size_t i = first; i < last; i++) {
    const uint64_t k = place_at(line, i);
    if (k < line->n) counts[k >> line->shift]++;
  }
}

#define TERN_SCATTER_SPREAD(name, type)                                                                       \
  void name(                                                                                                  \
      const tern_scatter_line *line, size_t first, size_t last, uint32_t *next, uint32_t *places,             \
      type *values) {                                                                                         \
    const type *x = line->x;                                                                                  \
    for (size_t i = first; i < last; i++) {                                                                   \
      const uint64_t k = place_at(line, i);                                                                   \
      if (k >= line->n) continue;                                                                             \
      const uint32_t slot = next[k >> line->shift]++;                                                         \
      places[slot] = (uint32_t)k;                                                                             \
      values[slot] = x[(ptrdiff_t)i * line->x_step];                                                          \
    }                                                                                                         \
  }

TERN_SCATTER_SPREAD(tern_scatter_spread, float)
TERN_SCATTER_SPREAD(tern_scatter_spread_int, int64_t)

#define TERN_SCATTER_SUM(name, type, sum_type)                                                                \
  void name(                                                                                                  \
      const tern_scatter_line *line, size_t bucket, const uint32_t *places, const type *values, size_t count, \
      type *y) {                                                                                              \
    const size_t first = bucket << line->shift, end = (bucket + 1) << line->shift;                            \
    const size_t step = line->y_step, last = end < line->n ? end : line->n;                                   \
    for (size_t k = first; k < last; k++) y[k * step] = 0;                                                    \
    for (size_t i = 0; i < count; i++) {                                                                      \
      type *sum = y + places[i] * step;                                                                       \
      *sum = (type)((sum_type)*sum + (sum_type)values[i]);                                                    \
    }                                                                                                         \
  }

TERN_SCATTER_SUM(tern_scatter_sum, float, float)
// Overflow wraps.
TERN_SCATTER_SUM(tern_scatter_sum_int, int64_t, uint64_t)

void tern_row_order(const int64_t *indices, size_t count, size_t rows, int64_t *ends, int64_t *order) {
  memset(ends, 0, (rows + 1) * sizeof *ends);
  for (size_t i = 0; i < count; i++)
    if ((uint64_t)indices[i] < rows) ends[indices[i]]++;
  int64_t total = 0;
  for (size_t row = 0; row <= rows; row++) {
    const int64_t here = ends[row];
    ends[row] = total;
    total += here;
  }
  // Placing moves every start to the next row's.
  for (size_t i = 0; i < count; i++)
    if ((uint64_t)indices[i] < rows) order[ends[indices[i]]++] = (int64_t)i;
}

void tern_scatter_rows(
    const float *x, size_t columns, const int64_t *ends, const int64_t *order, float *table, size_t first,
    size_t last) {
  for (size_t row = first; row < last; row++) {
    float *out = table + row * columns;
    int64_t place = row > 0 ? ends[row - 1] : 0;
    const int64_t end = ends[row];
    if (place == end) {
      memset(out, 0, columns * sizeof *out);
      continue;
    }
    memcpy(out, x + (size_t)order[place] * columns, columns * sizeof *out);
    for (place++; place < end; place++) {
      const float *from = x + (size_t)order[place] * columns;
      for (size_t c = 0; c < columns; c++) out[c] += from[c];
    }
  }
}
