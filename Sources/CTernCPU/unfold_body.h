// SPDX-License-Identifier: MIT
// Windows of a plane to columns and back. Each tap is one pass over rows, so that neighbouring windows are lanes of a
// vector.

#define UNFOLD(WORD)                                                                                              \
  const ptrdiff_t outputs = plan->output_width, stride = plan->stride_width, step = plan->column;                 \
  ptrdiff_t first, last;                                                                                          \
  tap_range(kw, plan->dilation_width, stride, plan->left, plan->width, outputs, &first, &last);                   \
  const ptrdiff_t shift = kw * plan->dilation_width - plan->left;                                                 \
  for (ptrdiff_t i = 0; i < plan->output_height; i++) {                                                           \
    const ptrdiff_t h = i * plan->stride_height + kh * plan->dilation_height - plan->top;                         \
    WORD *to = columns + i * plan->row;                                                                           \
    const int inside = h >= 0 && h < plan->height;                                                                \
    const ptrdiff_t begin = inside ? first : outputs, end = inside ? last : outputs;                              \
    for (ptrdiff_t j = 0; j < begin; j++) to[j * step] = 0;                                                       \
    if (begin < end) {                                                                                            \
      const WORD *from = x + h * plan->x_row + shift * plan->x_column;                                            \
      const ptrdiff_t stretch = stride * plan->x_column;                                                          \
      if (stretch == 1 && step == 1)                                                                              \
        memcpy(to + begin, from + begin, (size_t)(end - begin) * sizeof *to);                                     \
      else                                                                                                        \
        for (ptrdiff_t j = begin; j < end; j++) to[j * step] = from[j * stretch];                                 \
    }                                                                                                             \
    for (ptrdiff_t j = end; j < outputs; j++) to[j * step] = 0;                                                   \
  }

static void TERN_VARIANT(unfold16)(
    const tern_unfold *plan, ptrdiff_t kh, ptrdiff_t kw, const uint16_t *x, uint16_t *columns) {
  UNFOLD(uint16_t)
}

static void TERN_VARIANT(unfold32)(
    const tern_unfold *plan, ptrdiff_t kh, ptrdiff_t kw, const uint32_t *x, uint32_t *columns) {
  UNFOLD(uint32_t)
}

/// Row by row of the plane, so that a row stays in the cache while its taps are added.
static void TERN_VARIANT(fold)(const tern_unfold *plan, const float *columns, float *x) {
  const ptrdiff_t stride = plan->stride_width, step = plan->column;
  for (ptrdiff_t h = 0; h < plan->height; h++, x += plan->width) {
    memset(x, 0, (size_t)plan->width * sizeof *x);
    for (ptrdiff_t u = 0; u < plan->kernel_height; u++) {
      const ptrdiff_t down = h + plan->top - u * plan->dilation_height, i = down / plan->stride_height;
      if (down < 0 || down % plan->stride_height != 0 || i >= plan->output_height) continue;
      for (ptrdiff_t v = 0; v < plan->kernel_width; v++) {
        ptrdiff_t first, last;
        tap_range(v, plan->dilation_width, stride, plan->left, plan->width, plan->output_width, &first, &last);
        const float *from = columns + u * plan->tap_row + v * plan->tap_column + i * plan->row;
        float *to = x + v * plan->dilation_width - plan->left;
        if (stride == 1 && step == 1) {
          for (ptrdiff_t j = first; j < last; j++) to[j] += from[j];
        } else {
          for (ptrdiff_t j = first; j < last; j++) to[j * stride] += from[j * step];
        }
      }
    }
  }
}

static const struct tern_unfolding_functions TERN_VARIANT(unfolding_table) = {
    .unfold16 = TERN_VARIANT(unfold16),
    .unfold32 = TERN_VARIANT(unfold32),
    .fold = TERN_VARIANT(fold),
};

#undef UNFOLD
