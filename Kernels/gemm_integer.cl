// SPDX-License-Identifier: MIT
// c = a · b (+ bias) in 64-bit integers. A work-item computes one element; extents are (m * n, batch). No local memory.
//
// Definitions: LEFT, RIGHT, RESULT and BIAS, the dtypes of a, b, c and bias.
#include "gemm_operand.cl"

typedef struct {
  long m, n, k, inner;
  operand_t a, b, c;
  epilogue_t epilogue;
} integer_t;

__kernel void gemm_integer(
    __global const STORAGE(LEFT) *a, __global const STORAGE(RIGHT) *b, __global STORAGE(RESULT) *c,
    __global const STORAGE(BIAS) *bias, const integer_t s) {
  const long element = get_global_id(0);
  if (element >= s.m * s.n) return;
  const product_t at = product_at(get_global_id(1), 1, s.inner);
  const long i = element / s.n, j = element % s.n;
  a += matrix_start(&s.a, at) + i * s.a.row;
  b += matrix_start(&s.b, at) + j * s.b.column;
  ulong sum = 0;
  if (s.epilogue.usesBias)
    sum = LOAD(BIAS, bias, bias_start(&s.epilogue, at) + i * s.epilogue.row + j * s.epilogue.column);
  for (long p = 0; p < s.k; p++) sum += (ulong)LOAD(LEFT, a, p * s.a.column) * (ulong)LOAD(RIGHT, b, p * s.b.row);
  STORE(RESULT, c, matrix_start(&s.c, at) + i * s.c.row + j * s.c.column, (long)sum);
}
