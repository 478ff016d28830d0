// SPDX-License-Identifier: MIT
// Matrix product on NVIDIA's tensor cores by inline PTX (compute capability 8.0 and later):
// c = activation(a · b (+ bias)), operands of any strides and floating-point dtype, moved as gemm_tile.cl says.
//
// Precision. The multiplicands are TF32: floats rounded to 11 bits of significand (cvt.rna: to nearest, ties away).
//   SPLIT = 0  one product of the rounded operands: relative error about 2^-11 an element; exact for half types.
//   SPLIT = 1  each operand x = high + low in two TF32 numbers, c = low·high + high·low + high·high, smallest first;
//              what is left out, low·low, is below 2^-22 (Ootomo, Yokota: "Recovering single precision accuracy from
//              Tensor Cores while surpassing the FP32 theoretical peak performance", 2022). Tensor cores cut sums off
//              instead of rounding, so the sums of 8 in k are added to those before with ordinary float arithmetic.
//
// A work-group of 8 warps computes 128 x 128 elements, a warp 64 x 32 of them: 4 x 4 products mma.m16n8k8 a step of 8
// in k. With g = lane / 4 and t = lane % 4 a work-item holds (PTX ISA, "Matrix fragments for mma.m16n8k8", .tf32):
//   of a 16 x 8 tile of a:  (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4)
//   of a 8 x 8 tile of b:   (t, g), (t + 4, g)
//   of a 16 x 8 tile of c:  (g, 2 t), (g, 2 t + 1), (g + 8, 2 t), (g + 8, 2 t + 1)
//
// Never run on a GPU so far: the instructions assemble for sm_80 and sm_90, the rest is tested by the emulation.
//
// Local memory: two buffers of DEPTH lines of 136 floats for each operand: 17 KiB for 8. A warp's reads go to banks
// 8 t + g: each of the 32 once.
//
// EMULATED = 1 computes the same elements from local memory without PTX, so that everything but the instruction itself
// can be tested on other devices.
//
// Definitions: SPLIT, EMULATED; those of gemm_tile.cl.
#define TILE_M 128
#define TILE_N 128
#define GROUP 256
#define PADDING 8
#include "gemm_tile.cl"
#ifndef EMULATED
#define EMULATED 0
#endif
#define WARP_M 64
#define WARP_N 32

#if EMULATED
/// Nearest TF32, ties away from 0; not for infinity and NaN.
static inline uint tf32(float x) { return (as_uint(x) + 0x1000u) & 0xffffe000u; }

/// What `multiply` adds to the sums of one work-item, from the tiles in local memory.
static inline void emulate(float sum[4], __local const float *rows, __local const float *columns, int g, int t) {
  for (int e = 0; e < 4; e++) {
    float small = 0.0f, large = 0.0f;
    for (int p = 0; p < 8; p++) {
      const float x = rows[p * LEFT_LINE + g + e / 2 * 8], y = columns[p * RIGHT_LINE + 2 * t + e % 2];
      const float highLeft = as_float(tf32(x)), highRight = as_float(tf32(y));
      if (SPLIT) small += as_float(tf32(x - highLeft)) * highRight + highLeft * as_float(tf32(y - highRight));
      large += highLeft * highRight;
    }
    sum[e] += small + large;
  }
}
#else
static inline uint tf32(float x) {
  uint y;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
  return y;
}

/// d += a b for one 16 x 8 x 8 product of the warp.
static inline void multiply(float d[4], const uint a[4], const uint b[2]) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void gemm_tensor(
    __global const STORAGE(LEFT) *a, __global const STORAGE(RIGHT) *b, __global STORAGE(RESULT) *c,
    __global const STORAGE(BIAS) *bias, const tiled_t s) {
  TILE_MEMORY
  const int item = get_local_id(0), warp = item / 32, g = item % 32 / 4, t = item % 4;
  const int warpRow = warp % 2 * WARP_M, warpColumn = warp / 2 * WARP_N;
  TILE_PLACE
  TILE_FETCH_FIRST

  float sum[WARP_M / 16][WARP_N / 8][4];
#pragma unroll
  for (int i = 0; i < WARP_M / 16; i++)
#pragma unroll
    for (int j = 0; j < WARP_N / 8; j++)
#pragma unroll
      for (int e = 0; e < 4; e++) sum[i][j][e] = 0.0f;

  int buffer = 0;
  for (long remaining = depth - first; remaining >= 0; remaining -= DEPTH) {
    const bool more = remaining > 0;
    if (more) { TILE_FETCH_NEXT }
    __local const float *rows = (__local const float *)left[buffer] + warpRow;
    __local const float *columns = (__local const float *)right[buffer] + warpColumn;
#pragma unroll
    for (int step = 0; step < DEPTH; step += 8) {
#if EMULATED
      for (int i = 0; i < WARP_M / 16; i++)
        for (int j = 0; j < WARP_N / 8; j++)
          emulate(sum[i][j], rows + step * LEFT_LINE + i * 16, columns + step * RIGHT_LINE + j * 8, g, t);
#else
      uint high[WARP_M / 16][4], low[WARP_M / 16][4];
#pragma unroll
      for (int i = 0; i < WARP_M / 16; i++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
          const float x = rows[(step + t + e / 2 * 4) * LEFT_LINE + i * 16 + g + e % 2 * 8];
          high[i][e] = tf32(x);
          if (SPLIT) low[i][e] = tf32(x - as_float(high[i][e]));
        }
#pragma unroll
      for (int j = 0; j < WARP_N / 8; j++) {
        uint highRight[2], lowRight[2];
#pragma unroll
        for (int e = 0; e < 2; e++) {
          const float y = columns[(step + t + e * 4) * RIGHT_LINE + j * 8 + g];
          highRight[e] = tf32(y);
          if (SPLIT) lowRight[e] = tf32(y - as_float(highRight[e]));
        }
#if SPLIT
        float part[WARP_M / 16][4];
        // Neighbouring products belong to different sums, so that none waits for the one before it.
#pragma unroll
        for (int i = 0; i < WARP_M / 16; i++) {
          part[i][0] = part[i][1] = part[i][2] = part[i][3] = 0.0f;
          multiply(part[i], low[i], highRight);
        }
#pragma unroll
        for (int i = 0; i < WARP_M / 16; i++) multiply(part[i], high[i], lowRight);
#pragma unroll
        for (int i = 0; i < WARP_M / 16; i++) multiply(part[i], high[i], highRight);
#pragma unroll
        for (int i = 0; i < WARP_M / 16; i++)
#pragma unroll
          for (int e = 0; e < 4; e++) sum[i][j][e] += part[i][e];
#else
#pragma unroll
        for (int i = 0; i < WARP_M / 16; i++) multiply(sum[i][j], high[i], highRight);
#endif
      }
#endif
    }
    if (more) { TILE_KEEP(1 - buffer) }
    barrier(CLK_LOCAL_MEM_FENCE);
    buffer = 1 - buffer;
  }

  TILE_RESULT
#pragma unroll
  for (int i = 0; i < WARP_M / 16; i++)
#pragma unroll
    for (int j = 0; j < WARP_N / 8; j++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const long row = i0 + warpRow + i * 16 + g + e / 2 * 8;
        const long column = j0 + warpColumn + j * 8 + 2 * t + e % 2;
        if (row < s.m && column < s.n)
          STORE(
              RESULT, c, row * s.c.row + column * s.c.column, tile_finished(sum[i][j][e], &s, bias, row, column));
      }
}
