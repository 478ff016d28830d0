// SPDX-License-Identifier: MIT
//
// Tiles of output positions x vectors of output channels. Inputs are broadcast, so that rows of any width and stride
// fill a tile; the sums are transposed to planes on the way out.

INLINE void TERN_VARIANT(conv_channel_tile)(
    const int rows, const int vectors, const int column_step, ptrdiff_t depth, const float *weights,
    const float *source, const int32_t *offsets, float *pixels, ptrdiff_t vector_step) {
  VECTOR sums[TILE_ROWS * 2];  // those beyond rows * vectors vanish
#pragma clang loop unroll(full)
  for (int i = 0; i < rows * vectors; i++) sums[i] = (VECTOR){0};
#pragma clang loop unroll(disable)
  for (ptrdiff_t p = 0; p < depth; p++, weights += TILE_COLUMNS) {
    const float *start = source + offsets[p];
    VECTOR column[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) column[v] = TERN_VARIANT(load)(weights + v * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      VECTOR row = TERN_VARIANT(splat)(start[i * column_step]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        sums[i * vectors + v] = TERN_VARIANT(fma)(row, column[v], sums[i * vectors + v]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows * vectors; i++)
    TERN_VARIANT(write)(pixels + i % vectors * vector_step + i / vectors * LANES, sums[i]);
}

typedef void (*TERN_VARIANT(conv_channel_function))(
    ptrdiff_t depth, const float *weights, const float *source, const int32_t *offsets, float *pixels,
    ptrdiff_t vector_step);
#define CHANNEL_TILE(rows, vectors, column_step)                                                             \
  static void TERN_VARIANT(conv_channel_tile_##rows##x##vectors##_##column_step)(                            \
      ptrdiff_t depth, const float *weights, const float *source, const int32_t *offsets, float *pixels,     \
      ptrdiff_t vector_step) {                                                                               \
    TERN_VARIANT(conv_channel_tile)(                                                                         \
        rows, vectors, column_step, depth, weights, source, offsets, pixels, vector_step);                   \
  }
#define CHANNEL_TILES(rows)                                                                                  \
  CHANNEL_TILE(rows, 1, 1) CHANNEL_TILE(rows, 2, 1) CHANNEL_TILE(rows, 1, 2) CHANNEL_TILE(rows, 2, 2)
FOR_EACH_ROWS(CHANNEL_TILES)
#define CHANNEL_NAME_1_1(rows) TERN_VARIANT(conv_channel_tile_##rows##x1_1),
#define CHANNEL_NAME_2_1(rows) TERN_VARIANT(conv_channel_tile_##rows##x2_1),
#define CHANNEL_NAME_1_2(rows) TERN_VARIANT(conv_channel_tile_##rows##x1_2),
#define CHANNEL_NAME_2_2(rows) TERN_VARIANT(conv_channel_tile_##rows##x2_2),
static const TERN_VARIANT(conv_channel_function) TERN_VARIANT(conv_channel_tiles)[2][2][TILE_ROWS] = {
    {{FOR_EACH_ROWS(CHANNEL_NAME_1_1)}, {FOR_EACH_ROWS(CHANNEL_NAME_2_1)}},
    {{FOR_EACH_ROWS(CHANNEL_NAME_1_2)}, {FOR_EACH_ROWS(CHANNEL_NAME_2_2)}},
};
#undef CHANNEL_TILE
#undef CHANNEL_TILES
#undef CHANNEL_NAME_1_1
#undef CHANNEL_NAME_2_1
#undef CHANNEL_NAME_1_2
#undef CHANNEL_NAME_2_2

enum { TERN_VARIANT(conv_strip) = 64 };  // positions that are transposed together: 8 KiB
#define STRIP TERN_VARIANT(conv_strip)

static void TERN_VARIANT(conv_convolve_channels)(const tern_conv_channel_pass *pass) {
  VECTOR pixels[2][STRIP];
  const ptrdiff_t segments = (pass->out_width + TILE_ROWS - 1) / TILE_ROWS;
  const ptrdiff_t positions = pass->out_height * pass->out_width;
  const bool rectifies = pass->activation == TERN_ACTIVATION_RELU;
  for (ptrdiff_t channel = 0; channel < pass->channels; channel += TILE_COLUMNS) {
    const ptrdiff_t channels = TERN_VARIANT(clamp)(pass->channels - channel, 0, TILE_COLUMNS);
    const int vectors = channels > LANES ? 2 : 1;
    VECTOR bias[2] = {0};
    for (int v = 0; v < vectors && pass->bias; v++)
      bias[v] = TERN_VARIANT(load_first)(
          pass->bias + channel + v * LANES, TERN_VARIANT(clamp)(channels - v * LANES, 0, LANES));
    const float *weights = pass->weights + channel * pass->depth;
    const TERN_VARIANT(conv_channel_function) *tiles =
        TERN_VARIANT(conv_channel_tiles)[pass->column_step - 1][vectors - 1];
    // The rows of a plane follow each other: strips run on from one to the next.
    ptrdiff_t first = 0, next = 0;
    for (ptrdiff_t h = 0; h < pass->out_height; h++) {
      const float *source = pass->source + h * pass->row_step;
      for (ptrdiff_t segment = 0; segment < segments; segment++) {
        const ptrdiff_t rows = tern_gemm_panel_rows(pass->out_width, TILE_ROWS, segment);
        tiles[rows - 1](
            pass->depth, weights, source, pass->offsets, (float *)&pixels[0][next - first], STRIP * LANES);
        source += rows * pass->column_step;
        next += rows;
        if (next - first + TILE_ROWS <= STRIP && next < positions) continue;
        for (int v = 0; v < vectors; v++) {
          for (ptrdiff_t i = 0; i < next - first; i++) {
            const VECTOR pixel = pixels[v][i] + bias[v];
            pixels[v][i] = rectifies ? TERN_VARIANT(relu)(pixel) : pixel;
          }
          if (pass->activation != TERN_ACTIVATION_NONE && !rectifies)
            TERN_VARIANT(activate)((float *)pixels[v], (next - first) * LANES, pass->activation);
          TERN_VARIANT(store_pixels)(
              (const float *)pixels[v], LANES, TERN_VARIANT(clamp)(channels - v * LANES, 0, LANES), next - first,
              pass->target + (channel + v * LANES) * pass->channel_step + first, pass->channel_step);
        }
        first = next;
      }
    }
  }
}
#undef STRIP
