// SPDX-License-Identifier: MIT
// Winograd convolutions for GPUs: see winograd.cl for the transforms. The products between them are batched matrix
// products, one for each of the POINTS elements of a transformed tile and each group. Tiles of all images are counted
// through in rows; they are the fastest index, so that neighbouring work-items read and write neighbouring elements.
//
// winograd_filters    u[point][group][output][channel] = G w G^T; a work-item takes one filter: extents are
//                     (channels, outputs, groups).
// winograd_points     v[point][group][channel][tile] = B^T x B; a work-item takes one tile of one channel: extents
//                     are (tiles, channels of all groups).
// winograd_gradients  v[point][group][output][tile] = A dy A^T, likewise.
// winograd_outputs    y = activation(A^T m A (+ bias)) for m[point][group][output][tile]; a work-item takes one tile
//                     of one output: extents are (tiles, outputs of all groups).
// winograd_weights    dw = G^T (sum of du over items, in order) G for du[item][point][group][output][channel]; a
//                     work-item takes one filter: extents are (channels, outputs, groups).
// No local memory.
//
// Definitions: OUT; SOURCE, RESULT, BIAS, the dtypes of what is read (x, dy or w), of what is written and of the
// bias; ACTIVATION.
#include "conv_dtypes.cl"
#include "activation.cl"
typedef float real;
#include "winograd.cl"

typedef struct {
  long channels, outputs;  // of a group
  long w, wGroup, wOutput, wChannel, wRow, wColumn;
} filters_t;

__kernel void winograd_filters(__global const STORAGE(SOURCE) *w, __global float *u, const filters_t s) {
  const long c = get_global_id(0), o = get_global_id(1), group = get_global_id(2);
  if (c >= s.channels) return;
  w += s.w + group * s.wGroup + o * s.wOutput + c * s.wChannel;
  u += (group * s.outputs + o) * s.channels + c;
  const long step = get_global_size(2) * s.outputs * s.channels;
  float filter[3][3], down[TILE][3], across[TILE];
#pragma unroll
  for (int i = 0; i < 9; i++) filter[i / 3][i % 3] = LOAD(SOURCE, w, i / 3 * s.wRow + i % 3 * s.wColumn);
#pragma unroll
  for (int j = 0; j < 3; j++) filter_line(&filter[0][j], 3, &down[0][j], 3);
#pragma unroll
  for (int k = 0; k < TILE; k++) {
    filter_line(down[k], 1, across, 1);
#pragma unroll
    for (int j = 0; j < TILE; j++) u[(k * TILE + j) * step] = across[j];
  }
}

typedef struct {
  long tilesHeight, tilesWidth, tiles, channels;  // channels of all groups
  long x, xImage, xChannel, xRow, xColumn, height, width, top, left;
} image_t;

/// Transforms a tile of SIZE x SIZE elements to v, whose points are `step` elements apart.
#define DEFINE_TRANSFORM(NAME, SIZE, LINE)                                                                       \
  static inline void NAME(                                                                                       \
      __global const STORAGE(SOURCE) *x, __global float *v, const image_t *s, long tile, long channel) {         \
    const long line = tile / s->tilesWidth, image = line / s->tilesHeight, step = s->channels * s->tiles;        \
    const int row = line % s->tilesHeight * OUT - s->top, column = tile % s->tilesWidth * OUT - s->left;         \
    x += s->x + image * s->xImage + channel * s->xChannel;                                                       \
    float d[SIZE][SIZE], down[TILE][SIZE], across[TILE];                                                         \
    _Pragma("unroll") for (int i = 0; i < SIZE; i++)                                                             \
        _Pragma("unroll") for (int j = 0; j < SIZE; j++) {                                                       \
      const long h = row + i, w = column + j;                                                                    \
      const bool inside = h >= 0 && h < s->height && w >= 0 && w < s->width;                                     \
      d[i][j] = inside ? LOAD(SOURCE, x, h * s->xRow + w * s->xColumn) : 0.0f;                                   \
    }                                                                                                            \
    _Pragma("unroll") for (int j = 0; j < SIZE; j++) LINE(&d[0][j], SIZE, &down[0][j], SIZE);                    \
    v += channel * s->tiles + tile;                                                                              \
    _Pragma("unroll") for (int k = 0; k < TILE; k++) {                                                           \
      LINE(down[k], 1, across, 1);                                                                               \
      _Pragma("unroll") for (int j = 0; j < TILE; j++) v[(k * TILE + j) * step] = across[j];                     \
    }                                                                                                            \
  }
DEFINE_TRANSFORM(transform_input, TILE, input_line)
DEFINE_TRANSFORM(transform_gradient, OUT, gradient_line)

__kernel void winograd_points(__global const STORAGE(SOURCE) *x, __global float *v, const image_t s) {
  if (get_global_id(0) < s.tiles) transform_input(x, v, &s, get_global_id(0), get_global_id(1));
}

__kernel void winograd_gradients(__global const STORAGE(SOURCE) *dy, __global float *v, const image_t s) {
  if (get_global_id(0) < s.tiles) transform_gradient(dy, v, &s, get_global_id(0), get_global_id(1));
}

typedef struct {
  long tilesHeight, tilesWidth, tiles, outputs;  // outputs of all groups
  long height, width, y;                         // of the result, which is dense
  long bias, biasStride, usesBias;
} result_t;

__kernel void winograd_outputs(
    __global const float *m, __global STORAGE(RESULT) *y, __global const STORAGE(BIAS) *bias, const result_t s) {
  const long tile = get_global_id(0), output = get_global_id(1);
  if (tile >= s.tiles) return;
  const long line = tile / s.tilesWidth, image = line / s.tilesHeight;
  const long row = line % s.tilesHeight * OUT, column = tile % s.tilesWidth * OUT, step = s.outputs * s.tiles;
  m += output * s.tiles + tile;
  float products[TILE][TILE], down[OUT][TILE], across[OUT];
#pragma unroll
  for (int k = 0; k < POINTS; k++) products[k / TILE][k % TILE] = m[k * step];
#pragma unroll
  for (int j = 0; j < TILE; j++) output_line(&products[0][j], TILE, &down[0][j], TILE);
  const float added = s.usesBias ? LOAD(BIAS, bias, s.bias + output * s.biasStride) : 0.0f;
  y += s.y + ((image * s.outputs + output) * s.height + row) * s.width + column;
#pragma unroll
  for (int i = 0; i < OUT; i++) {
    output_line(down[i], 1, across, 1);
    if (row + i >= s.height) continue;
#pragma unroll
    for (int j = 0; j < OUT; j++)
      if (column + j < s.width) STORE(RESULT, y, i * s.width + j, activated(across[j] + added));
  }
}

typedef struct {
  long channels, outputs, items;
  long dw;  // dense [groups, outputs, channels, 3, 3]
} weights_t;

__kernel void winograd_weights(__global const float *du, __global STORAGE(RESULT) *dw, const weights_t s) {
  const long c = get_global_id(0), o = get_global_id(1), group = get_global_id(2);
  if (c >= s.channels) return;
  const long filter = (group * s.outputs + o) * s.channels + c, step = get_global_size(2) * s.outputs * s.channels;
  du += filter;
  float products[TILE][TILE], down[3][TILE], across[3];
#pragma unroll
  for (int k = 0; k < POINTS; k++) {
    float sum = du[k * step];
    for (long item = 1; item < s.items; item++) sum += du[(item * POINTS + k) * step];
    products[k / TILE][k % TILE] = sum;
  }
#pragma unroll
  for (int j = 0; j < TILE; j++) sum_line(&products[0][j], TILE, &down[0][j], TILE);
#pragma unroll
  for (int i = 0; i < 3; i++) {
    sum_line(down[i], 1, across, 1);
#pragma unroll
    for (int j = 0; j < 3; j++) STORE(RESULT, dw, s.dw + filter * 9 + i * 3 + j, across[j]);
  }
}
