// SPDX-License-Identifier: MIT
#ifndef TERN_POOLING_H
#define TERN_POOLING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// Sizes of a pooling of one plane.
typedef struct tern_pool {
  ptrdiff_t input_height, input_width, output_height, output_width;
  ptrdiff_t kernel_height, kernel_width, stride_height, stride_width;
  ptrdiff_t pad_height, pad_width, dilation_height, dilation_width;
  ptrdiff_t x_row_stride;  ///< elements from one input row to the next; outputs and gradients are dense
  bool counts_padding;
  /// Window i of o along an axis of size s is floor(i * s / o) ..< ceil((i + 1) * s / o); stride, padding and dilation
  /// play no part.
  bool adaptive;
  ptrdiff_t divisor;  ///< of sums, if it is not the count of their elements; else 0
} tern_pool;

/// Each function works on one plane `[height, width]`.
struct tern_pooling_functions {
  /// `indices`, unless null, takes the position in the plane of the first maximum.
  void (*max)(const tern_pool *pool, const float *x, float *y, int32_t *indices);
  void (*max_gradient)(const tern_pool *pool, const float *dy, const int32_t *indices, float *dx);
  void (*average)(const tern_pool *pool, const float *x, float *y);
  void (*average_gradient)(const tern_pool *pool, const float *dy, float *dx);
};

const struct tern_pooling_functions *tern_pooling(void);
const struct tern_pooling_functions *tern_pooling_functions_for(tern_isa isa);

#endif
