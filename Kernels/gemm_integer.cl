// SPDX-License-Identifier: MIT
// c = a · b (+ bias) in 64-bit integers. A work-item computes one element; extents are (m * n, batch). No local memory.
//
// Definitions: LEFT, RIGHT, RESULT and BIAS, the dtypes of a, b, c and bias.
typedef struct {
  long m, n, k, inner;  // batch index = outer index * inner + inner index
  long a, aOuter, aInner, aRow, aColumn;
  long b, bOuter, bInner, bRow, bColumn;
  long c, cOuter, cInner, cRow, cColumn;
  long bias, biasInner, biasRow, biasColumn, usesBias;
} integer_t;

__kernel void gemm_integer(
    __global const STORAGE(LEFT) *a, __global const STORAGE(RIGHT) *b, __global STORAGE(RESULT) *c,
    __global const STORAGE(BIAS) *bias, const integer_t s) {
  const long element = get_global_id(0), outer = get_global_id(1) / s.inner, inner = get_global_id(1) % s.inner;
  if (element >= s.m * s.n) return;
  const long i = element / s.n, j = element % s.n;
  a += s.a + outer * s.aOuter + inner * s.aInner + i * s.aRow;
  b += s.b + outer * s.bOuter + inner * s.bInner + j * s.bColumn;
  ulong sum = s.usesBias ? LOAD(BIAS, bias, s.bias + inner * s.biasInner + i * s.biasRow + j * s.biasColumn) : 0;
  for (long p = 0; p < s.k; p++) sum += (ulong)LOAD(LEFT, a, p * s.aColumn) * (ulong)LOAD(RIGHT, b, p * s.bRow);
  STORE(RESULT, c, s.c + outer * s.cOuter + inner * s.cInner + i * s.cRow + j * s.cColumn, (long)sum);
}
