// SPDX-License-Identifier: MIT
// Matrix product for GPUs: c = a · b (+ bias), operands of any strides and floating-point dtype.
//
// A work-group of GROUP x GROUP work-items computes a tile of TILE x TILE = (4 REGISTERS GROUP)^2 elements, a work-item
// (4 REGISTERS)^2 of them: blocks of 4 x 4 that lie 4 GROUP apart, so that neighbours read neighbouring float4 of local
// memory. Each step over k takes DEPTH columns of a and rows of b through local memory. It is double buffered: the next
// step's elements travel to registers during the arithmetic, and one barrier a step is enough.
// Local memory: 4 * DEPTH * (TILE + 4) floats: 33 KiB for GROUP 16 and REGISTERS 2; the 4 keeps columns off each other's
// banks. k may be cut into parts with a result each (gemm_reduce in gemm_pack.cl adds them up).
//
// Definitions: GROUP, REGISTERS; LEFT, RIGHT, RESULT and BIAS, the dtypes of a, b, c and bias.
#ifndef GROUP
#define GROUP 16
#endif
#ifndef REGISTERS
#define REGISTERS 2
#endif
#ifndef LEFT
#define LEFT float32
#endif
#ifndef RIGHT
#define RIGHT float32
#endif
#ifndef RESULT
#define RESULT float32
#endif
#ifndef BIAS
#define BIAS RESULT
#endif
#define TILE (4 * REGISTERS * GROUP)
#define DEPTH 16
#define ITEMS (GROUP * GROUP)
#define QUADS (TILE * DEPTH / 4 / ITEMS)  // float4 that a work-item loads of each operand in a step
#define LINE (TILE + 4)

typedef struct {
  long m, n, k;
  long parts, partDepth, cPart;
  long inner;
  long a, aOuter, aInner, aRow, aDepth;
  long b, bOuter, bInner, bColumn, bDepth;
  long c, cOuter, cInner, cRow, cColumn;
  long bias, biasInner, biasRow, biasColumn, usesBias;
} tiled_t;

#define IS_float32 1
#define IS_float16 0
#define IS_bfloat16 0
#define VECTOR_LOAD_LEFT TERN_JOIN(IS_, LEFT)
#define VECTOR_LOAD_RIGHT TERN_JOIN(IS_, RIGHT)

// Loads four neighbours along one axis of a TILE x DEPTH block; what lies beyond the matrix is 0.
//   across: position in the tile, of `width`; along: position in k, of `depth`; `quadsAcross`: the four lie across.
#define DEFINE_LOAD_QUAD(NAME, DTYPE, VECTOR)                                                                   \
  static inline float4 NAME(                                                                                    \
      __global const STORAGE(DTYPE) *p, long across, long along, long width, long depth, long acrossStride,     \
      long alongStride, bool quadsAcross) {                                                                     \
    const long at = across * acrossStride + along * alongStride;                                                \
    const long step = quadsAcross ? acrossStride : alongStride;                                                 \
    const long left = quadsAcross ? width - across : depth - along;                                             \
    if ((quadsAcross ? along >= depth : across >= width) || left <= 0) return (float4)0.0f;                     \
    if (VECTOR && step == 1 && left >= 4) return vload4(0, (__global const float *)(p + at));                   \
    float4 v = (float4)(LOAD(DTYPE, p, at), 0.0f, 0.0f, 0.0f);                                                  \
    if (left > 1) v.s1 = LOAD(DTYPE, p, at + step);                                                             \
    if (left > 2) v.s2 = LOAD(DTYPE, p, at + 2 * step);                                                         \
    if (left > 3) v.s3 = LOAD(DTYPE, p, at + 3 * step);                                                         \
    return v;                                                                                                   \
  }
DEFINE_LOAD_QUAD(load_left, LEFT, VECTOR_LOAD_LEFT)
DEFINE_LOAD_QUAD(load_right, RIGHT, VECTOR_LOAD_RIGHT)

/// Position of quad `index` of a block: (across, along).
static inline int2 quad_place(int index, bool quadsAcross) {
  return quadsAcross ? (int2)(index % (TILE / 4) * 4, index / (TILE / 4)) : (int2)(index / (DEPTH / 4), index % (DEPTH / 4) * 4);
}

/// Puts a quad into local memory, where position (across, along) stands at along * LINE + across.
static inline void store_quad(__local float *block, int2 place, float4 v, bool quadsAcross) {
  __local float *at = block + place.y * LINE + place.x;
  if (quadsAcross) {
    vstore4(v, 0, at);
  } else {
    at[0] = v.s0;
    at[LINE] = v.s1;
    at[2 * LINE] = v.s2;
    at[3 * LINE] = v.s3;
  }
}

__kernel __attribute__((reqd_work_group_size(GROUP, GROUP, 1))) void gemm_tiled(
    __global const STORAGE(LEFT) *a, __global const STORAGE(RIGHT) *b, __global STORAGE(RESULT) *c,
    __global const STORAGE(BIAS) *bias, const tiled_t s) {
  __local float left[2][DEPTH * LINE], right[2][DEPTH * LINE];
  const int tx = get_local_id(0), ty = get_local_id(1), item = ty * GROUP + tx;
  const long part = get_group_id(2) % s.parts, z = get_group_id(2) / s.parts;
  const long outer = z / s.inner, inner = z % s.inner, begin = part * s.partDepth;
  const long depth = min(s.partDepth, s.k - begin);
  const long i0 = get_group_id(1) * TILE, j0 = get_group_id(0) * TILE;
  a += s.a + outer * s.aOuter + inner * s.aInner + begin * s.aDepth + i0 * s.aRow;
  b += s.b + outer * s.bOuter + inner * s.bInner + begin * s.bDepth + j0 * s.bColumn;
  const bool aAcross = s.aRow == 1, bAcross = s.bColumn == 1;

  float4 sum[4 * REGISTERS][REGISTERS];
#pragma unroll
  for (int i = 0; i < 4 * REGISTERS; i++)
#pragma unroll
    for (int j = 0; j < REGISTERS; j++) sum[i][j] = 0.0f;

  float4 nextLeft[QUADS], nextRight[QUADS];
#define FETCH(from)                                                                                                  \
  _Pragma("unroll") for (int q = 0; q < QUADS; q++) {                                                                \
    const int2 pa = quad_place(item + q * ITEMS, aAcross), pb = quad_place(item + q * ITEMS, bAcross);                \
    nextLeft[q] = load_left(a, pa.x, (from) + pa.y, s.m - i0, depth, s.aRow, s.aDepth, aAcross);                      \
    nextRight[q] = load_right(b, pb.x, (from) + pb.y, s.n - j0, depth, s.bColumn, s.bDepth, bAcross);                 \
  }
#define KEEP(buffer)                                                                                                 \
  _Pragma("unroll") for (int q = 0; q < QUADS; q++) {                                                                \
    store_quad(left[buffer], quad_place(item + q * ITEMS, aAcross), nextLeft[q], aAcross);                            \
    store_quad(right[buffer], quad_place(item + q * ITEMS, bAcross), nextRight[q], bAcross);                          \
  }
  FETCH(0)
  KEEP(0)
  barrier(CLK_LOCAL_MEM_FENCE);
  int buffer = 0;
  for (long from = 0; from < depth; from += DEPTH) {
    const bool more = from + DEPTH < depth;
    if (more) { FETCH(from + DEPTH) }
#pragma unroll 4
    for (int p = 0; p < DEPTH; p++) {
      float4 x[REGISTERS], y[REGISTERS];
#pragma unroll
      for (int r = 0; r < REGISTERS; r++) {
        x[r] = vload4(0, &left[buffer][p * LINE + r * 4 * GROUP + ty * 4]);
        y[r] = vload4(0, &right[buffer][p * LINE + r * 4 * GROUP + tx * 4]);
      }
#pragma unroll
      for (int r = 0; r < REGISTERS; r++)
#pragma unroll
        for (int j = 0; j < REGISTERS; j++) {
          sum[4 * r][j] = fma((float4)x[r].s0, y[j], sum[4 * r][j]);
          sum[4 * r + 1][j] = fma((float4)x[r].s1, y[j], sum[4 * r + 1][j]);
          sum[4 * r + 2][j] = fma((float4)x[r].s2, y[j], sum[4 * r + 2][j]);
          sum[4 * r + 3][j] = fma((float4)x[r].s3, y[j], sum[4 * r + 3][j]);
        }
    }
    if (more) { KEEP(1 - buffer) }
    barrier(CLK_LOCAL_MEM_FENCE);
    buffer = 1 - buffer;
  }

  c += s.c + outer * s.cOuter + inner * s.cInner + part * s.cPart;
#pragma unroll
  for (int r = 0; r < 4 * REGISTERS; r++) {
    const long i = i0 + r / 4 * 4 * GROUP + ty * 4 + r % 4;
#pragma unroll
    for (int q = 0; q < REGISTERS; q++) {
      const long j = j0 + q * 4 * GROUP + tx * 4;
      const float values[4] = {sum[r][q].s0, sum[r][q].s1, sum[r][q].s2, sum[r][q].s3};
      for (int l = 0; l < 4; l++) {
        if (i >= s.m || j + l >= s.n) continue;
        float v = values[l];
        if (s.usesBias) v += LOAD(BIAS, bias, s.bias + inner * s.biasInner + i * s.biasRow + (j + l) * s.biasColumn);
        STORE(RESULT, c, i * s.cRow + (j + l) * s.cColumn, v);
      }
    }
  }
}
