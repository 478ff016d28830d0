// SPDX-License-Identifier: MIT
//
// Packing: strips of a strided matrix of any element type become panels of floats, `panel[p][lane]`.

#include "transpose_body.h"

/// Lanes are contiguous: rows are copied.
static void TERN_VARIANT(pack_contiguous)(
    const float *source, ptrdiff_t step, ptrdiff_t lanes, ptrdiff_t k, float *panel, ptrdiff_t width) {
  if (lanes == 2 * LANES && width == 2 * LANES) {
    for (ptrdiff_t p = 0; p < k; p++) {
      VECTOR low = TERN_VARIANT(load)(source + p * step), high = TERN_VARIANT(load)(source + p * step + LANES);
      TERN_VARIANT(write)(panel + p * 2 * LANES, low);
      TERN_VARIANT(write)(panel + p * 2 * LANES + LANES, high);
    }
    return;
  }
  for (ptrdiff_t p = 0; p < k; p++) {
    const float *from = source + p * step;
    float *to = panel + p * width;
    ptrdiff_t lane = 0;
    for (; lane + LANES <= lanes; lane += LANES) TERN_VARIANT(write)(to + lane, TERN_VARIANT(load)(from + lane));
    if (lane == lanes) continue;
    // The rest in quads, the last of which overlaps the one before it.
    for (; lane + 4 <= lanes; lane += 4) TERN_VARIANT(write_quad)(to + lane, TERN_VARIANT(load_quad)(from + lane));
    if (lane == lanes) continue;
    if (lanes >= 4) {
      TERN_VARIANT(write_quad)(to + lanes - 4, TERN_VARIANT(load_quad)(from + lanes - 4));
    } else {
      for (; lane < lanes; lane++) to[lane] = from[lane];
    }
  }
}

#define PACK_STRIDED(name, type, convert)                                                                  \
  static void TERN_VARIANT(name)(                                                                          \
      const type *source, ptrdiff_t lane_step, ptrdiff_t step, ptrdiff_t lanes, ptrdiff_t k, float *panel,       \
      ptrdiff_t width) {                                                                                   \
    for (ptrdiff_t p = 0; p < k; p++)                                                                      \
      for (ptrdiff_t lane = 0; lane < lanes; lane++)                                                             \
        panel[p * width + lane] = convert(source[lane * lane_step + p * step]);                            \
  }
PACK_STRIDED(pack_float, float, tern_same)
PACK_STRIDED(pack_half, uint16_t, tern_float_of_half)
PACK_STRIDED(pack_bfloat16, uint16_t, tern_float_of_bfloat16)
#undef PACK_STRIDED

/// One panel: `panel[p][lane] = element[lane * lane_step + p * step]`, zeros in lanes `lanes ..< width`.
static void TERN_VARIANT(pack_panel)(
    const void *source, tern_element element, ptrdiff_t first, ptrdiff_t lane_step, ptrdiff_t step, ptrdiff_t lanes,
    ptrdiff_t k, float *panel, ptrdiff_t width) {
  if (element == TERN_ELEMENT_FLOAT32) {
    const float *floats = (const float *)source + first;
    if (lane_step == 1) {
      TERN_VARIANT(pack_contiguous)(floats, step, lanes, k, panel, width);
    } else if (step == 1) {
      TERN_VARIANT(pack_transposed)(floats, lane_step, lanes, k, panel, width);
    } else {
      TERN_VARIANT(pack_float)(floats, lane_step, step, lanes, k, panel, width);
    }
  } else if (element == TERN_ELEMENT_FLOAT16) {
    TERN_VARIANT(pack_half)((const uint16_t *)source + first, lane_step, step, lanes, k, panel, width);
  } else {
    TERN_VARIANT(pack_bfloat16)((const uint16_t *)source + first, lane_step, step, lanes, k, panel, width);
  }
  if (lanes == width) return;
  for (ptrdiff_t p = 0; p < k; p++)
    for (ptrdiff_t lane = lanes; lane < width; lane++) panel[p * width + lane] = 0;
}

/// Four or more lanes of a few steps, contiguous in memory, for one panel.
INLINE void TERN_VARIANT(pack_steps)(
    const float *source, ptrdiff_t step, ptrdiff_t lanes, ptrdiff_t steps, float *panel) {
  for (ptrdiff_t p = 0; p < steps; p++, source += step, panel += lanes) {
    ptrdiff_t lane = 0;
    for (; lane + 4 <= lanes; lane += 4) TERN_VARIANT(write_quad)(panel + lane, TERN_VARIANT(load_quad)(source + lane));
    if (lane < lanes) TERN_VARIANT(write_quad)(panel + lanes - 4, TERN_VARIANT(load_quad)(source + lanes - 4));
  }
}

/// `count` panels of at least four of `m` contiguous lanes, a few steps at a time: what a step holds is read in one
/// go. Steps are far apart, often by a power of two, so that neither does the machine foresee them, nor do the lines of
/// many stay near until the next panel comes.
static void TERN_VARIANT(pack_rows_contiguous)(
    const float *source, ptrdiff_t step, ptrdiff_t count, ptrdiff_t m, ptrdiff_t k, float *panels) {
  enum { AT_ONCE = 4, AHEAD = 8, LINE = 16 };
  for (ptrdiff_t p = 0; p < k; p += AT_ONCE) {
    const ptrdiff_t steps = k - p < AT_ONCE ? k - p : AT_ONCE;
    for (ptrdiff_t ahead = p + AHEAD; ahead < p + AHEAD + steps && ahead < k; ahead++)
      for (ptrdiff_t lane = 0; lane < m; lane += LINE) __builtin_prefetch(source + ahead * step + lane);
    for (ptrdiff_t index = 0, row = 0; index < count; index++) {
      const ptrdiff_t rows = tern_gemm_panel_rows(m, TILE_ROWS, index);
      TERN_VARIANT(pack_steps)(source + p * step + row, step, rows, steps, panels + row * k + p * rows);
      row += rows;
    }
  }
}

static void TERN_VARIANT(gemm_pack_rows)(
    const tern_matrix *a, ptrdiff_t first, ptrdiff_t m, ptrdiff_t p, ptrdiff_t k, float *panels) {
  if (m <= 0) return;
  ptrdiff_t count = (m + TILE_ROWS - 1) / TILE_ROWS, row = 0;
  if (a->element == TERN_ELEMENT_FLOAT32 && a->row_stride == 1 && count > 1 && m / count >= 4) {
    const float *source = (const float *)a->data + first + p * a->column_stride;
    TERN_VARIANT(pack_rows_contiguous)(source, a->column_stride, count, m, k, panels);
    return;
  }
  for (ptrdiff_t index = 0; index < count; index++) {
    ptrdiff_t rows = tern_gemm_panel_rows(m, TILE_ROWS, index);
    TERN_VARIANT(pack_panel)(
        a->data, a->element, (first + row) * a->row_stride + p * a->column_stride, a->row_stride, a->column_stride,
        rows, k, panels + row * k, rows);
    row += rows;
  }
}

static void TERN_VARIANT(gemm_pack_columns)(
    const tern_matrix *b, ptrdiff_t first, ptrdiff_t n, ptrdiff_t p, ptrdiff_t k, float *panels) {
  const ptrdiff_t width = 2 * LANES;
  for (ptrdiff_t column = 0; column < n; column += width) {
    ptrdiff_t lanes = n - column < width ? n - column : width;
    TERN_VARIANT(pack_panel)(
        b->data, b->element, (first + column) * b->column_stride + p * b->row_stride, b->column_stride, b->row_stride,
        lanes, k, panels + column * k, width);
  }
}

static void TERN_VARIANT(gemm_load)(const tern_matrix *source, ptrdiff_t m, ptrdiff_t n, float *target) {
  // A panel as wide as the matrix is the matrix.
  TERN_VARIANT(pack_panel)(
      source->data, source->element, 0, source->column_stride, source->row_stride, n, m, target, n);
}

#define STORE_STRIDED(name, type, convert)                                                                     \
  static void TERN_VARIANT(name)(                                                                              \
      const float *source, ptrdiff_t m, ptrdiff_t n, type *target, ptrdiff_t row_stride, ptrdiff_t stride) {   \
    for (ptrdiff_t i = 0; i < m; i++)                                                                          \
      for (ptrdiff_t j = 0; j < n; j++) target[i * row_stride + j * stride] = convert(source[i * n + j]);      \
  }
STORE_STRIDED(store_float, float, tern_same)
STORE_STRIDED(store_half, uint16_t, tern_half_of_float)
STORE_STRIDED(store_bfloat16, uint16_t, tern_bfloat16_of_float)
#undef STORE_STRIDED

static void TERN_VARIANT(gemm_store)(
    const float *source, ptrdiff_t m, ptrdiff_t n, void *target, ptrdiff_t row_stride, ptrdiff_t column_stride,
    tern_element element) {
  if (element == TERN_ELEMENT_FLOAT32) {
    TERN_VARIANT(store_float)(source, m, n, target, row_stride, column_stride);
  } else if (element == TERN_ELEMENT_FLOAT16) {
    TERN_VARIANT(store_half)(source, m, n, target, row_stride, column_stride);
  } else {
    TERN_VARIANT(store_bfloat16)(source, m, n, target, row_stride, column_stride);
  }
}
