// SPDX-License-Identifier: MIT
// Gradients of the filters of Winograd convolutions for devices of type CPU: see winograd.cl and
// winograd_segments.cl.
//
// winograd_gradients  v[point][group][tile][output] = A dy A^T, for a product with winograd_points over tiles; a
//                     work-item takes `blockTiles` tiles.
// winograd_sums       That product without v in memory: a work-item takes `blocks` blocks of tiles one after the
//                     other and adds up du[item][group][point][output][channel].
// winograd_weights    dw = G^T (sum of du over items, in order) G; a work-item takes one output and VEC channels.
//
// Each work-item is a work-group of its own. Local memory in winograd_sums: the transformed tiles of a block of x and
// of dy, POINTS * blockTiles * (channels + VEC) floats and as much for the outputs.
// Definitions: those of winograd_segments.cl; RESULT, the dtype of dw.
#include "conv_dtypes.cl"
#include "winograd_segments.cl"

#define PANEL (2 * VEC)

DEFINE_TRANSFORM(input_to_local, __local, TILE, 2, input_line)
DEFINE_TRANSFORM(gradient_to_local, __local, OUT, 0, gradient_line)
DEFINE_TRANSFORM(gradient_to_global, __global, OUT, 0, gradient_line)

__kernel GROUP_OF_ONE void winograd_gradients(
    __global const float *dy, __global float *v, const image_t s, const points_t p) {
  const long first = get_group_id(0) * s.blockTiles, group = get_group_id(1);
  v += group * p.vGroup + first * p.vTile;
  gradient_to_global(&s, dy, group, first, min(s.blockTiles, s.tiles - first), v, p.vPoint, p.vTile);
}

typedef struct {
  long blocks;              // of tiles, for a work-item
  long vTile, gradientTile;  // floats between tiles in local memory
  long channels;            // of a line of du: a multiple of VEC
} sums_t;

/// du[output][channel] += sum over tiles of gradient[tile][output] * v[tile][channel]
#define DEFINE_ADD_TILES(NAME, VECTORS)                                                                     \
  static inline void NAME(                                                                                  \
      __local const float *g, long gTile, __local const float *v, long vTile, int count, int o, int outputs, \
      __global float *du, long duRow, bool begins) {                                                        \
    vec sum[ROWS][VECTORS];                                                                                 \
    int row[ROWS];                                                                                          \
    _Pragma("unroll") for (int i = 0; i < ROWS; i++) {                                                      \
      row[i] = min(o + i, outputs - 1);                                                                     \
      _Pragma("unroll") for (int j = 0; j < VECTORS; j++)                                                   \
          sum[i][j] = begins ? (vec)0.0f : LOAD_VEC(du + row[i] * duRow + j * VEC);                         \
    }                                                                                                       \
    for (int t = 0; t < count; t++, g += gTile, v += vTile) {                                               \
      vec y[VECTORS];                                                                                       \
      _Pragma("unroll") for (int j = 0; j < VECTORS; j++) y[j] = LOAD_VEC(v + j * VEC);                     \
      _Pragma("unroll") for (int i = 0; i < ROWS; i++) {                                                    \
        const vec a = g[row[i]];                                                                            \
        _Pragma("unroll") for (int j = 0; j < VECTORS; j++) sum[i][j] = fma(a, y[j], sum[i][j]);            \
      }                                                                                                     \
    }                                                                                                       \
    _Pragma("unroll") for (int i = 0; i < ROWS; i++)                                                        \
        _Pragma("unroll") for (int j = 0; j < VECTORS; j++)                                                 \
            STORE_VEC(sum[i][j], du + row[i] * duRow + j * VEC);                                            \
  }
DEFINE_ADD_TILES(add_tiles_2, 2)
DEFINE_ADD_TILES(add_tiles_1, 1)

__kernel GROUP_OF_ONE void winograd_sums(
    __global const float *x, __global const float *dy, __global float *du, __local float *v, __local float *g,
    const image_t s, const image_t gradient, const sums_t p) {
  const long item = get_group_id(0), group = get_group_id(1);
  const long vPoint = s.blockTiles * p.vTile, gPoint = s.blockTiles * p.gradientTile;
  const int outputs = gradient.channels;
  du += (item * get_num_groups(1) + group) * POINTS * outputs * p.channels;
  for (long block = 0; block < p.blocks; block++) {
    const long first = (item * p.blocks + block) * s.blockTiles;
    const int count = min(s.blockTiles, s.tiles - first);
    if (count <= 0) break;
    input_to_local(&s, x, group, first, count, v, vPoint, p.vTile);
    gradient_to_local(&gradient, dy, group, first, count, g, gPoint, p.gradientTile);
    for (int k = 0; k < POINTS; k++)
      for (int c = 0; c < p.channels; c += PANEL)
        for (int o = 0; o < outputs; o += ROWS) {
          __global float *to = du + k * outputs * p.channels + c;
          __local const float *gs = g + k * gPoint, *vs = v + k * vPoint + c;
          if (p.channels - c > VEC)
            add_tiles_2(gs, p.gradientTile, vs, p.vTile, count, o, outputs, to, p.channels, block == 0);
          else
            add_tiles_1(gs, p.gradientTile, vs, p.vTile, count, o, outputs, to, p.channels, block == 0);
        }
  }
}

typedef struct {
  long channels, outputs, items;
  long duItem, duGroup, duPoint, duOutput;
  long dw;  // dense [groups, outputs, channels, 3, 3]
} weights_t;

__kernel GROUP_OF_ONE void winograd_weights(__global const float *du, __global STORAGE(RESULT) *dw, const weights_t s) {
  const long c = get_group_id(0) * VEC, o = get_group_id(1), group = get_group_id(2);
  const int lanes = min((long)VEC, s.channels - c);
  du += group * s.duGroup + o * s.duOutput + c;
  vec products[TILE][TILE], down[3][TILE], across[3];
  for (int k = 0; k < POINTS; k++) {
    vec sum = LOAD_VEC(du + k * s.duPoint);
    for (long item = 1; item < s.items; item++) sum += LOAD_VEC(du + item * s.duItem + k * s.duPoint);
    products[k / TILE][k % TILE] = sum;
  }
#pragma unroll
  for (int j = 0; j < TILE; j++) sum_line(&products[0][j], TILE, &down[0][j], TILE);
  float filter[9][VEC];
#pragma unroll
  for (int i = 0; i < 3; i++) {
    sum_line(down[i], 1, across, 1);
#pragma unroll
    for (int j = 0; j < 3; j++) STORE_VEC(across[j], filter[i * 3 + j]);
  }
  dw += s.dw + ((group * s.outputs + o) * s.channels + c) * 9;
  for (int lane = 0; lane < lanes; lane++)
    for (int i = 0; i < 9; i++) STORE(RESULT, dw, lane * 9 + i, filter[i][lane]);
}
