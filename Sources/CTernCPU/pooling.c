// SPDX-License-Identifier: MIT
#include "tern_pooling.h"

#include <string.h>

#include "tap_range.h"
#include "tern_math.h"

/// How many taps of the window at `output` lie at positions `low ..< high` of the input.
static inline ptrdiff_t taps_inside(
    ptrdiff_t output, ptrdiff_t kernel, ptrdiff_t dilation, ptrdiff_t stride, ptrdiff_t pad, ptrdiff_t low,
    ptrdiff_t high) {
  ptrdiff_t count = 0;
  for (ptrdiff_t tap = 0; tap < kernel; tap++) {
    const ptrdiff_t position = output * stride + tap * dilation - pad;
    count += position >= low && position < high;
  }
  return count;
}

static inline ptrdiff_t rows_counted(const tern_pool *pool, ptrdiff_t output) {
  const ptrdiff_t margin = pool->counts_padding ? pool->pad_height : 0;
  return taps_inside(
      output, pool->kernel_height, pool->dilation_height, pool->stride_height, pool->pad_height, -margin,
      pool->input_height + margin);
}

static inline ptrdiff_t columns_counted(const tern_pool *pool, ptrdiff_t output) {
  const ptrdiff_t margin = pool->counts_padding ? pool->pad_width : 0;
  return taps_inside(
      output, pool->kernel_width, pool->dilation_width, pool->stride_width, pool->pad_width, -margin,
      pool->input_width + margin);
}

static inline bool is_two_by_two(const tern_pool *pool) {
  return pool->kernel_height == 2 && pool->kernel_width == 2 && pool->stride_height == 2 && pool->stride_width == 2 &&
         pool->pad_height == 0 && pool->pad_width == 0 && pool->dilation_height == 1 && pool->dilation_width == 1 &&
         !pool->adaptive && pool->divisor == 0 && pool->output_height * 2 <= pool->input_height &&
         pool->output_width * 2 <= pool->input_width;
}

/// What the sum of a window of `rows` rows and `columns` columns is divided by.
static inline float divisor_of(const tern_pool *pool, ptrdiff_t rows, ptrdiff_t columns) {
  return (float)(pool->divisor ? pool->divisor : rows * columns);
}

/// Where the adaptive window of an output starts along one axis; windows may overlap.
static inline ptrdiff_t adaptive_start(ptrdiff_t output, ptrdiff_t input, ptrdiff_t outputs) {
  return output * input / outputs;
}

static inline ptrdiff_t adaptive_end(ptrdiff_t output, ptrdiff_t input, ptrdiff_t outputs) {
  return ((output + 1) * input + outputs - 1) / outputs;
}

#define TERN_VARIANT_BODY "pooling_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(pooling)
