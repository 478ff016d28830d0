// SPDX-License-Identifier: MIT
// Matrix product for GPUs: c = activation(a · b (+ bias)), operands of any strides and floating-point dtype.
//
// A work-group of WARPS_M x WARPS_N warps of 32 work-items computes TILE_M x TILE_N elements, moved as gemm_tile.cl
// says. In a warp 4 x 8 work-items compute ROWS x COLUMNS elements each, in blocks of 4 x 4: block (r, q) of work-item
// (y, x) starts at row 16 r + 4 y, column 32 q + 4 x of the warp's tile. ROWS = COLUMNS = 8: 64 sums in registers, 16
// floats from local memory for 64 multiply-adds. Quads of 8 work-items cover all 32 banks of local memory once; the
// others of the warp read the same words.
//
// Local memory: two buffers of DEPTH lines of TILE_M + 4 and TILE_N + 4 floats: 33 KiB for 128 x 128 x 16, so that two
// groups share a multiprocessor. The 4 keeps a transposing store (ALONG = 1), whose neighbours are lines apart, to two
// words a bank, and quads aligned.
//
// Definitions: WARPS_M, WARPS_N, ROWS, COLUMNS; UNROLLED, 1 to write the loop over a step's depth out, so that reads of
// local memory overlap arithmetic; those of gemm_tile.cl.
#define TILE_M (WARPS_M * 4 * ROWS)
#define TILE_N (WARPS_N * 8 * COLUMNS)
#define GROUP (32 * WARPS_M * WARPS_N)
#define PADDING 4
#include "gemm_tile.cl"
#if UNROLLED
#define UNROLL_DEPTH _Pragma("unroll")
#else
#define UNROLL_DEPTH _Pragma("unroll 1")
#endif

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void gemm_tiled(
    __global const STORAGE(LEFT) *a, __global const STORAGE(RIGHT) *b, __global STORAGE(RESULT) *c,
    __global const STORAGE(BIAS) *bias, const tiled_t s) {
  TILE_MEMORY
  const int item = get_local_id(0), warp = item / 32, x = item % 8, y = item % 32 / 8;
  const int warpRow = warp % WARPS_M * 4 * ROWS, warpColumn = warp / WARPS_M * 8 * COLUMNS;
  TILE_PLACE
  TILE_FETCH_FIRST

  float4 sum[ROWS][COLUMNS / 4];
#pragma unroll
  for (int i = 0; i < ROWS; i++)
#pragma unroll
    for (int j = 0; j < COLUMNS / 4; j++) sum[i][j] = 0.0f;

  int buffer = 0;
  for (long remaining = depth - first; remaining >= 0; remaining -= DEPTH) {
    const bool more = remaining > 0;
    if (more) { TILE_FETCH_NEXT }
    __local const float4 *rows = left[buffer] + warpRow / 4 + y, *columns = right[buffer] + warpColumn / 4 + x;
    UNROLL_DEPTH
    for (int p = 0; p < DEPTH; p++) {
      float4 u[ROWS / 4], v[COLUMNS / 4];
#pragma unroll
      for (int r = 0; r < ROWS / 4; r++) u[r] = rows[p * (LEFT_LINE / 4) + r * 4];
#pragma unroll
      for (int q = 0; q < COLUMNS / 4; q++) v[q] = columns[p * (RIGHT_LINE / 4) + q * 8];
#pragma unroll
      for (int r = 0; r < ROWS / 4; r++)
#pragma unroll
        for (int q = 0; q < COLUMNS / 4; q++) {
          sum[4 * r][q] = fma((float4)u[r].s0, v[q], sum[4 * r][q]);
          sum[4 * r + 1][q] = fma((float4)u[r].s1, v[q], sum[4 * r + 1][q]);
          sum[4 * r + 2][q] = fma((float4)u[r].s2, v[q], sum[4 * r + 2][q]);
          sum[4 * r + 3][q] = fma((float4)u[r].s3, v[q], sum[4 * r + 3][q]);
        }
    }
    if (more) { TILE_KEEP(1 - buffer) }
    barrier(CLK_LOCAL_MEM_FENCE);
    buffer = 1 - buffer;
  }

  TILE_RESULT
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    const long i = i0 + warpRow + r / 4 * 16 + y * 4 + r % 4;
    if (i >= s.m) continue;
#pragma unroll
    for (int q = 0; q < COLUMNS / 4; q++) {
      const long j = j0 + warpColumn + q * 32 + x * 4;
      float values[4] = {sum[r][q].s0, sum[r][q].s1, sum[r][q].s2, sum[r][q].s3};
#pragma unroll
      for (int l = 0; l < 4; l++)
        if (j + l < s.n) {
          values[l] = tile_finished(values[l], &s, bias, i, j + l);
          if (RESULT_LANES == 1) STORE(RESULT, c, i * s.c.row + (j + l) * s.c.column, values[l]);
        }
      if (RESULT_LANES == 4 && j < s.n)
        STORE4(RESULT, c + i * s.c.row + j, 0, (float4)(values[0], values[1], values[2], values[3]));
    }
  }
}
