// SPDX-License-Identifier: MIT
// Reductions over any axes: one program for each KIND and accumulator (INTEGER: long, else float).
//
// An output reduces `segments` runs of `length` elements. Runs are cut into blocks, and neighbouring blocks form a
// part; all of these depend on the shape only. A block is reduced in plain arithmetic, blocks are merged with a running
// error term (sums) or a running maximum (logSumExp), and `reduce_parts` merges parts, in order.
//
// reduce_rows      CPU device: a work-item reduces one part of each of `share` outputs, 64 elements abreast.
//                  GPU: `lanes` work-items reduce one part of one output, a group of GROUP holds GROUP / lanes outputs.
// reduce_columns   For outputs that are neighbours in memory. CPU device: a work-item reduces one part of 1024 outputs.
//                  GPU: a group reduces one part of 32 outputs, 8 work-items abreast on each.
// reduce_parts     CPU device: a work-item merges the parts of one output; GPU: a group does.
// Local memory on a GPU: GROUP states, 2 KiB (float) or 4 KiB (long).
//
// What is reduced is `source_t x`: a buffer, or with FUSED the result of a pointwise program that is never stored. Then
// the host writes, before this text, `source_t` with the program's operands, `SOURCE_PARAMETERS` and `SOURCE` for the
// kernels, and `element_at(x, at)`: the value at a position of the dense result.

#include "typed.cl"

#define SUM 0
#define MEAN 1
#define PRODUCT 2
#define MAX 3
#define MIN 4
#define LOG_SUM_EXP 5
#define SUM_OF_SQUARES 6

#ifndef KIND
#define KIND SUM
#endif
#ifndef INTEGER
#define INTEGER 0
#endif

#if INTEGER
typedef long value_t;
typedef long16 value16_t;
#define LOWEST LONG_MIN
#define HIGHEST LONG_MAX
#else
typedef float value_t;
typedef float16 value16_t;
#define LOWEST (-INFINITY)
#define HIGHEST INFINITY
#endif

#ifndef FUSED
typedef struct {
  global const void *p;
  int dtype;
} source_t;
#define SOURCE_PARAMETERS global const void *p, int dtype
#define SOURCE ((source_t){p, dtype})
#define ARE_FLOATS(x) ((x).dtype == FLOAT32)
#define FLOATS(x) ((global const float *)(x).p)

static value_t element_at(source_t x, long at) {
#if INTEGER
  return load_int(x.p, at, x.dtype);
#else
  return load_real(x.p, at, x.dtype);
#endif
}
#endif

// The operators work on scalars and, lane by lane, on vectors. Comparisons are written so that NaN wins.
#if KIND == PRODUCT
#define IDENTITY ((value_t)1)
#define COMBINE(a, b) ((a) * (b))
#elif KIND == MAX || KIND == LOG_SUM_EXP
#define IDENTITY LOWEST
#define COMBINE(a, b) ((((b) > (a)) | ((b) != (b))) ? (b) : (a))
#elif KIND == MIN
#define IDENTITY HIGHEST
#define COMBINE(a, b) ((((b) < (a)) | ((b) != (b))) ? (b) : (a))
#else
#define IDENTITY ((value_t)0)
#define COMBINE(a, b) ((a) + (b))
#endif
#if KIND == SUM_OF_SQUARES
#define ELEMENT(v) ((v) * (v))
#else
#define ELEMENT(v) (v)
#endif
#define COMPENSATED (!INTEGER && (KIND == SUM || KIND == MEAN || KIND == SUM_OF_SQUARES))

/// What is known of some elements: their sum `a` and its rounding error `b`; their maximum `a` and `b`, the sum of
/// `exp(x - a)`; or their product, maximum or minimum `a`.
typedef struct {
  value_t a, b;
} state_t;
typedef struct {
  value16_t a, b;
} state16_t;

#if COMPENSATED
// Knuth's two-sum: what the rounding of one.a + two.a lost goes to one.b.
#define MERGE(T, one, two)                                              \
  {                                                                     \
    T sum_ = (one).a + (two).a;                                         \
    T part_ = sum_ - (one).a;                                           \
    (one).b += (two).b + (((one).a - (sum_ - part_)) + ((two).a - part_)); \
    (one).a = sum_;                                                     \
  }
#elif KIND == LOG_SUM_EXP
// Equal maxima need no factor, and inf - inf has none.
#define RESCALE(T, from, to) (((from) == (to)) ? (T)(1.0f) : exp((from) - (to)))
#define MERGE(T, one, two)                                                                     \
  {                                                                                            \
    T max_ = COMBINE((one).a, (two).a);                                                        \
    (one).b = (one).b * RESCALE(T, (one).a, max_) + (two).b * RESCALE(T, (two).a, max_); \
    (one).a = max_;                                                                            \
  }
// The sum of a block whose maximum is not finite: 1 for +inf, 0 for -inf, NaN for NaN.
#define ENDLESS(T, max) (((max) > 0.0f) ? (T)(1.0f) : ((max) < 0.0f) ? (T)(0.0f) : (max))
#else
#define MERGE(T, one, two)             \
  {                                    \
    (one).a = COMBINE((one).a, (two).a); \
    (one).b += (two).b;                \
  }
#endif

static state_t merged(state_t one, state_t two) {
  MERGE(value_t, one, two)
  return one;
}

/// The lengths are in elements, dimensions outermost first, those that are missing have extent 1.
#define DIMENSIONS 6
typedef struct {
  long kept_extent[DIMENSIONS], kept_stride[DIMENSIONS];
  long outer_extent[DIMENSIONS], outer_stride[DIMENSIONS];  // of the reduced axes but the innermost
  long length, stride;                                      // of the innermost reduced axis
  long offset, y_offset;
  long outputs;
  long block;               // elements of a block
  long blocks_per_segment;  // the last block of a segment may be shorter
  long blocks;              // of one output
  long blocks_per_part;
  long parts;
  long share;    // CPU device, rows: outputs of a work-item
  long lanes;    // GPU: work-items that share an output
  long columns;  // columns: extent of the innermost kept axis
} reduce_plan;

static long position(const long *extent, const long *stride, long index) {
  long at = 0;
  for (int d = DIMENSIONS - 1; d >= 0 && index > 0; d--) {
    if (extent[d] == 1) continue;
    long rest = index / extent[d];
    at += (index - rest * extent[d]) * stride[d];
    index = rest;
  }
  return at;
}

/// Where and how outputs are written.
typedef struct {
  global void *y;
  long offset;
  int type;
  float divisor;  // of a mean
} result_t;

static void finish(state_t state, long output, result_t to) {
  long at = to.offset + output;
#if INTEGER && KIND == MEAN
  store_real(to.y, at, (float)state.a / to.divisor, to.type);
#elif INTEGER
  // The maximum or minimum of nothing is the least or the greatest value of the output's type.
#if KIND == MAX || KIND == MIN
  if (to.type == INT32) state.a = clamp(state.a, (long)INT_MIN, (long)INT_MAX);
  if (to.type == BOOL) state.a = clamp(state.a, 0L, 1L);
#endif
  store_int(to.y, at, state.a, to.type);
#elif COMPENSATED
  store_real(to.y, at, (isfinite(state.b) ? state.a + state.b : state.a) / to.divisor, to.type);
#elif KIND == LOG_SUM_EXP
  store_real(to.y, at, state.a + log(state.b), to.type);
#else
  store_real(to.y, at, state.a, to.type);
#endif
}

/// Keeps the state of a part, or writes the output when there is only one part.
static void finish_part(
    state_t state, long output, long part, const reduce_plan *plan, global state_t *partial, result_t to) {
  if (plan->parts > 1) partial[part * plan->outputs + output] = state;
  else finish(state, output, to);
}

#define EMPTY_STATE ((state_t){IDENTITY, (value_t)0})
#define EMPTY_STATE16 ((state16_t){(value16_t)(IDENTITY), (value16_t)((value_t)0)})

#if TERN_CPU_DEVICE
#include "reduce_cpu.cl"
#else
#include "reduce_gpu.cl"
#endif
