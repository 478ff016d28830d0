// SPDX-License-Identifier: MIT
// Each tap of the window is one pass over an output row, so that neighbouring outputs are vector lanes. Windows of 2x2
// with stride 2 have loops of their own.

#include "pooling_adaptive_body.h"

/// Calls `span(lanes, j, ...)` for spans of 16, 8 or 4 neighbours that cover `0 ..< width`, the last one overlapping
/// the one before, so that the narrow rows of small images are vector code as well. Spans may be computed twice.
#define FOR_SPANS_OF(lanes, width, span, ...)                                                             \
  do {                                                                                                    \
    ptrdiff_t j = 0;                                                                                      \
    for (; j + (lanes) <= (width); j += (lanes)) TERN_VARIANT(span)(lanes, j, __VA_ARGS__);               \
    if (j < (width)) TERN_VARIANT(span)(lanes, (width) - (lanes), __VA_ARGS__);                           \
  } while (0)
#define FOR_SPANS(width, span, ...)                                     \
  do {                                                                  \
    if ((width) >= 16) FOR_SPANS_OF(16, width, span, __VA_ARGS__);      \
    else if ((width) >= 8) FOR_SPANS_OF(8, width, span, __VA_ARGS__);   \
    else if ((width) >= 4) FOR_SPANS_OF(4, width, span, __VA_ARGS__);   \
    else FOR_SPANS_OF(1, width, span, __VA_ARGS__);                     \
  } while (0)
#define SPAN static inline __attribute__((always_inline)) void

SPAN TERN_VARIANT(max_span)(
    const ptrdiff_t lanes, ptrdiff_t j, const float *above, const float *below, float *y) {
  for (ptrdiff_t k = j; k < j + lanes; k++)
    y[k] = tern_max(tern_max(above[2 * k], above[2 * k + 1]), tern_max(below[2 * k], below[2 * k + 1]));
}

SPAN TERN_VARIANT(max_index_span)(
    const ptrdiff_t lanes, ptrdiff_t j, const float *above, const float *below, float *y, int32_t *indices,
    int32_t first, int32_t second) {
  for (ptrdiff_t k = j; k < j + lanes; k++) {
    const float a = above[2 * k], b = above[2 * k + 1], c = below[2 * k], d = below[2 * k + 1];
    // The later one wins where it is greater, or the first NaN.
    const int take_b = (b > a) | ((b != b) & (a == a));
    const float upper = take_b ? b : a;
    const int take_d = (d > c) | ((d != d) & (c == c));
    const float lower = take_d ? d : c;
    const int take_lower = (lower > upper) | ((lower != lower) & (upper == upper));
    y[k] = take_lower ? lower : upper;
    indices[k] = (take_lower ? second + take_d : first + take_b) + (int32_t)(2 * k);
  }
}

static void TERN_VARIANT(max_two_by_two)(const tern_pool *pool, const float *x, float *y, int32_t *indices) {
  const ptrdiff_t width = pool->output_width;
  for (ptrdiff_t row = 0; row < pool->output_height; row++, y += width) {
    const float *above = x + 2 * row * pool->x_row_stride, *below = above + pool->x_row_stride;
    if (!indices) {
      FOR_SPANS(width, max_span, above, below, y);
      continue;
    }
    const int32_t first = (int32_t)(2 * row * pool->input_width), second = first + (int32_t)pool->input_width;
    FOR_SPANS(width, max_index_span, above, below, y, indices, first, second);
    indices += width;
  }
}

/// The position of the first tap inside the input, for windows in which nothing beats -infinity.
static inline ptrdiff_t TERN_VARIANT(first_inside)(
    ptrdiff_t output, ptrdiff_t dilation, ptrdiff_t stride, ptrdiff_t pad) {
  const ptrdiff_t start = output * stride - pad;
  return start >= 0 ? start : start + (-start + dilation - 1) / dilation * dilation;
}

static void TERN_VARIANT(max)(const tern_pool *pool, const float *x, float *y, int32_t *indices) {
  if (pool->adaptive) {
    TERN_VARIANT(adaptive_max)(pool, x, y, indices);
    return;
  }
  if (is_two_by_two(pool)) {
    TERN_VARIANT(max_two_by_two)(pool, x, y, indices);
    return;
  }
  const ptrdiff_t width = pool->output_width, stride = pool->stride_width;
  for (ptrdiff_t row = 0; row < pool->output_height; row++, y += width) {
    for (ptrdiff_t j = 0; j < width; j++) y[j] = -TERN_INFINITY;
    if (indices) {
      const ptrdiff_t top =
          TERN_VARIANT(first_inside)(row, pool->dilation_height, pool->stride_height, pool->pad_height);
      for (ptrdiff_t j = 0; j < width; j++) {
        const ptrdiff_t left = TERN_VARIANT(first_inside)(j, pool->dilation_width, stride, pool->pad_width);
        // A dilated window may step over the whole input.
        const int is_inside = top < pool->input_height && left < pool->input_width;
        indices[j] = is_inside ? (int32_t)(top * pool->input_width + left) : -1;
      }
    }
    for (ptrdiff_t kh = 0; kh < pool->kernel_height; kh++) {
      const ptrdiff_t h = row * pool->stride_height + kh * pool->dilation_height - pool->pad_height;
      if (h < 0 || h >= pool->input_height) continue;
      for (ptrdiff_t kw = 0; kw < pool->kernel_width; kw++) {
        ptrdiff_t first, last;
        tap_range(
            kw, pool->dilation_width, stride, pool->pad_width, pool->input_width, pool->output_width, &first, &last);
        const ptrdiff_t shift = kw * pool->dilation_width - pool->pad_width;
        const float *in = x + h * pool->x_row_stride + shift;
        if (!indices) {
          if (stride == 1) {
            for (ptrdiff_t j = first; j < last; j++) y[j] = tern_max(y[j], in[j]);
          } else if (stride == 2) {
            for (ptrdiff_t j = first; j < last; j++) y[j] = tern_max(y[j], in[2 * j]);
          } else {
            for (ptrdiff_t j = first; j < last; j++) y[j] = tern_max(y[j], in[j * stride]);
          }
          continue;
        }
        const int32_t position = (int32_t)(h * pool->input_width + shift);
        for (ptrdiff_t j = first; j < last; j++) {
          const float value = in[j * stride], best = y[j];
          const int take = (value > best) | ((value != value) & (best == best));
          y[j] = take ? value : best;
          indices[j] = take ? position + (int32_t)(j * stride) : indices[j];
        }
      }
    }
    if (indices) indices += width;
  }
}

SPAN TERN_VARIANT(max_gradient_span)(
    const ptrdiff_t lanes, ptrdiff_t j, const float *dy, const int32_t *indices, float *above, float *below,
    int32_t first, int32_t second) {
  for (ptrdiff_t k = j; k < j + lanes; k++) {
    const int32_t position = indices[k] - (int32_t)(2 * k);
    const float gradient = dy[k];
    above[2 * k] = position == first ? gradient : 0.0f;
    above[2 * k + 1] = position == first + 1 ? gradient : 0.0f;
    below[2 * k] = position == second ? gradient : 0.0f;
    below[2 * k + 1] = position == second + 1 ? gradient : 0.0f;
  }
}

static void TERN_VARIANT(max_gradient)(const tern_pool *pool, const float *dy, const int32_t *indices, float *dx) {
  const ptrdiff_t outputs = pool->output_width, width = pool->input_width;
  if (!is_two_by_two(pool)) {
    memset(dx, 0, (size_t)(pool->input_height * width) * sizeof *dx);
    for (ptrdiff_t i = 0; i < pool->output_height * outputs; i++) {
      if (indices[i] >= 0) dx[indices[i]] += dy[i];
    }
    return;
  }
  for (ptrdiff_t row = 0; row < pool->output_height; row++) {
    float *above = dx + 2 * row * width, *below = above + width;
    const int32_t first = (int32_t)(2 * row * width), second = first + (int32_t)width;
    FOR_SPANS(outputs, max_gradient_span, dy, indices, above, below, first, second);
    for (ptrdiff_t j = 2 * outputs; j < width; j++) above[j] = below[j] = 0.0f;
    dy += outputs;
    indices += outputs;
  }
  const ptrdiff_t done = 2 * pool->output_height;
  memset(dx + done * width, 0, (size_t)((pool->input_height - done) * width) * sizeof *dx);
}

/// Divides the sums of one output row, whose windows count `rows` rows, by the taps that count.
static inline void TERN_VARIANT(divide_row)(const tern_pool *pool, ptrdiff_t rows, const float *in, float *out) {
  const float whole = divisor_of(pool, rows, pool->kernel_width);
  for (ptrdiff_t j = 0; j < pool->output_width; j++) {
    const ptrdiff_t start = j * pool->stride_width - pool->pad_width;
    const ptrdiff_t end = start + (pool->kernel_width - 1) * pool->dilation_width;
    const bool inside = start >= 0 && end < pool->input_width;
    out[j] = in[j] / (inside ? whole : divisor_of(pool, rows, columns_counted(pool, j)));
  }
}

static void TERN_VARIANT(average)(const tern_pool *pool, const float *x, float *y) {
  if (pool->adaptive) {
    TERN_VARIANT(adaptive_average)(pool, x, y);
    return;
  }
  if (is_two_by_two(pool)) {
    for (ptrdiff_t row = 0; row < pool->output_height; row++, y += pool->output_width) {
      const float *above = x + 2 * row * pool->x_row_stride, *below = above + pool->x_row_stride;
      for (ptrdiff_t j = 0; j < pool->output_width; j++)
        y[j] = ((above[2 * j] + above[2 * j + 1]) + (below[2 * j] + below[2 * j + 1])) * 0.25f;
    }
    return;
  }
  const ptrdiff_t stride = pool->stride_width;
  for (ptrdiff_t row = 0; row < pool->output_height; row++, y += pool->output_width) {
    for (ptrdiff_t j = 0; j < pool->output_width; j++) y[j] = 0;
    for (ptrdiff_t kh = 0; kh < pool->kernel_height; kh++) {
      const ptrdiff_t h = row * pool->stride_height + kh * pool->dilation_height - pool->pad_height;
      if (h < 0 || h >= pool->input_height) continue;
      for (ptrdiff_t kw = 0; kw < pool->kernel_width; kw++) {
        ptrdiff_t first, last;
        tap_range(
            kw, pool->dilation_width, stride, pool->pad_width, pool->input_width, pool->output_width, &first, &last);
        const float *in = x + h * pool->x_row_stride + kw * pool->dilation_width - pool->pad_width;
        if (stride == 1) {
          for (ptrdiff_t j = first; j < last; j++) y[j] += in[j];
        } else if (stride == 2) {
          for (ptrdiff_t j = first; j < last; j++) y[j] += in[2 * j];
        } else {
          for (ptrdiff_t j = first; j < last; j++) y[j] += in[j * stride];
        }
      }
    }
    TERN_VARIANT(divide_row)(pool, rows_counted(pool, row), y, y);
  }
}

/// A quarter of each gradient to the four inputs of its window.
static void TERN_VARIANT(average_gradient_two_by_two)(const tern_pool *pool, const float *dy, float *dx) {
  const ptrdiff_t width = pool->input_width, outputs = pool->output_width;
  for (ptrdiff_t row = 0; row < pool->output_height; row++, dy += outputs) {
    float *above = dx + 2 * row * width, *below = above + width;
    for (ptrdiff_t j = 0; j < outputs; j++) {
      const float share = dy[j] * 0.25f;
      above[2 * j] = share;
      above[2 * j + 1] = share;
    }
    for (ptrdiff_t j = 2 * outputs; j < width; j++) above[j] = 0.0f;
    memcpy(below, above, (size_t)width * sizeof *dx);
  }
  const ptrdiff_t done = 2 * pool->output_height;
  memset(dx + done * width, 0, (size_t)((pool->input_height - done) * width) * sizeof *dx);
}

static void TERN_VARIANT(average_gradient)(const tern_pool *pool, const float *dy, float *dx) {
  if (pool->adaptive) {
    TERN_VARIANT(adaptive_average_gradient)(pool, dy, dx);
    return;
  }
  if (is_two_by_two(pool)) {
    TERN_VARIANT(average_gradient_two_by_two)(pool, dy, dx);
    return;
  }
  const ptrdiff_t stride = pool->stride_width;
  memset(dx, 0, (size_t)(pool->input_height * pool->input_width) * sizeof *dx);
  for (ptrdiff_t row = 0; row < pool->output_height; row++, dy += pool->output_width) {
    const ptrdiff_t rows = rows_counted(pool, row);
    for (ptrdiff_t kh = 0; kh < pool->kernel_height; kh++) {
      const ptrdiff_t h = row * pool->stride_height + kh * pool->dilation_height - pool->pad_height;
      if (h < 0 || h >= pool->input_height) continue;
      for (ptrdiff_t kw = 0; kw < pool->kernel_width; kw++) {
        ptrdiff_t first, last;
        tap_range(
            kw, pool->dilation_width, stride, pool->pad_width, pool->input_width, pool->output_width, &first, &last);
        float *out = dx + h * pool->input_width + kw * pool->dilation_width - pool->pad_width;
        for (ptrdiff_t j = first; j < last; j++) {
          const ptrdiff_t start = j * stride - pool->pad_width;
          const bool inside = start >= 0 && start + (pool->kernel_width - 1) * pool->dilation_width < pool->input_width;
          const ptrdiff_t columns = inside ? pool->kernel_width : columns_counted(pool, j);
          out[j * stride] += dy[j] / divisor_of(pool, rows, columns);
        }
      }
    }
  }
}

static const struct tern_pooling_functions TERN_VARIANT(pooling_table) = {
    .max = TERN_VARIANT(max),
    .max_gradient = TERN_VARIANT(max_gradient),
    .average = TERN_VARIANT(average),
    .average_gradient = TERN_VARIANT(average_gradient),
};

#undef FOR_SPANS_OF
#undef FOR_SPANS
#undef SPAN
