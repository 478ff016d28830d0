// SPDX-License-Identifier: MIT
//
// Tiles of output channels x vectors of output positions. Each vector of a tile has its own place in the planes and in
// the target, so that a tile may take several short rows at once. Positions are either cut at the ends of the output
// rows and stored from the registers, or run on over the ends of the padded rows ("linear"), where the few positions
// between the rows are computed in vain and left out when a tile is copied: whichever takes fewer vectors.

/// One vector of positions.
typedef struct TERN_VARIANT(conv_vector) {
  ptrdiff_t source, target, count;
} TERN_VARIANT(conv_vector);

/// Where a tile is stored.
typedef struct TERN_VARIANT(conv_store) {
  float *target;
  ptrdiff_t channel_step;
  const float *bias;
  int32_t activation;
  TERN_VARIANT(conv_vector) vectors[4];
} TERN_VARIANT(conv_store);

INLINE void TERN_VARIANT(conv_tile)(
    const int rows, const int vectors, ptrdiff_t depth, const float *weights, const float *source,
    const int32_t *offsets, const TERN_VARIANT(conv_store) *store) {
  VECTOR sums[TILE_ROWS * 2];  // those beyond rows * vectors vanish
  const float *sources[4];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) sources[v] = source + store->vectors[v].source;
#pragma clang loop unroll(full)
  for (int i = 0; i < rows * vectors; i++)
    sums[i] = store->bias ? TERN_VARIANT(splat)(store->bias[i / vectors]) : (VECTOR){0};
#pragma clang loop unroll(disable)
  for (ptrdiff_t p = 0; p < depth; p++, weights += rows) {
    ptrdiff_t offset = offsets[p];
    VECTOR column[4];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) column[v] = TERN_VARIANT(load)(sources[v] + offset);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      VECTOR row = TERN_VARIANT(splat)(weights[i]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        sums[i * vectors + v] = TERN_VARIANT(fma)(row, column[v], sums[i * vectors + v]);
    }
  }
  TERN_VARIANT(activate_sums)(sums, rows * vectors, store->activation);
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    float *target = store->target + store->vectors[v].target;
    ptrdiff_t count = store->vectors[v].count;
    if (count == LANES) {
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) TERN_VARIANT(write)(target + i * store->channel_step, sums[i * vectors + v]);
    } else {
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++)
        TERN_VARIANT(write_first)(target + i * store->channel_step, sums[i * vectors + v], count);
    }
  }
}

typedef void (*TERN_VARIANT(conv_tile_function))(
    ptrdiff_t depth, const float *weights, const float *source, const int32_t *offsets,
    const TERN_VARIANT(conv_store) *store);

#define CONV_TILE(rows, vectors)                                                                       \
  static void TERN_VARIANT(conv_tile_##rows##x##vectors)(                                              \
      ptrdiff_t depth, const float *weights, const float *source, const int32_t *offsets,              \
      const TERN_VARIANT(conv_store) * store) {                                                        \
    TERN_VARIANT(conv_tile)(rows, vectors, depth, weights, source, offsets, store);                    \
  }
#define CONV_TILES_OF_ROWS(rows) CONV_TILE(rows, 1) CONV_TILE(rows, 2)
#define CONV_WIDE_TILES_OF_ROWS(rows) CONV_TILE(rows, 3) CONV_TILE(rows, 4)
FOR_EACH_ROWS(CONV_TILES_OF_ROWS)
FOR_EACH_WIDE_ROWS(CONV_WIDE_TILES_OF_ROWS)

#define CONV_NAME_1(rows) TERN_VARIANT(conv_tile_##rows##x1),
#define CONV_NAME_2(rows) TERN_VARIANT(conv_tile_##rows##x2),
#define CONV_NAME_3(rows) TERN_VARIANT(conv_tile_##rows##x3),
#define CONV_NAME_4(rows) TERN_VARIANT(conv_tile_##rows##x4),
static const TERN_VARIANT(conv_tile_function) TERN_VARIANT(conv_tiles)[4][TILE_ROWS] = {
    {FOR_EACH_ROWS(CONV_NAME_1)},
    {FOR_EACH_ROWS(CONV_NAME_2)},
    {FOR_EACH_WIDE_ROWS(CONV_NAME_3)},
    {FOR_EACH_WIDE_ROWS(CONV_NAME_4)},
};
#undef CONV_TILE
#undef CONV_TILES_OF_ROWS
#undef CONV_WIDE_TILES_OF_ROWS
#undef CONV_NAME_1
#undef CONV_NAME_2
#undef CONV_NAME_3
#undef CONV_NAME_4

/// Copies the positions `start ..< end` of a linear tile that are pixels to where they belong.
static void TERN_VARIANT(conv_scatter)(
    const tern_conv_pass *pass, const float *tile, ptrdiff_t tile_step, ptrdiff_t rows, float *target,
    ptrdiff_t start, ptrdiff_t end) {
  for (ptrdiff_t q = start; q < end;) {
    ptrdiff_t h = q / pass->pitch, w = q % pass->pitch;
    ptrdiff_t count = TERN_VARIANT(clamp)(pass->out_width - w, 0, end - q);
    for (ptrdiff_t i = 0; i < rows; i++) {
      const float *from = tile + i * tile_step + q - start;
      float *to = target + i * pass->channel_step + h * pass->row_step + w * pass->column_step;
      if (pass->column_step == 1) {
        TERN_VARIANT(copy)(to, from, count);
      } else {
        for (ptrdiff_t j = 0; j < count; j++) to[j * pass->column_step] = from[j];
      }
    }
    q += pass->pitch - w;
  }
}

/// One panel of output channels over all positions of the padded rows.
static void TERN_VARIANT(conv_linear)(
    const tern_conv_pass *pass, ptrdiff_t channel, ptrdiff_t rows, const float *weights, ptrdiff_t vectors) {
  TERN_ALIGNED float tile[TILE_ROWS * 2 * LANES];
  ptrdiff_t length = (pass->out_height - 1) * pass->pitch + pass->out_width;
  for (ptrdiff_t start = 0; start < length; start += vectors * LANES) {
    ptrdiff_t end = TERN_VARIANT(clamp)(start + vectors * LANES, 0, length);
    ptrdiff_t used = (end - start + LANES - 1) / LANES;
    TERN_VARIANT(conv_store) store = {
        .target = tile,
        .channel_step = used * LANES,
        .bias = pass->bias ? pass->bias + channel : NULL,
        .activation = pass->activation,
    };
    for (ptrdiff_t v = 0; v < used; v++)
      store.vectors[v] = (TERN_VARIANT(conv_vector)){.source = v * LANES, .target = v * LANES, .count = LANES};
    TERN_VARIANT(conv_tiles)[used - 1][rows - 1](pass->depth, weights, pass->source + start, pass->offsets, &store);
    TERN_VARIANT(conv_scatter)(
        pass, tile, used * LANES, rows, pass->target + channel * pass->channel_step, start, end);
  }
}

/// One panel of output channels, in vectors that end with the output rows.
static void TERN_VARIANT(conv_rows)(
    const tern_conv_pass *pass, ptrdiff_t channel, ptrdiff_t rows, const float *weights, ptrdiff_t vectors) {
  TERN_VARIANT(conv_store) store = {
      .target = pass->target + channel * pass->channel_step,
      .channel_step = pass->channel_step,
      .bias = pass->bias ? pass->bias + channel : NULL,
      .activation = pass->activation,
  };
  ptrdiff_t used = 0;
  for (ptrdiff_t h = 0; h < pass->out_height; h++) {
    for (ptrdiff_t w = 0; w < pass->out_width; w += LANES) {
      store.vectors[used++] = (TERN_VARIANT(conv_vector)){
          .source = h * pass->pitch + w,
          .target = h * pass->row_step + w,
          .count = TERN_VARIANT(clamp)(pass->out_width - w, 0, LANES),
      };
      if (used < vectors) continue;
      TERN_VARIANT(conv_tiles)[used - 1][rows - 1](pass->depth, weights, pass->source, pass->offsets, &store);
      used = 0;
    }
  }
  if (used > 0)
    TERN_VARIANT(conv_tiles)[used - 1][rows - 1](pass->depth, weights, pass->source, pass->offsets, &store);
}

static void TERN_VARIANT(conv_convolve)(const tern_conv_pass *pass) {
  if (pass->channels <= 0 || pass->out_height <= 0 || pass->out_width <= 0) return;
  ptrdiff_t length = (pass->out_height - 1) * pass->pitch + pass->out_width;
  ptrdiff_t row_vectors = pass->out_height * ((pass->out_width + LANES - 1) / LANES);
  // Copying linear tiles costs about as much as one more vector in sixteen.
  int linear = pass->column_step != 1 || (length + LANES - 1) / LANES * 17 < row_vectors * 16;
  ptrdiff_t panels = (pass->channels + TILE_ROWS - 1) / TILE_ROWS, channel = 0;
  for (ptrdiff_t index = 0; index < panels; index++) {
    ptrdiff_t rows = tern_gemm_panel_rows(pass->channels, TILE_ROWS, index);
    const float *weights = pass->weights + channel * pass->depth;
    ptrdiff_t vectors = rows <= WIDE_ROWS ? 4 : 2;
    if (linear) {
      TERN_VARIANT(conv_linear)(pass, channel, rows, weights, vectors);
    } else {
      TERN_VARIANT(conv_rows)(pass, channel, rows, weights, vectors);
    }
    channel += rows;
  }
}
