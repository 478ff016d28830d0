// SPDX-License-Identifier: MIT
// Copies around matrix products.
//
// gemm_pack     A matrix of any strides and dtype becomes Float32 in tiles of TILE columns: element (i, j) goes to
//               (j / TILE) * tile + i * row + j % TILE. Tiles that follow each other (tile = rows * TILE, row = TILE)
//               are the panels of gemm_wide.cl, padded with zeros to whole tiles; tile = TILE makes a dense matrix.
//               A work-item moves BLOCK_ROWS rows of one tile.
// gemm_reduce   c = sum over parts, in order, (+ bias, activated): the second pass of a product that was cut along k,
//               or whose result is not Float32. A work-item computes one element.
//
// Definitions: SOURCE, dtype of the matrix; RESULT and BIAS, those of c and bias; VEC, floats in a vector register.
#include "gemm_operand.cl"
#include "vector_transpose.cl"
#define TILE (2 * VEC)
#define BLOCK_ROWS 64

typedef struct {
  long rows, columns;
  long x, xBatch, xRow, xColumn;
  long y, yBatch, yRow, yTile;
  long padded;  // whether columns beyond the last are written as 0
} pack_t;

#if IS_FLOAT32(SOURCE)
static inline void transpose_block(__global const float *x, long xColumn, __global float *y, long yRow) {
  vec r[VEC];
#pragma unroll
  for (int i = 0; i < VEC; i++) r[i] = LOAD_VEC(x + i * xColumn);
  transpose(r);
#pragma unroll
  for (int i = 0; i < VEC; i++) STORE_VEC(r[i], y + i * yRow);
}
#endif

__kernel GROUP_OF_ONE void gemm_pack(
    __global const STORAGE(SOURCE) *x, __global float *y, const pack_t s) {
  const long i0 = get_group_id(1) * BLOCK_ROWS, j0 = get_group_id(0) * TILE;
  const int rows = min((long)BLOCK_ROWS, s.rows - i0), columns = min((long)TILE, s.columns - j0);
  x += s.x + get_group_id(2) * s.xBatch + i0 * s.xRow + j0 * s.xColumn;
  y += s.y + get_group_id(2) * s.yBatch + get_group_id(0) * s.yTile + i0 * s.yRow;
  int first = 0;
#if IS_FLOAT32(SOURCE)
  if (s.xRow == 1 && columns == TILE)
    for (; first + VEC <= rows; first += VEC) {
      transpose_block(x + first, s.xColumn, y + first * s.yRow, s.yRow);
      transpose_block(x + first + VEC * s.xColumn, s.xColumn, y + first * s.yRow + VEC, s.yRow);
    }
#endif
  for (int i = first; i < rows; i++) {
    if (s.xColumn == 1)
      for (int j = 0; j < columns; j++) y[i * s.yRow + j] = LOAD(SOURCE, x, i * s.xRow + j);
    else
      for (int j = 0; j < columns; j++) y[i * s.yRow + j] = LOAD(SOURCE, x, i * s.xRow + j * s.xColumn);
    if (s.padded)
      for (int j = columns; j < TILE; j++) y[i * s.yRow + j] = 0.0f;
  }
}

typedef struct {
  long m, n, inner, parts, part;  // parts are dense [outer, inner, m, n], `part` elements apart
  operand_t c;
  epilogue_t epilogue;
} reduce_t;

__kernel void gemm_reduce(
    __global const float *x, __global STORAGE(RESULT) *c, __global const STORAGE(BIAS) *bias, const reduce_t s) {
  const long element = get_global_id(0), index = get_global_id(1);
  if (element >= s.m * s.n) return;
  const product_t at = product_at(index, 1, s.inner);
  const long i = element / s.n, j = element % s.n;
  float sum = 0.0f;
  for (long part = 0; part < s.parts; part++) sum += x[part * s.part + index * s.m * s.n + element];
  sum = finished(sum, &s.epilogue, bias + bias_start(&s.epilogue, at), i, j);
  STORE(RESULT, c, matrix_start(&s.c, at) + i * s.c.row + j * s.c.column, sum);
}
