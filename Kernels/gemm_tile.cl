// SPDX-License-Identifier: MIT
// How work-groups of GPUs move tiles of a product's operands: for the kernels that compute a tile of TILE_M x TILE_N
// elements of c with GROUP work-items, DEPTH of k at a step (gemm_tiled.cl, gemm_tensor.cl).
//
// Order. The groups of a launch stand in one row (a third extent ends at 65,535 on NVIDIA) and go through bands of BAND
// row tiles, so that those that run at one time share operands in the second-level cache.
//
// Global memory. Neighbouring work-items read neighbouring elements: along k (ALONG = 1) or across it (0), whichever
// has stride 1, so no operand needs a transposed copy; with LANES = 4 each reads 16 bytes, for which the host has
// checked that every quad is aligned and whole. There are no guards in the loop: a position beyond the last row or
// column is moved onto the last one (its sums are not stored), and the incomplete step over k, if any, is the first
// one, where what lies outside becomes 0.
//
// Local memory. Two buffers of each operand, element (across, along) at along * (TILE + PADDING) + across. The next
// step's elements travel to registers during the arithmetic, so one barrier a step is enough.
//
// k may be cut into parts with a dense result each (gemm_reduce in gemm_pack.cl adds them up and has the epilogue).
//
// Definitions: by the kernel TILE_M, TILE_N, GROUP, PADDING; by the host DEPTH; LEFT_ALONG, LEFT_LANES, RIGHT_ALONG,
// RIGHT_LANES, RESULT_LANES; OFFSET, int where no element of a tile is 2^31 elements or more from its first, else long;
// ACTIVATION; the dtypes.
#include "gemm_operand.cl"
#include "activation.cl"
#ifndef DEPTH
#define DEPTH 16
#endif
#ifndef LEFT_LANES
#define LEFT_LANES 1
#endif
#ifndef RIGHT_LANES
#define RIGHT_LANES 1
#endif
#ifndef RESULT_LANES
#define RESULT_LANES 1
#endif
#ifndef OFFSET
#define OFFSET int
#endif
#define BAND 8
#define LEFT_LINE (TILE_M + PADDING)
#define RIGHT_LINE (TILE_N + PADDING)
#define LEFT_LOADS (TILE_M * DEPTH / (GROUP * LEFT_LANES))
#define RIGHT_LOADS (TILE_N * DEPTH / (GROUP * RIGHT_LANES))

typedef struct {
  long m, n, k, inner;
  long parts, partDepth, cPart, tilesM, tilesN;
  operand_t a, b, c;
  epilogue_t epilogue;
} tiled_t;

/// Tile `index` of a product: row tile, column tile.
static inline uint2 tile_place(uint index, uint tilesM, uint tilesN) {
  const uint first = index / (BAND * tilesN) * BAND, place = index % (BAND * tilesN);
  const uint height = min((uint)BAND, tilesM - first);
  return (uint2)(first + place % height, place / height);
}

/// Position in a block of `width` x DEPTH that load `index` of a group starts at: across, along k.
static inline int2 load_place(const int index, const int width, const int lanes, const bool along) {
  return along ? (int2)(index / (DEPTH / lanes), index % (DEPTH / lanes) * lanes)
               : (int2)(index % (width / lanes) * lanes, index / (width / lanes));
}
#define LEFT_PLACE(q) load_place(item + (q) * GROUP, TILE_M, LEFT_LANES, LEFT_ALONG)
#define RIGHT_PLACE(q) load_place(item + (q) * GROUP, TILE_N, RIGHT_LANES, RIGHT_ALONG)

typedef float lanes_1;
typedef float4 lanes_4;
#define LANES_TYPE(N) TERN_JOIN(lanes_, N)
#define FETCH_1(X, p) LOAD(X, p, 0)
#define FETCH_4(X, p) LOAD4(X, p, 0)
#define FETCH_LEFT(q) TERN_JOIN(FETCH_, LEFT_LANES)(LEFT, a + leftOffset[q])
#define FETCH_RIGHT(q) TERN_JOIN(FETCH_, RIGHT_LANES)(RIGHT, b + rightOffset[q])

static inline void keep_1(__local float *block, int2 place, int line, float v, const bool along) {
  block[place.y * line + place.x] = v;
}

static inline void keep_4(__local float *block, int2 place, int line, float4 v, const bool along) {
  __local float *at = block + place.y * line + place.x;
  if (along) {
    at[0] = v.s0;
    at[line] = v.s1;
    at[2 * line] = v.s2;
    at[3 * line] = v.s3;
  } else {
    *(__local float4 *)at = v;
  }
}
#define KEEP_LEFT TERN_JOIN(keep_, LEFT_LANES)
#define KEEP_RIGHT TERN_JOIN(keep_, RIGHT_LANES)

// The steps that the kernels share, as text: local memory and arrays in registers belong to a kernel's own body.

/// The buffers: float4 for their alignment.
#define TILE_MEMORY __local float4 left[2][DEPTH * LEFT_LINE / 4], right[2][DEPTH * RIGHT_LINE / 4];

/// Which tile the group computes; moves a and b to its first element. Expects `item`.
#define TILE_PLACE                                                                                                   \
  const uint tiles = s.tilesM * s.tilesN;                                                                            \
  const product_t at = product_at((uint)get_group_id(0) / tiles, s.parts, s.inner);                                  \
  const uint2 tile = tile_place((uint)get_group_id(0) % tiles, s.tilesM, s.tilesN);                                  \
  const long i0 = (long)tile.x * TILE_M, j0 = (long)tile.y * TILE_N, begin = at.part * s.partDepth;                  \
  const long depth = clamp(s.k - begin, 0L, s.partDepth);                                                            \
  const int first = depth % DEPTH == 0 ? (int)min(depth, (long)DEPTH) : (int)(depth % DEPTH);                        \
  a += matrix_start(&s.a, at) + i0 * s.a.row + begin * s.a.column;                                                   \
  b += matrix_start(&s.b, at) + j0 * s.b.column + begin * s.b.row;

/// Where each load of a step stands; the first `first` columns of a and rows of b into buffer 0.
#define TILE_FETCH_FIRST                                                                                             \
  OFFSET leftOffset[LEFT_LOADS], rightOffset[RIGHT_LOADS];                                                           \
  LANES_TYPE(LEFT_LANES) nextLeft[LEFT_LOADS];                                                                       \
  LANES_TYPE(RIGHT_LANES) nextRight[RIGHT_LOADS];                                                                    \
  const int lastRow = min(s.m - i0, (long)TILE_M) - (LEFT_ALONG ? 1 : LEFT_LANES);                                   \
  const int lastColumn = min(s.n - j0, (long)TILE_N) - (RIGHT_ALONG ? 1 : RIGHT_LANES);                              \
  _Pragma("unroll") for (int q = 0; q < LEFT_LOADS; q++) {                                                           \
    const int2 place = LEFT_PLACE(q);                                                                                \
    leftOffset[q] = (OFFSET)min(place.x, lastRow) * (OFFSET)s.a.row + place.y * (OFFSET)s.a.column;                  \
    nextLeft[q] = 0.0f;                                                                                              \
    if (place.y < first) nextLeft[q] = FETCH_LEFT(q);                                                                \
  }                                                                                                                  \
  _Pragma("unroll") for (int q = 0; q < RIGHT_LOADS; q++) {                                                          \
    const int2 place = RIGHT_PLACE(q);                                                                               \
    rightOffset[q] = (OFFSET)min(place.x, lastColumn) * (OFFSET)s.b.column + place.y * (OFFSET)s.b.row;              \
    nextRight[q] = 0.0f;                                                                                             \
    if (place.y < first) nextRight[q] = FETCH_RIGHT(q);                                                              \
  }                                                                                                                  \
  a += first * s.a.column;                                                                                           \
  b += first * s.b.row;                                                                                              \
  TILE_KEEP(0)                                                                                                       \
  barrier(CLK_LOCAL_MEM_FENCE);

/// The next step's elements into registers.
#define TILE_FETCH_NEXT                                                                                              \
  _Pragma("unroll") for (int q = 0; q < LEFT_LOADS; q++) nextLeft[q] = FETCH_LEFT(q);                                \
  _Pragma("unroll") for (int q = 0; q < RIGHT_LOADS; q++) nextRight[q] = FETCH_RIGHT(q);                             \
  a += DEPTH * s.a.column;                                                                                           \
  b += DEPTH * s.b.row;

/// Fetched elements from registers into a buffer.
#define TILE_KEEP(buffer)                                                                                            \
  _Pragma("unroll") for (int q = 0; q < LEFT_LOADS; q++)                                                             \
      KEEP_LEFT((__local float *)left[buffer], LEFT_PLACE(q), LEFT_LINE, nextLeft[q], LEFT_ALONG);                   \
  _Pragma("unroll") for (int q = 0; q < RIGHT_LOADS; q++)                                                            \
      KEEP_RIGHT((__local float *)right[buffer], RIGHT_PLACE(q), RIGHT_LINE, nextRight[q], RIGHT_ALONG);

/// Moves c and bias to the product's.
#define TILE_RESULT                                                                                                  \
  c += matrix_start(&s.c, at) + at.part * s.cPart;                                                                   \
  bias += bias_start(&s.epilogue, at);

/// Element (i, j) with its bias, activated; the activation is a constant here.
static inline float tile_finished(
    float sum, const tiled_t *s, __global const STORAGE(BIAS) *bias, long i, long j) {
  if (s->epilogue.usesBias) sum += LOAD(BIAS, bias, i * s->epilogue.row + j * s->epilogue.column);
  return activated(sum);
}
