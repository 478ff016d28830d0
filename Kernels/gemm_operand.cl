// SPDX-License-Identifier: MIT
// What the kernels around matrix products share: dtypes, where an operand's elements stand, what happens to an element
// of the result between its sum and its store. The structs are those of GemmProblem.swift, all fields 64 bits wide.
//
// Definitions: LEFT, RIGHT, RESULT and BIAS, the dtypes of a, b, c and bias; SOURCE, of a matrix that is copied.
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
#ifndef SOURCE
#define SOURCE float32
#endif
#include "tern_activation.h"

/// A matrix in a batch that two numbers index (image and group, say); strides in elements.
typedef struct {
  long offset, outer, inner, row, column;
} operand_t;

/// A bias, element offset + inner index * inner + i * row + j * column of a vector, and one of TERN_ACTIVATION_*.
typedef struct {
  long offset, inner, row, column, usesBias, activation;
} epilogue_t;

/// Which product of a launch something belongs to: its matrices, and its part of k.
typedef struct {
  long outer, inner, part;
} product_t;

/// Products follow each other by outer index, then inner index, then part.
static inline product_t product_at(long index, long parts, long innerCount) {
  const long batch = index / parts;
  return (product_t){.outer = batch / innerCount, .inner = batch % innerCount, .part = index % parts};
}

/// Where a product's matrix starts.
static inline long matrix_start(const operand_t *o, product_t at) {
  return o->offset + at.outer * o->outer + at.inner * o->inner;
}

/// Where the bias of a product's element (0, 0) stands.
static inline long bias_start(const epilogue_t *e, product_t at) { return e->offset + at.inner * e->inner; }

/// Element (i, j) with its bias, which starts at `bias`, then activated.
static inline float finished(float sum, const epilogue_t *e, __global const STORAGE(BIAS) *bias, long i, long j) {
  if (e->usesBias) sum += LOAD(BIAS, bias, i * e->row + j * e->column);
  return tern_activated(sum, (int)e->activation);
}
