// SPDX-License-Identifier: MIT
#ifndef TERN_INDEXING_H
#define TERN_INDEXING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// An array `[outer, axis, inner]` in memory, its steps counted in elements.
typedef struct tern_axis_view {
  const void *data;
  ptrdiff_t outer, axis, inner;
} tern_axis_view;

/// Positions along the axis, one for each element, of 32 or 64 bits.
typedef struct tern_axis_positions {
  tern_axis_view view;
  bool is_wide;
} tern_axis_positions;

/// Extents of a look-up: `n` elements along the axis of the large array, `picked` of the other.
typedef struct tern_axis_extents {
  size_t n, picked, inner;
} tern_axis_extents;

/// Elements `first ..< last` of a dense `[outer, picked, inner]`: those of `x` at the positions, moved by their bits.
/// `width` is 1, 2, 4 or 8 bytes; the low bytes of `missing` stand in for positions outside of `0 ..< n`.
void tern_gather_axis(
    const tern_axis_view *x, const tern_axis_positions *positions, tern_axis_extents extents, size_t width,
    uint64_t missing, void *y, size_t first, size_t last);

/// Lines `first ..< last` of a dense `[outer, n, inner]`, counted over outer and inner: sums of the elements of `x`,
/// which has the shape of the positions, in the order of the axis.
void tern_scatter_axis(
    const tern_axis_view *x, const tern_axis_positions *positions, tern_axis_extents extents, float *y, size_t first,
    size_t last);
void tern_scatter_axis_int(
    const tern_axis_view *x, const tern_axis_positions *positions, tern_axis_extents extents, int64_t *y,
    size_t first, size_t last);

#endif
