// SPDX-License-Identifier: MIT
//
// Padding, and packing what is padded.

/// The first `i >= 0` with `i * stride + shift >= bound`, at most `limit`.
INLINE ptrdiff_t TERN_VARIANT(first_at)(ptrdiff_t bound, ptrdiff_t shift, ptrdiff_t stride, ptrdiff_t limit) {
  ptrdiff_t distance = bound - shift;
  return distance <= 0 ? 0 : TERN_VARIANT(clamp)((distance + stride - 1) / stride, 0, limit);
}

/// Copies by whole vectors, without a call for the short rows that images have.
INLINE void TERN_VARIANT(copy)(float *target, const float *source, ptrdiff_t count) {
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES) TERN_VARIANT(write)(target + i, TERN_VARIANT(load)(source + i));
#if defined(TERN_BASELINE)
  for (; i < count; i++) target[i] = source[i];
#else
  if (i < count) TERN_VARIANT(write_first)(target + i, TERN_VARIANT(load_first)(source + i, count - i), count - i);
#endif
}

static void TERN_VARIANT(conv_pad)(const tern_conv_planes *p) {
  float *row = p->planes;
  const ptrdiff_t columns = p->plane_width;
  for (ptrdiff_t c = 0; c < p->channels; c++) {
    const float *image = p->image + c * p->height * p->width;
    for (ptrdiff_t r = 0; r < p->row_stride; r++) {
      for (ptrdiff_t s = 0; s < p->column_stride; s++) {
        ptrdiff_t shift = s - p->pad_left;
        ptrdiff_t start = TERN_VARIANT(first_at)(0, shift, p->column_stride, columns);
        ptrdiff_t end = TERN_VARIANT(first_at)(p->width, shift, p->column_stride, columns);
        for (ptrdiff_t i = 0; i < p->plane_height; i++, row += columns) {
          ptrdiff_t y = i * p->row_stride + r - p->pad_top;
          if (y < 0 || y >= p->height) {
            memset(row, 0, (size_t)columns * sizeof(float));
            continue;
          }
          const float *source = image + y * p->width + shift;
          for (ptrdiff_t j = 0; j < start; j++) row[j] = 0;
          if (p->column_stride == 1) {
            TERN_VARIANT(copy)(row + start, source + start, end - start);
          } else {
            for (ptrdiff_t j = start; j < end; j++) row[j] = source[j * p->column_stride];
          }
          for (ptrdiff_t j = end; j < columns; j++) row[j] = 0;
        }
      }
    }
  }
}

static void TERN_VARIANT(conv_pack_pixels)(
    const tern_conv_pass *pass, ptrdiff_t first, ptrdiff_t count, float *panels) {
  for (ptrdiff_t pixel = first; pixel < first + count; pixel += TILE_COLUMNS, panels += pass->depth * TILE_COLUMNS) {
    // The panel's runs of pixels within one output row, the same for every depth.
    ptrdiff_t source[TILE_COLUMNS], length[TILE_COLUMNS];
    int runs = 0;
    ptrdiff_t columns = TERN_VARIANT(clamp)(first + count - pixel, 0, TILE_COLUMNS);
    for (ptrdiff_t column = 0; column < columns; column += length[runs++]) {
      ptrdiff_t h = (pixel + column) / pass->out_width, w = (pixel + column) % pass->out_width;
      source[runs] = h * pass->pitch + w;
      length[runs] = TERN_VARIANT(clamp)(pass->out_width - w, 0, columns - column);
    }
    for (ptrdiff_t p = 0; p < pass->depth; p++) {
      const float *base = pass->source + pass->offsets[p];
      float *panel = panels + p * TILE_COLUMNS;
      for (int run = 0; run < runs; panel += length[run++])
        TERN_VARIANT(copy)(panel, base + source[run], length[run]);
      for (ptrdiff_t column = columns; column < TILE_COLUMNS; column++) *panel++ = 0;
    }
  }
}

static void TERN_VARIANT(conv_pack_taps)(
    const tern_conv_pass *pass, ptrdiff_t first, ptrdiff_t count, ptrdiff_t images, ptrdiff_t image_step,
    float *panel) {
  for (ptrdiff_t n = 0; n < images; n++) {
    for (ptrdiff_t h = 0; h < pass->out_height; h++, panel += pass->out_width * TILE_COLUMNS) {
      const float *row = pass->source + n * image_step + h * pass->pitch;
      const int32_t *offsets = pass->offsets + first;
      ptrdiff_t tap = 0;
      for (; tap + 4 <= count; tap += 4)
        TERN_VARIANT(pack_four)(
            row + offsets[tap], row + offsets[tap + 1], row + offsets[tap + 2], row + offsets[tap + 3],
            pass->out_width, panel + tap, TILE_COLUMNS);
      for (; tap < count; tap++)
        for (ptrdiff_t w = 0; w < pass->out_width; w++) panel[w * TILE_COLUMNS + tap] = row[offsets[tap] + w];
      if (count == TILE_COLUMNS) continue;
      for (ptrdiff_t w = 0; w < pass->out_width; w++)
        for (ptrdiff_t rest = count; rest < TILE_COLUMNS; rest++) panel[w * TILE_COLUMNS + rest] = 0;
    }
  }
}

static void TERN_VARIANT(conv_pack_gradient)(
    const float *dy, ptrdiff_t rows, ptrdiff_t row_step, ptrdiff_t images, ptrdiff_t image_step, ptrdiff_t length,
    float *panels) {
  ptrdiff_t count = (rows + TILE_ROWS - 1) / TILE_ROWS, row = 0;
  for (ptrdiff_t index = 0; index < count; index++) {
    ptrdiff_t lanes = tern_gemm_panel_rows(rows, TILE_ROWS, index);
    for (ptrdiff_t n = 0; n < images; n++, panels += length * lanes)
      TERN_VARIANT(pack_transposed)(dy + n * image_step + row * row_step, row_step, lanes, length, panels, lanes);
    row += lanes;
  }
}

static void TERN_VARIANT(conv_pack_weights)(
    const float *weights, ptrdiff_t rows, ptrdiff_t row_stride, ptrdiff_t outer, ptrdiff_t outer_stride,
    ptrdiff_t taps, const int32_t *tap_offsets, float *panels) {
  ptrdiff_t count = (rows + TILE_ROWS - 1) / TILE_ROWS, row = 0;
  for (ptrdiff_t index = 0; index < count; index++) {
    ptrdiff_t lanes = tern_gemm_panel_rows(rows, TILE_ROWS, index);
    for (ptrdiff_t o = 0; o < outer; o++) {
      for (ptrdiff_t t = 0; t < taps; t++) {
        const float *source = weights + row * row_stride + o * outer_stride + tap_offsets[t];
        for (ptrdiff_t lane = 0; lane < lanes; lane++) *panels++ = source[lane * row_stride];
      }
    }
    row += lanes;
  }
}
