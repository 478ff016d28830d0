// SPDX-License-Identifier: MIT
#ifndef TERN_SAMPLING_H
#define TERN_SAMPLING_H
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// How images of some channels are sampled.
typedef struct tern_sampling {
  int mode, padding, aligns;  ///< see tern_grid.h
  int height, width;
  ptrdiff_t channels;         ///< of the image, or of the part of it that is worked on
  ptrdiff_t points;           ///< of the grid of one image; the step from channel to channel of samples
} tern_sampling;

/// Each works on one dense image and the points `first ..< first + count` of its grid, pairs (x, y).
struct tern_gridding_functions {
  void (*sample)(
      const tern_sampling *plan, ptrdiff_t first, ptrdiff_t count, const float *x, const float *grid, float *y);
  /// Adds to `dx`.
  void (*input_gradient)(
      const tern_sampling *plan, ptrdiff_t first, ptrdiff_t count, const float *dy, const float *grid, float *dx);
  void (*grid_gradient)(
      const tern_sampling *plan, ptrdiff_t first, ptrdiff_t count, const float *dy, const float *x, const float *grid,
      float *dgrid);
};

const struct tern_gridding_functions *tern_gridding(void);
const struct tern_gridding_functions *tern_gridding_functions_for(tern_isa isa);

#endif
