// SPDX-License-Identifier: MIT
// Winograd convolutions for devices of type CPU: see winograd.cl for the transforms. Vectors run over VEC channels
// (or outputs), so tiles may lie anywhere in an image. Tiles of all images are counted through in rows; a work-item
// is a work-group of its own and takes `blockTiles` of them.
//
// winograd_filters    u[group][panel][point][channel][output of the panel] = G w G^T; a work-item takes one panel of
//                     2 VEC outputs and `channelsPerItem` channels.
// winograd_fused      y = conv(x, w) (+ bias): a work-item transforms its tiles of all channels to local memory, then
//                     multiplies and transforms back one panel after the other. u is read once for each block.
// winograd_points     v[point][group][tile][channel] = B^T x B, for what follows:
// winograd_panel      y from v and u: a work-item takes one block of tiles and one panel, so that u, when it is the
//                     larger one, is read by few.
// winograd_gradients  v[point][group][tile][output] = A dy A^T, for the product with winograd_points over tiles.
// winograd_sums       That product without v in memory: a work-item takes `blocks` blocks of tiles one after the
//                     other and adds up du[item][group][point][output][channel].
// winograd_weights    dw = G^T (sum of du over items, in order) G; a work-item takes one output and VEC channels.
//
// Local memory: v of a block, POINTS * blockTiles * (channels + VEC) floats at most (`winograd_sums`: another for the
// outputs), and POINTS * blockTiles * 2 VEC floats for a panel of products; on these devices it is memory of the
// thread, which stays in its second-level cache.
//
// x and dy are Float32 with neighbouring columns in neighbouring elements.
// Definitions: OUT; VEC, floats in a vector register; SOURCE, RESULT, BIAS, the dtypes of w, of the result and the
// bias.
#ifndef VEC
#define VEC 16
#endif
#ifndef SOURCE
#define SOURCE float32
#endif
#ifndef RESULT
#define RESULT float32
#endif
#ifndef BIAS
#define BIAS RESULT
#endif
#define IS_float32 1
#define IS_float16 0
#define IS_bfloat16 0
#define RESULT_IS_FLOAT TERN_JOIN(IS_, RESULT)
typedef TERN_JOIN(float, VEC) vec;
typedef vec real;
#include "winograd.cl"

#define LOAD_VEC(p) TERN_JOIN(vload, VEC)(0, p)
#define STORE_VEC(v, p) TERN_JOIN(vstore, VEC)(v, 0, p)
#define GROUP_OF_ONE __attribute__((reqd_work_group_size(1, 1, 1)))
#define PANEL (2 * VEC)
#if VEC == 16  // 32 registers
#define ROWS 8
#else
#define ROWS 6
#endif
#define DEPTH 128    // channels of a panel of u that stay in the first cache: 16 KiB
#define SEGMENT 8    // tiles of a row that are transformed together
#define COLUMNS (SEGMENT * OUT + 2)

/// Transposes VEC x VEC elements: log2(VEC) rounds, each of which interleaves row i with row i + VEC / 2.
static inline void transpose(vec *r) {
  vec t[VEC];
#pragma unroll
  for (int span = 1; span < VEC; span *= 2) {
#pragma unroll
    for (int i = 0; i < VEC / 2; i++) {
      t[2 * i].even = r[i].lo;
      t[2 * i].odd = r[i + VEC / 2].lo;
      t[2 * i + 1].even = r[i].hi;
      t[2 * i + 1].odd = r[i + VEC / 2].hi;
    }
#pragma unroll
    for (int i = 0; i < VEC; i++) r[i] = t[i];
  }
}

// MARK: Images

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
DEFINE_TRANSFORM(input_to_local, __local, TILE, 2, input_line)
DEFINE_TRANSFORM(input_to_global, __global, TILE, 2, input_line)
DEFINE_TRANSFORM(gradient_to_local, __local, OUT, 0, gradient_line)
DEFINE_TRANSFORM(gradient_to_global, __global, OUT, 0, gradient_line)

typedef struct {
  long vPoint, vGroup, vTile;
} points_t;

#define DEFINE_POINTS(NAME, TRANSFORM)                                                                            \
  __kernel GROUP_OF_ONE void NAME(                                                                                \
      __global const float *x, __global float *v, const image_t s, const points_t p) {                            \
    const long first = get_group_id(0) * s.blockTiles, group = get_group_id(1);                                   \
    const int count = min(s.blockTiles, s.tiles - first);                                                         \
    TRANSFORM(&s, x, group, first, count, v + group * p.vGroup + first * p.vTile, p.vPoint, p.vTile);             \
  }
DEFINE_POINTS(winograd_points, input_to_global)
DEFINE_POINTS(winograd_gradients, gradient_to_global)

// MARK: Filters

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

// MARK: Products

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
        for (int j = 0; j < OUT; j++) line[k][i * OUT + j] = across[j] + offset;
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
#if RESULT_IS_FLOAT
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

// MARK: Gradients of the filters

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
