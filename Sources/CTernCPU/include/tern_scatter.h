// SPDX-License-Identifier: MIT
#ifndef TERN_SCATTER_H
#define TERN_SCATTER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Sums of elements by position, for few long lines: elements are spread into buckets of neighbouring positions, in
/// order, and each bucket is summed by itself, in a cache.
enum { TERN_SCATTER_BUCKETS = 256 };

/// A line of elements, where each goes, and `n` sums `y_step` apart. Positions outside of `0 ..< n` are left out;
/// `n <= TERN_SCATTER_BUCKETS << shift`.
typedef struct tern_scatter_line {
  const void *x, *places;
  ptrdiff_t x_step, place_step;
  size_t y_step, n;
  uint32_t shift;
  bool is_wide;
} tern_scatter_line;

/// How many of the elements `first ..< last` belong to each bucket.
void tern_scatter_count(const tern_scatter_line *line, size_t first, size_t last, uint32_t *counts);
/// Writes those elements and their positions to the slots from `next` on, which holds the next one of each bucket.
void tern_scatter_spread(
    const tern_scatter_line *line, size_t first, size_t last, uint32_t *next, uint32_t *places, float *values);
void tern_scatter_spread_int(
    const tern_scatter_line *line, size_t first, size_t last, uint32_t *next, uint32_t *places, int64_t *values);
/// The sums of one bucket.
void tern_scatter_sum(
    const tern_scatter_line *line, size_t bucket, const uint32_t *places, const float *values, size_t count, float *y);
void tern_scatter_sum_int(
    const tern_scatter_line *line, size_t bucket, const uint32_t *places, const int64_t *values, size_t count,
    int64_t *y);

/// The places in a list of row numbers, sorted by row and in order within a row. `ends` has room for `rows + 1`; those
/// of row `r` are `order[ends[r - 1] ..< ends[r]]`, from 0 on for row 0. Numbers outside of `0 ..< rows` are left out.
void tern_row_order(const int64_t *indices, size_t count, size_t rows, int64_t *ends, int64_t *order);
/// Rows `first ..< last` of a table: sums of the rows of `x` that belong to each, in order.
void tern_scatter_rows(
    const float *x, size_t columns, const int64_t *ends, const int64_t *order, float *table, size_t first,
    size_t last);

#endif
