// SPDX-License-Identifier: MIT
// Winograd convolutions for devices of type CPU: see winograd.cl for the transforms, winograd_segments.cl for the
// tiles. A work-item is a work-group of its own and takes `blockTiles` tiles.
//
// winograd_filters    u[group][panel][point][channel][output of the panel] = G w G^T; a work-item takes one panel of
//                     2 VEC outputs and `channelsPerItem` channels.
// winograd_fused      y = activation(conv(x, w) (+ bias)): a work-item transforms its tiles of all channels to local
//                     memory, then multiplies and transforms back one panel after the other. u is read once for each
//                     block.
// winograd_points     v[point][group][tile][channel] = B^T x B, for winograd_panel and the gradient of the filters.
// winograd_panel      y from v and u: a work-item takes one block of tiles and one panel, so that u, when it is the
//                     larger one, is read by few.
//
// Local memory: v of a block, POINTS * blockTiles * (channels + VEC) floats, and POINTS * blockTiles * 2 VEC floats
// for a panel of products; on these devices it is memory of the thread, which stays in its second-level cache.
//
// Definitions: those of winograd_segments.cl; SOURCE, RESULT, BIAS, the dtypes of w, of the result and the bias;
// ACTIVATION.
#include "conv_dtypes.cl"
#include "vector_activation.cl"
#include "winograd_segments.cl"

#define PANEL (2 * VEC)
#define DEPTH 128  // channels of a panel of u that stay in the first cache: 16 KiB

DEFINE_TRANSFORM(input_to_local, __local, TILE, 2, input_line)
DEFINE_TRANSFORM(input_to_global, __global, TILE, 2, input_line)

__kernel GROUP_OF_ONE void winograd_points(
    __global const float *x, __global float *v, const image_t s, const points_t p) {
  const long first = get_group_id(0) * s.blockTiles, group = get_group_id(1);
  v += group * p.vGroup + first * p.vTile;
  input_to_global(&s, x, group, first, min(s.blockTiles, s.tiles - first), v, p.vPoint, p.vTile);
}

typedef struct {
  long channels, outputs, channelsPerItem;  // of a group
  long w, wGroup, wOutput, wChannel, wRow, wColumn;
} filters_t;

__kernel GROUP_OF_ONE void winograd_filters(__global const STORAGE(SOURCE) *w, __global float *u, const filters_t s) {
  const long panel = get_group_id(0), from = get_group_id(1) * s.channelsPerItem, group = get_group_id(2);
  w += s.w + group * s.wGroup + panel * PANEL * s.wOutput;
  u += (group * get_num_groups(0) + panel) * POINTS * s.channels * PANEL;
  for (long c = from; c < min(s.channels, from + s.channelsPerItem); c++)
    for (int side = 0; side < PANEL; side += VEC) {
      float values[9][VEC];
      for (int o = 0; o < VEC; o++) {
        const bool inside = panel * PANEL + side + o < s.outputs;
        const long first = (side + o) * s.wOutput + c * s.wChannel;
        for (int i = 0; i < 9; i++)
          values[i][o] = inside ? LOAD(SOURCE, w, first + i / 3 * s.wRow + i % 3 * s.wColumn) : 0.0f;
      }
      vec filter[3][3], down[TILE][3], across[TILE];
#pragma unroll
      for (int i = 0; i < 9; i++) filter[i / 3][i % 3] = LOAD_VEC(values[i]);
#pragma unroll
      for (int j = 0; j < 3; j++) filter_line(&filter[0][j], 3, &down[0][j], 3);
#pragma unroll
      for (int k = 0; k < TILE; k++) {
        filter_line(down[k], 1, across, 1);
#pragma unroll
        for (int j = 0; j < TILE; j++) STORE_VEC(across[j], u + ((k * TILE + j) * s.channels + c) * PANEL + side);
      }
    }
}

/// m[tile][output of the panel] = sum over channels of v[tile][channel] * u[channel][output], in the order of
/// channels.
#define DEFINE_PRODUCT(NAME, SPACE)                                                                          \
  static inline void NAME(                                                                                   \
      SPACE const float *v, long vTile, __global const float *u, int channels, int count, __local float *m) { \
    for (int c = 0; c < channels; c += DEPTH) {                                                              \
      const int depth = min(DEPTH, channels - c);                                                            \
      for (int t = 0; t < count; t += ROWS) {                                                                \
        vec sum[ROWS][2];                                                                                    \
        long row[ROWS];                                                                                      \
        _Pragma("unroll") for (int i = 0; i < ROWS; i++) {                                                   \
          row[i] = min(t + i, count - 1) * vTile + c;                                                        \
          sum[i][0] = c ? LOAD_VEC(m + (t + i) * PANEL) : (vec)0.0f;                                         \
          sum[i][1] = c ? LOAD_VEC(m + (t + i) * PANEL + VEC) : (vec)0.0f;                                   \
        }                                                                                                    \
        __global const float *y = u + c * PANEL;                                                             \
        SPACE const float *x = v;                                                                            \
        for (int k = 0; k < depth; k++, x++, y += PANEL) {                                                   \
          const vec y0 = LOAD_VEC(y), y1 = LOAD_VEC(y + VEC);                                                \
          _Pragma("unroll") for (int i = 0; i < ROWS; i++) {                                                 \
            const vec a = x[row[i]];                                                                         \
            sum[i][0] = fma(a, y0, sum[i][0]);                                                               \
            sum[i][1] = fma(a, y1, sum[i][1]);                                                               \
          }                                                                                                  \
        }                                                                                                    \
        _Pragma("unroll") for (int i = 0; i < ROWS; i++) {                                                   \
          STORE_VEC(sum[i][0], m + (t + i) * PANEL);                                                         \
          STORE_VEC(sum[i][1], m + (t + i) * PANEL + VEC);                                                   \
        }                                                                                                    \
      }                                                                                                      \
    }                                                                                                        \
  }
DEFINE_PRODUCT(product_of_local, __local)
DEFINE_PRODUCT(product_of_global, __global)

typedef struct {
  long outputs, height, width;  // of a group's result, which is dense
  long y, mPoint, vTile;
  long bias, biasStride, usesBias;
} result_t;

/// Transforms the products of a block's tiles back, VEC outputs from `o` on, and stores them.
static inline void store_tiles(
    const image_t *s, const result_t *r, long group, long first, int count, long o, __local const float *m,
    __global STORAGE(RESULT) *y, __global const STORAGE(BIAS) *bias) {
  const int lanes = min((long)VEC, r->outputs - o);
  const long plane = r->height * r->width;
  float added[VEC];
  for (int i = 0; i < VEC; i++)
    added[i] =
        r->usesBias && i < lanes ? LOAD(BIAS, bias, r->bias + (group * r->outputs + o + i) * r->biasStride) : 0.0f;
  const vec offset = LOAD_VEC(added);
  for (int t = 0; t < count;) {
    const segment_t segment = segment_at(s, first + t, count - t);
    vec line[OUT][SEGMENT * OUT];
    for (int i = 0; i < segment.count; i++, t++) {
      vec products[TILE][TILE], down[OUT][TILE], across[OUT];
#pragma unroll
      for (int k = 0; k < POINTS; k++) products[k / TILE][k % TILE] = LOAD_VEC(m + k * r->mPoint + t * PANEL);
#pragma unroll
      for (int j = 0; j < TILE; j++) output_line(&products[0][j], TILE, &down[0][j], TILE);
#pragma unroll
      for (int k = 0; k < OUT; k++) {
        output_line(down[k], 1, across, 1);
#pragma unroll
        for (int j = 0; j < OUT; j++) line[k][i * OUT + j] = activated_vector(across[j] + offset);
      }
    }
    const long row = segment.row * OUT, column = segment.column * OUT;
    const int height = min((long)OUT, r->height - row), width = min((long)(segment.count * OUT), r->width - column);
    const bool joined = width == r->width;
    const int runs = joined ? 1 : height, length = joined ? height * width : width;
    __global STORAGE(RESULT) *to =
        y + r->y + ((segment.image * s->groups + group) * r->outputs + o) * plane + row * r->width + column;
    for (int run = 0; run < runs; run++, to += r->width) {
      int i = run, j = 0;
      for (int p = 0; p < length; p += VEC) {
        vec pixels[VEC];
        const int pixelCount = min(VEC, length - p);
        for (int q = 0; q < pixelCount; q++) {
          pixels[q] = line[i][j];
          if (++j == width) {
            j = 0;
            i++;
          }
        }
#if IS_FLOAT32(RESULT)
        if (pixelCount == VEC) {
          transpose(pixels);
          if (lanes == VEC) {
#pragma unroll
            for (int c = 0; c < VEC; c++) STORE_VEC(pixels[c], to + c * plane + p);
          } else {
            for (int c = 0; c < lanes; c++) STORE_VEC(pixels[c], to + c * plane + p);
          }
          continue;
        }
#endif
        for (int q = 0; q < pixelCount; q++) {
          float values[VEC];
          STORE_VEC(pixels[q], values);
          for (int c = 0; c < lanes; c++) STORE(RESULT, to, c * plane + p + q, values[c]);
        }
      }
    }
  }
}

__kernel GROUP_OF_ONE void winograd_fused(
    __global const float *x, __global const float *u, __global STORAGE(RESULT) *y, __global const STORAGE(BIAS) *bias,
    __local float *v, __local float *m, const image_t s, const result_t r) {
  const long first = get_group_id(0) * s.blockTiles, group = get_group_id(1);
  const long panels = (r.outputs + PANEL - 1) / PANEL, vPoint = s.blockTiles * r.vTile;
  const int count = min(s.blockTiles, s.tiles - first);
  input_to_local(&s, x, group, first, count, v, vPoint, r.vTile);
  u += group * panels * POINTS * s.channels * PANEL;
  for (long o = 0; o < r.outputs; o += PANEL) {
    for (int k = 0; k < POINTS; k++, u += s.channels * PANEL)
      product_of_local(v + k * vPoint, r.vTile, u, s.channels, count, m + k * r.mPoint);
    for (int side = 0; side < PANEL && o + side < r.outputs; side += VEC)
      store_tiles(&s, &r, group, first, count, o + side, m + side, y, bias);
  }
}

__kernel GROUP_OF_ONE void winograd_panel(
    __global const float *v, __global const float *u, __global STORAGE(RESULT) *y, __global const STORAGE(BIAS) *bias,
    __local float *m, const image_t s, const result_t r, const points_t p) {
  const long first = get_group_id(0) * s.blockTiles, panel = get_group_id(1), group = get_group_id(2);
  const int count = min(s.blockTiles, s.tiles - first);
  v += group * p.vGroup + first * p.vTile;
  u += (group * get_num_groups(1) + panel) * POINTS * s.channels * PANEL;
  for (int k = 0; k < POINTS; k++, u += s.channels * PANEL)
    product_of_global(v + k * p.vPoint, p.vTile, u, s.channels, count, m + k * r.mPoint);
  for (int side = 0; side < PANEL && panel * PANEL + side < r.outputs; side += VEC)
    store_tiles(&s, &r, group, first, count, panel * PANEL + side, m + side, y, bias);
}
