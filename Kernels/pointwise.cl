// SPDX-License-Identifier: MIT
// The interpreter of pointwise programs: any program over any dtypes and strides, compiled once, so that a program that
// runs a few times only costs no compilation. What returns often gets its own kernel, made of the same expressions.
//
// One work-item: `run` consecutive elements of the row-major order, in blocks of BLOCK that stay inside one row. A
// block goes through the program instruction by instruction, so that the price of a decision is shared by BLOCK
// elements. Work-groups share nothing. Defined by the host before this text: CASES, one CASEn(code, …) for each
// operation.
//
// Private memory: 64 registers of BLOCK floats and BLOCK longs; 48 KiB on CPU devices, 768 bytes on others.
#if TERN_CPU_DEVICE
#define BLOCK 64
#else
#define BLOCK 1
#endif
#define REGISTERS 64
#define OPERANDS 16

/// The program and the geometry of one launch; see PointwiseInterpreter.swift for the words.
typedef struct {
  long word[110];
} descriptor;

typedef float real_t;
typedef long integer_t;

#define EACH VECTOR_LOOP for (int e = 0; e < BLOCK; e++)
#define CASE1(code, result, A, ...)    \
  case code:                           \
    EACH {                             \
      const A##_t a = A[ia][e];        \
      result[target][e] = __VA_ARGS__; \
    }                                  \
    break;
#define CASE2(code, result, A, B, ...)                     \
  case code:                                               \
    EACH {                                                 \
      const A##_t a = A[ia][e];                            \
      const B##_t b = B[ib][e];                            \
      result[target][e] = __VA_ARGS__;                     \
    }                                                      \
    break;
#define CASE3(code, result, A, B, C, ...)                  \
  case code:                                               \
    EACH {                                                 \
      const A##_t a = A[ia][e];                            \
      const B##_t b = B[ib][e];                            \
      const C##_t c = C[ic][e];                            \
      result[target][e] = __VA_ARGS__;                     \
    }                                                      \
    break;

#define LOAD_CASE(code, X, bank)                                                                         \
  case code:                                                                                             \
    for (int e = 0; e < length; e++) bank[i][e] = LOAD(X, (__global const STORAGE(X) *)base[i], at + e * step); \
    break;
#define STORE_CASE(code, X, bank)                                                                        \
  case code:                                                                                             \
    for (int e = 0; e < length; e++) STORE(X, (__global STORAGE(X) *)base[i], at + e * step, bank[source][e]); \
    break;

__kernel void interpret(__global uchar *p0, __global uchar *p1, __global uchar *p2, __global uchar *p3,
                        __global uchar *p4, __global uchar *p5, __global uchar *p6, __global uchar *p7,
                        __global uchar *p8, __global uchar *p9, __global uchar *p10, __global uchar *p11,
                        __global uchar *p12, __global uchar *p13, __global uchar *p14, __global uchar *p15,
                        const descriptor d) {
  const long count = d.word[1], run = d.word[2];
  long position = (long)get_global_id(0) * run;
  const long end = min(position + run, count);
  if (position >= end) return;

  const int instructions = (int)(d.word[0] & 255), inputs = (int)(d.word[0] >> 8 & 255);
  const int scalars = (int)(d.word[0] >> 16 & 255), outputs = (int)(d.word[0] >> 24 & 255);
  const int rank = (int)(d.word[0] >> 32 & 255), operands = inputs + outputs;
  const long dtypes = d.word[3], sources = d.word[4], reals = d.word[5];
  const int extents = 6, views = extents + rank, constants = views + operands * (rank + 1);
  const int code = constants + scalars;

  __global uchar *base[OPERANDS] = {p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15};
  float real[REGISTERS][BLOCK];
  long integer[REGISTERS][BLOCK];
  for (int i = 0; i < scalars; i++)
    for (int e = 0; e < BLOCK; e++) {
      if (reals >> i & 1)
        real[inputs + i][e] = as_float((int)d.word[constants + i]);
      else
        integer[inputs + i][e] = d.word[constants + i];
    }

  const long inner = d.word[extents + rank - 1];
  while (position < end) {
    // The row that the block lies in, and the block's first element in memory for each operand.
    long place[OPERANDS];
    long rest = position / inner;
    const long column = position - rest * inner;
    const int length = (int)min(min((long)BLOCK, inner - column), end - position);
    for (int i = 0; i < operands; i++)
      place[i] = d.word[views + i * (rank + 1)] + column * d.word[views + i * (rank + 1) + rank];
    for (int axis = rank - 2; axis >= 0; axis--) {
      const long next = rest / d.word[extents + axis], index = rest - next * d.word[extents + axis];
      for (int i = 0; i < operands; i++) place[i] += index * d.word[views + i * (rank + 1) + 1 + axis];
      rest = next;
    }

    for (int i = 0; i < inputs; i++) {
      const long at = place[i], step = d.word[views + i * (rank + 1) + rank];
      switch (dtypes >> 4 * i & 15) {
        LOAD_CASE(0, float32, real)
        LOAD_CASE(1, float16, real)
        LOAD_CASE(2, bfloat16, real)
        LOAD_CASE(3, int32, integer)
        LOAD_CASE(4, int64, integer)
        LOAD_CASE(5, bool, integer)
      }
      // A block cut short computes on all lanes; the last ones repeat its first element, so nothing undefined is read.
      for (int e = length; e < BLOCK; e++) {
        real[i][e] = real[i][0];
        integer[i][e] = integer[i][0];
      }
    }

    for (int k = 0; k < instructions; k++) {
      const uint instruction = (uint)(d.word[code + k / 2] >> 32 * (k % 2));
      const int ia = instruction >> 8 & 255, ib = instruction >> 16 & 255, ic = instruction >> 24;
      const int target = inputs + scalars + k;
      switch (instruction & 255) { CASES }
    }

    for (int o = 0; o < outputs; o++) {
      const int i = inputs + o, source = (int)(sources >> 8 * o & 255);
      const long at = place[i], step = d.word[views + i * (rank + 1) + rank];
      switch (dtypes >> 4 * i & 15) {
        STORE_CASE(0, float32, real)
        STORE_CASE(1, float16, real)
        STORE_CASE(2, bfloat16, real)
        STORE_CASE(3, int32, integer)
        STORE_CASE(4, int64, integer)
        STORE_CASE(5, bool, integer)
      }
    }
    position += length;
  }
}
