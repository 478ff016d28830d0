// SPDX-License-Identifier: MIT
#ifndef TERN_RESAMPLING_H
#define TERN_RESAMPLING_H
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// A linear map along an axis: output i is the sum of weights[k] * x[places[k]] over starts[i] ..< starts[i + 1]. Null
/// `starts` copies the axis.
typedef struct tern_axis_map {
  const int32_t *starts, *places;
  const float *weights;
  ptrdiff_t inputs, outputs;
  ptrdiff_t terms;  ///< of each output, where all have as many; else 0
} tern_axis_map;

struct tern_resampling_functions {
  /// Rows `first ..< first + count` of a dense result plane, whose row 0 is `y`. `line` has room for a row of `x`.
  void (*rows)(
      const tern_axis_map *rows, const tern_axis_map *columns, ptrdiff_t first, ptrdiff_t count, const float *x,
      ptrdiff_t x_row, float *line, float *y);
};

const struct tern_resampling_functions *tern_resampling(void);
const struct tern_resampling_functions *tern_resampling_functions_for(tern_isa isa);

#endif
