// SPDX-License-Identifier: MIT
//
// The gradients of a depthwise convolution.

/// The taps that reach a class of positions `first + stride * i` of the input along one axis, each from output
/// `i + distance`: those for which `first + pad - tap * dilation` is a multiple of the stride.
typedef struct TERN_VARIANT(reach) {
  ptrdiff_t tap, distance;
} TERN_VARIANT(reach);

/// The next tap of a class from `tap` on; `tap` is `size` when there is none.
INLINE TERN_VARIANT(reach) TERN_VARIANT(next_reach)(
    ptrdiff_t tap, ptrdiff_t size, ptrdiff_t position, ptrdiff_t dilation, ptrdiff_t stride) {
  while (tap < size && (position - tap * dilation) % stride != 0) tap++;
  return (TERN_VARIANT(reach)){tap, tap < size ? (position - tap * dilation) / stride : 0};
}

/// A strip of `classes` classes of columns, 1 or 2, and all the rows of one class.
INLINE void TERN_VARIANT(depthwise_gradient_strip)(
    const int classes, const tern_depthwise_geometry *g, const tern_depthwise_pass *pass, ptrdiff_t first_row,
    ptrdiff_t column, const SPAN spans[2][TERN_DEPTHWISE_WIDTH], const ptrdiff_t taps[2][TERN_DEPTHWISE_WIDTH],
    const ptrdiff_t *counts) {
  const ptrdiff_t kernel = g->kernel_height * g->kernel_width;
  const ptrdiff_t end = TERN_VARIANT(clamp)(g->width - column, 0, LANES * g->column_stride);
  for (ptrdiff_t y = first_row, index = 0; y < g->height; y += g->row_stride, index++) {
    VECTOR sums[2] = {0};
    TERN_VARIANT(reach) from = TERN_VARIANT(next_reach)(
        0, g->kernel_height, first_row + g->pad_top, g->row_dilation, g->row_stride);
    for (; from.tap < g->kernel_height;
         from = TERN_VARIANT(next_reach)(
             from.tap + 1, g->kernel_height, first_row + g->pad_top, g->row_dilation, g->row_stride)) {
      const ptrdiff_t h = index + from.distance;
      if (h < 0 || h >= g->out_height) continue;
      for (ptrdiff_t term = 0; term < pass->terms; term++) {
        const float *row = pass->source + (term * g->out_height + h) * g->out_width;
        const float *weights = pass->weights + term * kernel + from.tap * g->kernel_width;
#pragma clang loop unroll(full)
        for (int c = 0; c < classes; c++) {
          for (ptrdiff_t i = 0; i < counts[c]; i++)
            sums[c] = TERN_VARIANT(fma)(
                TERN_VARIANT(splat)(weights[taps[c][i]]), TERN_VARIANT(load_span)(row, &spans[c][i], 1), sums[c]);
        }
      }
    }
    float *target = pass->target + y * g->width + column;
    if (classes == 2) {
      VECTOR low = __builtin_shufflevector(sums[0], sums[1], LOW_PAIRS);
      VECTOR high = __builtin_shufflevector(sums[0], sums[1], HIGH_PAIRS);
      TERN_VARIANT(write_first)(target, low, TERN_VARIANT(clamp)(end, 0, LANES));
      if (end > LANES) TERN_VARIANT(write_first)(target + LANES, high, end - LANES);
    } else if (g->column_stride == 1) {
      TERN_VARIANT(write_first)(target, sums[0], end);
    } else {
      for (ptrdiff_t lane = 0; lane * g->column_stride < end; lane++)
        target[lane * g->column_stride] = sums[0][lane];
    }
  }
}

static void TERN_VARIANT(depthwise_input_gradient)(
    const tern_depthwise_geometry *g, const tern_depthwise_pass *pass) {
  const ptrdiff_t stride = g->column_stride;
  const int classes = stride == 2 ? 2 : 1;
  for (ptrdiff_t strip = 0; strip < g->width; strip += LANES * stride) {
    for (ptrdiff_t first = 0; first < stride && strip + first < g->width; first += classes) {
      SPAN spans[2][TERN_DEPTHWISE_WIDTH];
      ptrdiff_t taps[2][TERN_DEPTHWISE_WIDTH], counts[2] = {0};
      for (int c = 0; c < classes; c++) {
        const ptrdiff_t position = strip + first + c + g->pad_left;
        TERN_VARIANT(reach) from = {-1, 0};
        while ((from = TERN_VARIANT(next_reach)(from.tap + 1, g->kernel_width, position, g->column_dilation, stride))
                   .tap < g->kernel_width) {
          spans[c][counts[c]] = TERN_VARIANT(span_of)(from.distance, 1, g->out_width);
          taps[c][counts[c]++] = from.tap;
        }
      }
      for (ptrdiff_t row = 0; row < g->row_stride && row < g->height; row++) {
        if (classes == 2) {
          TERN_VARIANT(depthwise_gradient_strip)(2, g, pass, row, strip, spans, taps, counts);
        } else {
          TERN_VARIANT(depthwise_gradient_strip)(1, g, pass, row, strip + first, spans, taps, counts);
        }
      }
    }
  }
}

/// Adds to the sums of all taps of a small kernel, `rows` rows of one strip at a time.
INLINE void TERN_VARIANT(depthwise_square_sums)(
    const int rows, const int size, const int stride, const tern_depthwise_geometry *g, const float *x,
    const float *dy, const SPAN *spans, ptrdiff_t h, ptrdiff_t count, VECTOR *sums) {
  VECTOR gradients[4];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) gradients[r] = TERN_VARIANT(load_first)(dy + r * g->out_width, count);
#pragma clang loop unroll(full)
  for (int i = 0; i < (rows - 1) * stride + size; i++) {
    ptrdiff_t y = h * stride + i - g->pad_top;
    if (y < 0 || y >= g->height) continue;
#pragma clang loop unroll(full)
    for (int kw = 0; kw < size; kw++) {
      VECTOR value = TERN_VARIANT(load_span)(x + y * g->width, &spans[kw], stride);
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++) {
        int kh = i - r * stride;
        if (kh < 0 || kh >= size) continue;
        sums[kh * size + kw] = TERN_VARIANT(fma)(gradients[r], value, sums[kh * size + kw]);
      }
    }
  }
}

INLINE void TERN_VARIANT(depthwise_square_gradient)(
    const int size, const int stride, const tern_depthwise_geometry *g, const tern_depthwise_sum *sum) {
  VECTOR sums[9] = {0};
  for (ptrdiff_t column = 0; column < g->out_width; column += LANES) {
    SPAN spans[3];
    for (ptrdiff_t kw = 0; kw < size; kw++)
      spans[kw] = TERN_VARIANT(span_of)(column * stride + kw - g->pad_left, stride, g->width);
    const ptrdiff_t count = TERN_VARIANT(clamp)(g->out_width - column, 0, LANES);
    for (ptrdiff_t n = 0; n < sum->images; n++) {
      const float *x = sum->x + n * sum->x_step, *dy = sum->dy + n * sum->dy_step + column;
      ptrdiff_t h = 0;
      for (; h + 4 <= g->out_height; h += 4)
        TERN_VARIANT(depthwise_square_sums)(
            4, size, stride, g, x, dy + h * g->out_width, spans, h, count, sums);
      for (; h < g->out_height; h++)
        TERN_VARIANT(depthwise_square_sums)(
            1, size, stride, g, x, dy + h * g->out_width, spans, h, count, sums);
    }
  }
  for (int tap = 0; tap < size * size; tap++) sum->target[tap] = TERN_VARIANT(sum)(sums[tap]);
}

/// Any kernel: the taps of one of its rows at a time.
INLINE void TERN_VARIANT(depthwise_row_gradient)(
    const ptrdiff_t width, const ptrdiff_t stride, const tern_depthwise_geometry *g, const tern_depthwise_sum *sum,
    ptrdiff_t kh) {
  VECTOR sums[TERN_DEPTHWISE_WIDTH] = {0};
  for (ptrdiff_t column = 0; column < g->out_width; column += LANES) {
    SPAN spans[TERN_DEPTHWISE_WIDTH];
    for (ptrdiff_t kw = 0; kw < width; kw++)
      spans[kw] = TERN_VARIANT(span_of)(column * stride + kw * g->column_dilation - g->pad_left, stride, g->width);
    const ptrdiff_t count = TERN_VARIANT(clamp)(g->out_width - column, 0, LANES);
    for (ptrdiff_t n = 0; n < sum->images; n++) {
      for (ptrdiff_t h = 0; h < g->out_height; h++) {
        ptrdiff_t y = h * g->row_stride + kh * g->row_dilation - g->pad_top;
        if (y < 0 || y >= g->height) continue;
        const float *row = sum->x + n * sum->x_step + y * g->width;
        VECTOR gradient =
            TERN_VARIANT(load_first)(sum->dy + n * sum->dy_step + h * g->out_width + column, count);
        for (ptrdiff_t kw = 0; kw < width; kw++)
          sums[kw] = TERN_VARIANT(fma)(gradient, TERN_VARIANT(load_span)(row, &spans[kw], stride), sums[kw]);
      }
    }
  }
  for (ptrdiff_t kw = 0; kw < width; kw++) sum->target[kh * width + kw] = TERN_VARIANT(sum)(sums[kw]);
}

static void TERN_VARIANT(depthwise_weight_gradient)(
    const tern_depthwise_geometry *g, const tern_depthwise_sum *sum) {
  const ptrdiff_t width = g->kernel_width, stride = g->column_stride;
  const bool dense = g->row_dilation == 1 && g->column_dilation == 1;
  const bool square = dense && g->kernel_height == width && g->row_stride == stride;
  if (square && width == 3 && stride == 1) return TERN_VARIANT(depthwise_square_gradient)(3, 1, g, sum);
  if (square && width == 3 && stride == 2) return TERN_VARIANT(depthwise_square_gradient)(3, 2, g, sum);
  for (ptrdiff_t kh = 0; kh < g->kernel_height; kh++) {
    if (width == 5 && stride == 1) {
      TERN_VARIANT(depthwise_row_gradient)(5, 1, g, sum, kh);
    } else if (width == 7 && stride == 1) {
      TERN_VARIANT(depthwise_row_gradient)(7, 1, g, sum, kh);
    } else {
      TERN_VARIANT(depthwise_row_gradient)(width, stride, g, sum, kh);
    }
  }
}
