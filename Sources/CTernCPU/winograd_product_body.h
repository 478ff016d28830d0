// SPDX-License-Identifier: MIT
//
// The products at the points: tiles x outputs summed over inputs, and outputs x inputs summed over tiles.

/// `rows` tiles against one panel of filters.
INLINE void TERN_VARIANT(winograd_tile)(
    const int rows, const int vectors, ptrdiff_t blocks, const float *a, ptrdiff_t a_step, const float *b, float *c,
    ptrdiff_t c_step) {
  VECTOR sums[TILE_ROWS * 2];  // those beyond rows * vectors vanish
#pragma clang loop unroll(full)
  for (int i = 0; i < rows * vectors; i++) sums[i] = (VECTOR){0};
  for (ptrdiff_t block = 0; block < blocks; block++, a += a_step) {
#pragma clang loop unroll(disable)
    for (ptrdiff_t p = 0; p < LANES; p++, b += vectors * LANES) {
      VECTOR column[2];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) column[v] = TERN_VARIANT(load)(b + v * LANES);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) {
        VECTOR row = TERN_VARIANT(splat)(a[i * LANES + p]);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++)
          sums[i * vectors + v] = TERN_VARIANT(fma)(row, column[v], sums[i * vectors + v]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows * vectors; i++)
    TERN_VARIANT(write)(c + i % vectors * c_step + i / vectors * LANES, sums[i]);
}

typedef void (*TERN_VARIANT(winograd_tile_function))(
    ptrdiff_t blocks, const float *a, ptrdiff_t a_step, const float *b, float *c, ptrdiff_t c_step);
#define WINOGRAD_TILE(rows, vectors)                                                                            \
  static void TERN_VARIANT(winograd_tile_##rows##x##vectors)(                                                   \
      ptrdiff_t blocks, const float *a, ptrdiff_t a_step, const float *b, float *c, ptrdiff_t c_step) {         \
    TERN_VARIANT(winograd_tile)(rows, vectors, blocks, a, a_step, b, c, c_step);                                \
  }
#define WINOGRAD_TILES_OF_ROWS(rows) WINOGRAD_TILE(rows, 1) WINOGRAD_TILE(rows, 2)
FOR_EACH_ROWS(WINOGRAD_TILES_OF_ROWS)
#define WINOGRAD_NAME_1(rows) TERN_VARIANT(winograd_tile_##rows##x1),
#define WINOGRAD_NAME_2(rows) TERN_VARIANT(winograd_tile_##rows##x2),
static const TERN_VARIANT(winograd_tile_function) TERN_VARIANT(winograd_tiles)[2][TILE_ROWS] = {
    {FOR_EACH_ROWS(WINOGRAD_NAME_1)}, {FOR_EACH_ROWS(WINOGRAD_NAME_2)}};
#undef WINOGRAD_TILE
#undef WINOGRAD_TILES_OF_ROWS
#undef WINOGRAD_NAME_1
#undef WINOGRAD_NAME_2

static void TERN_VARIANT(winograd_multiply)(const tern_winograd_product *product) {
  const ptrdiff_t groups = (product->tiles + TILE_ROWS - 1) / TILE_ROWS, step = product->tiles * LANES;
  for (ptrdiff_t point = 0; point < product->points; point++) {
    const float *a = product->a + point * product->a_point_step, *b = product->b + point * product->b_point_step;
    float *c = product->c + point * product->c_point_step;
    for (ptrdiff_t index = 0; index < groups; index++) {
      ptrdiff_t rows = tern_gemm_panel_rows(product->tiles, TILE_ROWS, index);
      TERN_VARIANT(winograd_tiles)[product->vectors - 1][rows - 1](
          product->input_blocks, a, product->a_block_step, b, c, step);
      a += rows * LANES;
      c += rows * LANES;
    }
  }
}

#if defined(TERN_AVX512)
#define SUM_ROWS 8  // 8 x 2 sums; more would not divide a block of 16 outputs
#else
#define SUM_ROWS 4  // 4 x 2 sums
#endif

INLINE void TERN_VARIANT(winograd_sum)(
    const int vectors, ptrdiff_t tiles, const float *a, const float *b, float *c, ptrdiff_t c_step, bool accumulate) {
  VECTOR sums[SUM_ROWS * 2];
#pragma clang loop unroll(full)
  for (int i = 0; i < SUM_ROWS * vectors; i++) sums[i] = (VECTOR){0};
#pragma clang loop unroll(disable)
  for (ptrdiff_t t = 0; t < tiles; t++) {
    VECTOR column[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) column[v] = TERN_VARIANT(load)(b + (v * tiles + t) * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < SUM_ROWS; i++) {
      VECTOR row = TERN_VARIANT(splat)(a[t * LANES + i]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        sums[i * vectors + v] = TERN_VARIANT(fma)(row, column[v], sums[i * vectors + v]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < SUM_ROWS * vectors; i++) {
    float *target = c + i / vectors * c_step + i % vectors * LANES;
    TERN_VARIANT(write)(target, accumulate ? sums[i] + TERN_VARIANT(load)(target) : sums[i]);
  }
}

static void TERN_VARIANT(winograd_correlate)(const tern_winograd_correlation *p) {
  const ptrdiff_t c_step = p->input_blocks * LANES, block_floats = p->tiles * LANES;
  // A pair of input blocks stays near while the gradients run past it.
  for (ptrdiff_t input = 0; input < p->input_blocks; input += 2) {
    const float *b = p->b + input * block_floats;
    for (ptrdiff_t output = 0; output < p->output_blocks * LANES; output += SUM_ROWS) {
      const float *a = p->a + output / LANES * block_floats + output % LANES;
      float *c = p->c + output * c_step + input * LANES;
      if (input + 1 < p->input_blocks) {
        TERN_VARIANT(winograd_sum)(2, p->tiles, a, b, c, c_step, p->accumulate);
      } else {
        TERN_VARIANT(winograd_sum)(1, p->tiles, a, b, c, c_step, p->accumulate);
      }
    }
  }
}
#undef SUM_ROWS
