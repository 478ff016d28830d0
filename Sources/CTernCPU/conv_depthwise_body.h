// SPDX-License-Identifier: MIT
//
// Depthwise convolution: strips of the output, a vector wide, from top to bottom, some rows at a time, so that a row of
// the input that is loaded serves all the outputs that see it.

#include "vector_body.h"
#include "epilogue_body.h"
#include "conv_depthwise_span_body.h"

/// Stores a vector of outputs. Where a strip is as wide as the plane, what runs over the end of a row is overwritten by
/// the next row; only the plane's last rows must end where they end.
INLINE void TERN_VARIANT(depthwise_store)(
    const tern_depthwise_geometry *g, const tern_depthwise_pass *pass, ptrdiff_t h, ptrdiff_t column, ptrdiff_t count,
    VECTOR sum) {
  const ptrdiff_t position = h * g->out_width + column;
  if (pass->activation == TERN_ACTIVATION_RELU) sum = TERN_VARIANT(relu)(sum);
  if (position + LANES <= g->out_height * g->out_width) {
    TERN_VARIANT(write)(pass->target + position, sum);
  } else {
    TERN_VARIANT(write_first)(pass->target + position, sum, count);
  }
}

/// A strip of at least four rows of outputs under a square kernel without dilation of rows, four rows at a time.
/// `size`, `stride` and `reversed` are constants where this is inlined, so that the taps stay in registers.
INLINE void TERN_VARIANT(depthwise_square_strip)(
    const int size, const int stride, const bool reversed, const tern_depthwise_geometry *g,
    const tern_depthwise_pass *pass, const SPAN *strip, ptrdiff_t column, ptrdiff_t count) {
  const ptrdiff_t plane = g->height * g->width;
  SPAN spans[5];
  VECTOR taps[25];
#pragma clang loop unroll(full)
  for (int kw = 0; kw < size; kw++) spans[kw] = strip[kw];
  for (ptrdiff_t next = 0; next < g->out_height; next += 4) {
    // The last rows overlap those before them and are written twice.
    const ptrdiff_t h = next + 4 <= g->out_height ? next : g->out_height - 4;
    VECTOR sums[4];
#pragma clang loop unroll(full)
    for (int r = 0; r < 4; r++) sums[r] = pass->bias ? TERN_VARIANT(splat)(*pass->bias) : (VECTOR){0};
    for (ptrdiff_t term = 0; term < pass->terms; term++) {
      if (next == 0 || pass->terms > 1) {
        const float *weights = pass->weights + term * size * size;
#pragma clang loop unroll(full)
        for (int tap = 0; tap < size * size; tap++)
          taps[tap] = TERN_VARIANT(splat)(weights[reversed ? size * size - 1 - tap : tap]);
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < 3 * stride + size; i++) {
        const ptrdiff_t y = h * stride + i - g->pad_top;
        if (y < 0 || y >= g->height) continue;
        const float *row = pass->source + term * plane + y * g->width;
#pragma clang loop unroll(full)
        for (int kw = 0; kw < size; kw++) {
          VECTOR x = TERN_VARIANT(load_span)(row, &spans[kw], stride);
#pragma clang loop unroll(full)
          for (int r = 0; r < 4; r++) {
            const int kh = i - r * stride;
            if (kh >= 0 && kh < size) sums[r] = TERN_VARIANT(fma)(taps[kh * size + kw], x, sums[r]);
          }
        }
      }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < 4; r++) TERN_VARIANT(depthwise_store)(g, pass, h + r, column, count, sums[r]);
  }
}

/// A strip of outputs under any kernel; `stride` may be a constant.
INLINE void TERN_VARIANT(depthwise_strip)(
    const ptrdiff_t stride, const bool reversed, const tern_depthwise_geometry *g, const tern_depthwise_pass *pass,
    const SPAN *spans, ptrdiff_t column, ptrdiff_t count) {
  const ptrdiff_t taps = g->kernel_height * g->kernel_width;
  for (ptrdiff_t h = 0; h < g->out_height; h++) {
    VECTOR sum = pass->bias ? TERN_VARIANT(splat)(*pass->bias) : (VECTOR){0};
    for (ptrdiff_t term = 0; term < pass->terms; term++) {
      for (ptrdiff_t kh = 0; kh < g->kernel_height; kh++) {
        ptrdiff_t y = h * g->row_stride + kh * g->row_dilation - g->pad_top;
        if (y < 0 || y >= g->height) continue;
        const float *row = pass->source + (term * g->height + y) * g->width;
        for (ptrdiff_t kw = 0; kw < g->kernel_width; kw++) {
          ptrdiff_t tap = kh * g->kernel_width + kw;
          VECTOR weight = TERN_VARIANT(splat)(pass->weights[term * taps + (reversed ? taps - 1 - tap : tap)]);
          sum = TERN_VARIANT(fma)(weight, TERN_VARIANT(load_span)(row, &spans[kw], stride), sum);
        }
      }
    }
    TERN_VARIANT(depthwise_store)(g, pass, h, column, count, sum);
  }
}

typedef void (*TERN_VARIANT(depthwise_strip_function))(
    const tern_depthwise_geometry *g, const tern_depthwise_pass *pass, const SPAN *spans, ptrdiff_t column,
    ptrdiff_t count);
#define DEPTHWISE_STRIP(name, template, ...)                                                           \
  static void TERN_VARIANT(depthwise_##name)(                                                          \
      const tern_depthwise_geometry *g, const tern_depthwise_pass *pass, const SPAN *spans,            \
      ptrdiff_t column, ptrdiff_t count) {                                                             \
    TERN_VARIANT(template)(__VA_ARGS__, g, pass, spans, column, count);                                \
  }
DEPTHWISE_STRIP(3x3, depthwise_square_strip, 3, 1, false)
DEPTHWISE_STRIP(3x3_reversed, depthwise_square_strip, 3, 1, true)
DEPTHWISE_STRIP(3x3_stride_2, depthwise_square_strip, 3, 2, false)
DEPTHWISE_STRIP(5x5, depthwise_square_strip, 5, 1, false)
DEPTHWISE_STRIP(5x5_reversed, depthwise_square_strip, 5, 1, true)
DEPTHWISE_STRIP(5x5_stride_2, depthwise_square_strip, 5, 2, false)
DEPTHWISE_STRIP(any_stride_1, depthwise_strip, 1, false)
DEPTHWISE_STRIP(any_reversed, depthwise_strip, 1, true)
DEPTHWISE_STRIP(any_stride_2, depthwise_strip, 2, false)
DEPTHWISE_STRIP(any, depthwise_strip, g->column_stride, false)
#undef DEPTHWISE_STRIP

static TERN_VARIANT(depthwise_strip_function) TERN_VARIANT(depthwise_strip_for)(
    const tern_depthwise_geometry *g, bool reversed) {
  const ptrdiff_t size = g->kernel_width, stride = g->column_stride;
  if (g->kernel_height == size && g->row_stride == stride && g->row_dilation == 1 && g->out_height >= 4) {
    if (size == 3 && stride == 1)
      return reversed ? TERN_VARIANT(depthwise_3x3_reversed) : TERN_VARIANT(depthwise_3x3);
    if (size == 5 && stride == 1)
      return reversed ? TERN_VARIANT(depthwise_5x5_reversed) : TERN_VARIANT(depthwise_5x5);
    if (size == 3 && stride == 2) return TERN_VARIANT(depthwise_3x3_stride_2);
    if (size == 5 && stride == 2) return TERN_VARIANT(depthwise_5x5_stride_2);
  }
  if (stride == 1) return reversed ? TERN_VARIANT(depthwise_any_reversed) : TERN_VARIANT(depthwise_any_stride_1);
  return stride == 2 ? TERN_VARIANT(depthwise_any_stride_2) : TERN_VARIANT(depthwise_any);
}

static void TERN_VARIANT(depthwise_convolve)(
    const tern_depthwise_geometry *g, const tern_depthwise_pass *pass, bool reversed) {
  const TERN_VARIANT(depthwise_strip_function) strip = TERN_VARIANT(depthwise_strip_for)(g, reversed);
  const ptrdiff_t stride = g->column_stride;
  for (ptrdiff_t next = 0; next < g->out_width; next += LANES) {
    // The last strip overlaps the one before it.
    const ptrdiff_t column = next > 0 && next + LANES > g->out_width ? g->out_width - LANES : next;
    SPAN spans[TERN_DEPTHWISE_WIDTH];
    for (ptrdiff_t kw = 0; kw < g->kernel_width; kw++)
      spans[kw] = TERN_VARIANT(span_of)(column * stride + kw * g->column_dilation - g->pad_left, stride, g->width);
    strip(g, pass, spans, column, TERN_VARIANT(clamp)(g->out_width, 0, LANES));
  }
  // Not strip by strip: where strips overlap, outputs would be activated twice.
  if (pass->activation != TERN_ACTIVATION_NONE && pass->activation != TERN_ACTIVATION_RELU)
    TERN_VARIANT(activate)(pass->target, g->out_height * g->out_width, pass->activation);
}

#include "conv_depthwise_gradient_body.h"

static const struct tern_depthwise_functions TERN_VARIANT(depthwise_table) = {
    .convolve = TERN_VARIANT(depthwise_convolve),
    .input_gradient = TERN_VARIANT(depthwise_input_gradient),
    .weight_gradient = TERN_VARIANT(depthwise_weight_gradient),
};
#undef EVEN_LANES
#undef LOW_PAIRS
#undef HIGH_PAIRS
