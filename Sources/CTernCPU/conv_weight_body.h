// SPDX-License-Identifier: MIT
//
// The gradient of the weights: a tile of output channels x taps, each sum a vector that runs along the positions.

#if defined(TERN_AVX512) || defined(__aarch64__)
#define FOR_EACH_WEIGHT_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define WEIGHT_ROWS 6  // 6 x 4 sums, 6 rows and a tap: 31 of 32 registers
#else
#define FOR_EACH_WEIGHT_ROWS(X) X(1) X(2)
#define WEIGHT_ROWS 2  // 2 x 4 sums, 2 rows and a tap: 11 of 16 registers; 3 x 4 would spill
#endif
#define WEIGHT_TAPS 4

/// `sums += rows x taps` over one image; only the last step is cut off, so that nothing behind `length` is read.
INLINE void TERN_VARIANT(conv_weight_step)(
    const int rows, const int taps, const float *dy, ptrdiff_t dy_step, const float *const *sources, ptrdiff_t q,
    ptrdiff_t count, VECTOR *sums) {
  VECTOR row[WEIGHT_ROWS];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
    row[i] = count == LANES ? TERN_VARIANT(load)(dy + i * dy_step + q)
                            : TERN_VARIANT(load_first)(dy + i * dy_step + q, count);
#pragma clang loop unroll(full)
  for (int t = 0; t < taps; t++) {
    VECTOR tap = count == LANES ? TERN_VARIANT(load)(sources[t] + q) : TERN_VARIANT(load_first)(sources[t] + q, count);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) sums[i * taps + t] = TERN_VARIANT(fma)(row[i], tap, sums[i * taps + t]);
  }
}

INLINE void TERN_VARIANT(conv_weight_tile)(
    const int rows, const int taps, const tern_conv_weight_pass *pass, const float *dy, const int32_t *offsets,
    float *target) {
  VECTOR sums[WEIGHT_ROWS * WEIGHT_TAPS];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows * taps; i++) sums[i] = (VECTOR){0};
  ptrdiff_t whole = pass->length / LANES * LANES;
  for (ptrdiff_t n = 0; n < pass->images; n++) {
    const float *sources[WEIGHT_TAPS];
#pragma clang loop unroll(full)
    for (int t = 0; t < taps; t++) sources[t] = pass->source + n * pass->image_step + offsets[t];
    const float *image_dy = dy + n * pass->dy_image_step;
    for (ptrdiff_t q = 0; q < whole; q += LANES)
      TERN_VARIANT(conv_weight_step)(rows, taps, image_dy, pass->dy_step, sources, q, LANES, sums);
    if (whole < pass->length)
      TERN_VARIANT(conv_weight_step)(
          rows, taps, image_dy, pass->dy_step, sources, whole, pass->length - whole, sums);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
    VECTOR row[WEIGHT_TAPS] = {0};
#pragma clang loop unroll(full)
    for (int t = 0; t < taps; t++) row[t] = sums[i * taps + t];
    QUAD total = TERN_VARIANT(sum_of_four)(row[0], row[1], row[2], row[3]);
#pragma clang loop unroll(full)
    for (int t = 0; t < taps; t++) target[i * pass->target_step + t] += total[t];
  }
}

typedef void (*TERN_VARIANT(conv_weight_function))(
    const tern_conv_weight_pass *pass, const float *dy, const int32_t *offsets, float *target);
#define WEIGHT_TILE(rows, taps)                                                                          \
  static void TERN_VARIANT(conv_weight_tile_##rows##x##taps)(                                            \
      const tern_conv_weight_pass *pass, const float *dy, const int32_t *offsets, float *target) {       \
    TERN_VARIANT(conv_weight_tile)(rows, taps, pass, dy, offsets, target);                               \
  }
#define WEIGHT_TILES(rows) WEIGHT_TILE(rows, 1) WEIGHT_TILE(rows, 2) WEIGHT_TILE(rows, 3) WEIGHT_TILE(rows, 4)
FOR_EACH_WEIGHT_ROWS(WEIGHT_TILES)
#define WEIGHT_NAMES(rows)                                                                               \
  {TERN_VARIANT(conv_weight_tile_##rows##x1), TERN_VARIANT(conv_weight_tile_##rows##x2),                 \
   TERN_VARIANT(conv_weight_tile_##rows##x3), TERN_VARIANT(conv_weight_tile_##rows##x4)},
static const TERN_VARIANT(conv_weight_function) TERN_VARIANT(conv_weight_tiles)[WEIGHT_ROWS][WEIGHT_TAPS] = {
    FOR_EACH_WEIGHT_ROWS(WEIGHT_NAMES)};
#undef WEIGHT_TILE
#undef WEIGHT_TILES
#undef WEIGHT_NAMES

static void TERN_VARIANT(conv_add_weight_gradient)(const tern_conv_weight_pass *pass) {
  if (pass->channels <= 0 || pass->depth <= 0) return;
  ptrdiff_t row_panels = (pass->channels + WEIGHT_ROWS - 1) / WEIGHT_ROWS, row = 0;
  ptrdiff_t tap_panels = (pass->depth + WEIGHT_TAPS - 1) / WEIGHT_TAPS;
  // The rows of `dy` stay in the first-level cache while the taps, which overlap each other, run through.
  for (ptrdiff_t row_index = 0; row_index < row_panels; row_index++) {
    ptrdiff_t rows = tern_gemm_panel_rows(pass->channels, WEIGHT_ROWS, row_index), tap = 0;
    for (ptrdiff_t tap_index = 0; tap_index < tap_panels; tap_index++) {
      ptrdiff_t taps = tern_gemm_panel_rows(pass->depth, WEIGHT_TAPS, tap_index);
      TERN_VARIANT(conv_weight_tiles)[rows - 1][taps - 1](
          pass, pass->dy + row * pass->dy_step, pass->offsets + tap, pass->target + row * pass->target_step + tap);
      tap += taps;
    }
    row += rows;
  }
}
#undef WEIGHT_ROWS
#undef WEIGHT_TAPS
#undef FOR_EACH_WEIGHT_ROWS
