// SPDX-License-Identifier: MIT
// How winograd_cpu.cl and winograd_weights_cpu.cl read images: tiles of all images are counted through in rows, and
// vectors run over VEC channels, so that tiles may lie anywhere in an image. Images are Float32 with neighbouring
// columns in neighbouring elements.
//
// Definitions: OUT; VEC, floats in a vector register.
#include "vector.cl"
typedef vec real;
#include "vector_transpose.cl"
#include "winograd.cl"

#if VEC == 16  // 32 registers
#define ROWS 8
#else
#define ROWS 6
#endif
#define SEGMENT 8  // tiles of a row that are transformed together
#define COLUMNS (SEGMENT * OUT + 2)

typedef struct {
  long tilesHeight, tilesWidth, tiles, blockTiles;
  long groups, channels;  // of a group
  long x, xImage, xChannel, xRow, height, width, top, left;
} image_t;

/// Some tiles of one row.
typedef struct {
  long image, row, column;  // of the first tile
  int count;
} segment_t;

static inline segment_t segment_at(const image_t *s, long tile, int left) {
  const long line = tile / s->tilesWidth, column = tile % s->tilesWidth;
  const int count = min(min((long)left, (long)SEGMENT), s->tilesWidth - column);
  const segment_t segment = {line / s->tilesHeight, line % s->tilesHeight, column, count};
  return segment;
}

/// Reads `rows` rows of a segment, VEC channels to a vector; what lies outside the image or beyond `lanes` is 0.
///
/// Rows that lie side by side in memory are read as one, so that narrow images fill vectors too.
static inline void load_segment(
    const image_t *s, __global const float *x, int lanes, const segment_t *segment, const int rows, const int border,
    vec (*line)[COLUMNS]) {
  const int row = segment->row * OUT - s->top, column = segment->column * OUT - s->left;
  const int columns = segment->count * OUT + border;
  const int above = clamp(-row, 0, rows), below = clamp((int)s->height - row, above, rows);
  const int before = clamp(-column, 0, columns), behind = clamp((int)s->width - column, before, columns);
  for (int r = 0; r < rows; r++) {
    const bool inside = r >= above && r < below;
    for (int j = 0; j < (inside ? before : columns); j++) line[r][j] = 0.0f;
    if (inside)
      for (int j = behind; j < columns; j++) line[r][j] = 0.0f;
  }
  const int width = behind - before, height = below - above;
  if (width <= 0 || height <= 0) return;
  const bool joined = width == s->xRow;
  const int runs = joined ? 1 : height, length = joined ? height * width : width;
  x += segment->image * s->xImage + (row + above) * s->xRow + column + before;
  for (int run = 0; run < runs; run++, x += s->xRow) {
    int r = above + run, j = before;
    for (int p = 0; p < length;) {
      vec pixels[VEC];
      int count = min(VEC, length - p), skipped = 0;
      if (lanes == VEC && length >= VEC) {
        skipped = VEC - count;  // the last vector begins further left, where it overlaps the one before
#pragma unroll
        for (int i = 0; i < VEC; i++) pixels[i] = LOAD_VEC(x + i * s->xChannel + p - skipped);
        transpose(pixels);
      } else {
        for (int i = 0; i < count; i++) {
          float values[VEC];
          for (int c = 0; c < VEC; c++) values[c] = c < lanes ? x[c * s->xChannel + p + i] : 0.0f;
          pixels[i] = LOAD_VEC(values);
        }
      }
      for (int i = 0; i < count; i++) {
        line[r][j] = pixels[skipped + i];
        if (++j == behind) {
          j = before;
          r++;
        }
      }
      p += count;
    }
  }
}

/// Transforms `count` tiles from `first` on of a group's channels: v[point * vPoint + tile * vTile + channel].
#define DEFINE_TRANSFORM(NAME, SPACE, SIZE, BORDER, LINE)                                                        \
  static inline void NAME(                                                                                       \
      const image_t *s, __global const float *x, long group, long first, int count, SPACE float *v, long vPoint, \
      long vTile) {                                                                                              \
    vec line[SIZE][COLUMNS];                                                                                     \
    for (long c = 0; c < s->channels; c += VEC) {                                                                \
      for (int t = 0; t < count;) {                                                                              \
        const segment_t segment = segment_at(s, first + t, count - t);                                           \
        load_segment(                                                                                            \
            s, x + s->x + (group * s->channels + c) * s->xChannel, min((long)VEC, s->channels - c), &segment,    \
            SIZE, BORDER, line);                                                                                 \
        for (int i = 0; i < segment.count; i++, t++) {                                                           \
          vec down[TILE][SIZE], across[TILE];                                                                    \
          _Pragma("unroll") for (int j = 0; j < SIZE; j++)                                                       \
              LINE(&line[0][i * OUT + j], COLUMNS, &down[0][j], SIZE);                                           \
          SPACE float *to = v + t * vTile + c;                                                                   \
          _Pragma("unroll") for (int k = 0; k < TILE; k++) {                                                     \
            LINE(down[k], 1, across, 1);                                                                         \
            _Pragma("unroll") for (int j = 0; j < TILE; j++) STORE_VEC(across[j], to + (k * TILE + j) * vPoint); \
          }                                                                                                      \
        }                                                                                                        \
      }                                                                                                          \
    }                                                                                                            \
  }

/// Distances in transformed tiles in global memory.
typedef struct {
  long vPoint, vGroup, vTile;
} points_t;
