// SPDX-License-Identifier: MIT
#ifndef TERN_UNFOLD_H
#define TERN_UNFOLD_H
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// Windows of one plane, and where their elements stand.
typedef struct tern_unfold {
  ptrdiff_t height, width, kernel_height, kernel_width, output_height, output_width;
  ptrdiff_t stride_height, stride_width, dilation_height, dilation_width;
  ptrdiff_t top, left;                     ///< zeros before the plane; may be negative
  ptrdiff_t x_row, x_column;               ///< steps in the plane
  ptrdiff_t tap_row, tap_column;           ///< steps in the columns, from tap to tap
  ptrdiff_t row, column;                   ///< and from window to window
} tern_unfold;

struct tern_unfolding_functions {
  /// Copies one tap of all windows: elements of 16 or 32 bits.
  void (*unfold16)(
      const tern_unfold *plan, ptrdiff_t kh, ptrdiff_t kw, const uint16_t *x, uint16_t *columns);
  void (*unfold32)(
      const tern_unfold *plan, ptrdiff_t kh, ptrdiff_t kw, const uint32_t *x, uint32_t *columns);
  /// Adds up the columns of one plane, whose rows are dense.
  void (*fold)(const tern_unfold *plan, const float *columns, float *x);
};

const struct tern_unfolding_functions *tern_unfolding(void);
const struct tern_unfolding_functions *tern_unfolding_functions_for(tern_isa isa);

#endif
