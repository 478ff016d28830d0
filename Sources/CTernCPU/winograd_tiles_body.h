// SPDX-License-Identifier: MIT
//
// Tiles between the planes of images and blocks of channels. Rows of pixels are transposed to `[pixel][lane]`, once for
// all the tiles that share them.

/// One row of pixels, `count` of them from column `x` on, zeros outside the plane.
static void TERN_VARIANT(winograd_load_row)(
    const tern_winograd_source *source, const float *planes, ptrdiff_t y, ptrdiff_t x, ptrdiff_t count, float *row) {
  const tern_winograd_grid *grid = &source->grid;
  ptrdiff_t start = TERN_VARIANT(clamp)(-x, 0, count), end = TERN_VARIANT(clamp)(grid->width - x, start, count);
  if (y < 0 || y >= grid->height) start = end = count;
  memset(row, 0, (size_t)(start * LANES) * sizeof(float));
  if (end > start)
    TERN_VARIANT(pack_transposed)(
        planes + y * grid->width + x + start, grid->height * grid->width, source->channels, end - start,
        row + start * LANES, LANES);
  memset(row + end * LANES, 0, (size_t)((count - end) * LANES) * sizeof(float));
}

enum { TERN_VARIANT(winograd_group) = 4 };  // tiles in a row that share their columns: 7 KiB of lines
#define GROUP TERN_VARIANT(winograd_group)

/// Transforms tiles of `edge` x `edge` pixels that begin `m` pixels apart.
INLINE void TERN_VARIANT(winograd_transform_tiles)(
    const int m, const int edge, void (*line)(const int m, const VECTOR *from, VECTOR *out),
    const tern_winograd_source *source) {
  const int points = m + 2;
  const tern_winograd_grid *grid = &source->grid;
  const ptrdiff_t pitch = (m * grid->tile_columns + edge - m) * LANES;
  if (source->channels < LANES) memset(source->rows, 0, (size_t)(edge * pitch) * sizeof(float));
  bool follows = false;  // the run before this one was the whole row of tiles above it
  for (ptrdiff_t done = 0, run; done < grid->count; done += run) {
    const ptrdiff_t column = (grid->first + done) % grid->tile_columns;
    const ptrdiff_t tile_row = (grid->first + done) / grid->tile_columns;
    const ptrdiff_t row = tile_row % grid->tile_rows, image = tile_row / grid->tile_rows;
    run = TERN_VARIANT(clamp)(grid->tile_columns - column, 0, grid->count - done);
    const float *planes = source->planes + image * grid->image_step;
    const float *rows[6];
    for (int i = 0; i < edge; i++) {
      // Rows go round a ring of `edge` slots, where those shared with the tiles above still stand.
      float *slot = source->rows + (row * m + i) % edge * pitch;
      rows[i] = slot;
      if (follows && row > 0 && i < edge - m) continue;
      TERN_VARIANT(winograd_load_row)(
          source, planes, grid->top + row * m + i, grid->left + column * m, run * m + edge - m, slot);
    }
    follows = run == grid->tile_columns;
    for (ptrdiff_t first = 0; first < run; first += GROUP) {
      const ptrdiff_t tiles = TERN_VARIANT(clamp)(run - first, 0, GROUP);
      VECTOR lines[6][GROUP * 4 + 2], values[6], out[6];
      for (ptrdiff_t x = 0; x < tiles * m + edge - m; x++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < edge; i++) values[i] = TERN_VARIANT(load)(rows[i] + (first * m + x) * LANES);
        line(m, values, out);
#pragma clang loop unroll(full)
        for (int i = 0; i < points; i++) lines[i][x] = out[i];
      }
      for (ptrdiff_t tile = 0; tile < tiles; tile++) {
        float *target = source->target + (done + first + tile) * LANES;
#pragma clang loop unroll(full)
        for (int i = 0; i < points; i++) {
          line(m, &lines[i][tile * m], out);
#pragma clang loop unroll(full)
          for (int j = 0; j < points; j++)
            TERN_VARIANT(write)(target + (i * points + j) * source->point_step, out[j]);
        }
      }
    }
  }
}

enum { TERN_VARIANT(winograd_strip) = 32 };  // pixels of a row that are written together: 8 KiB for four rows
#define STRIP TERN_VARIANT(winograd_strip)

INLINE void TERN_VARIANT(winograd_transform_sums)(const int m, const tern_winograd_target *target) {
  const int points = m + 2;
  const tern_winograd_grid *grid = &target->grid;
  const ptrdiff_t plane = grid->height * grid->width;
  const bool rectifies = target->activation == TERN_ACTIVATION_RELU;
  const VECTOR bias = target->bias ? TERN_VARIANT(load_first)(target->bias, target->channels) : (VECTOR){0};
  for (ptrdiff_t done = 0, run; done < grid->count; done += run) {
    const ptrdiff_t column = (grid->first + done) % grid->tile_columns;
    const ptrdiff_t tile_row = (grid->first + done) / grid->tile_columns;
    const ptrdiff_t row = tile_row % grid->tile_rows, image = tile_row / grid->tile_rows;
    run = TERN_VARIANT(clamp)(grid->tile_columns - column, 0, grid->count - done);
    run = TERN_VARIANT(clamp)(run, 0, STRIP / m);
    VECTOR pixels[4][STRIP];
    for (ptrdiff_t tile = 0; tile < run; tile++) {
      const float *sums = target->sums + (done + tile) * LANES;
      VECTOR lines[4][6], values[6], out[4];
#pragma clang loop unroll(full)
      for (int j = 0; j < points; j++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < points; i++) values[i] = TERN_VARIANT(load)(sums + (i * points + j) * target->point_step);
        TERN_VARIANT(line_output)(m, values, out);
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) lines[i][j] = out[i];
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < m; i++) {
        TERN_VARIANT(line_output)(m, lines[i], out);
#pragma clang loop unroll(full)
        for (int j = 0; j < m; j++) {
          const VECTOR pixel = out[j] + bias;
          pixels[i][tile * m + j] = rectifies ? TERN_VARIANT(relu)(pixel) : pixel;
        }
      }
    }
    if (target->activation != TERN_ACTIVATION_NONE && !rectifies)
      for (int i = 0; i < m; i++)
        TERN_VARIANT(activate)((float *)pixels[i], run * m * LANES, target->activation);
    const ptrdiff_t y = row * m, x = column * m;
    float *planes = target->planes + image * grid->image_step + y * grid->width + x;
    const ptrdiff_t width = TERN_VARIANT(clamp)(grid->width - x, 0, run * m);
    for (ptrdiff_t i = 0; i < m && y + i < grid->height; i++)
      TERN_VARIANT(store_pixels)(
          (const float *)pixels[i], LANES, target->channels, width, planes + i * grid->width, plane);
  }
}
#undef GROUP
#undef STRIP
