// SPDX-License-Identifier: MIT
// Running sums and products, and positions of running extremes, along one axis of [outer, n, inner]; a line is what
// lies along it. A line is cut into `chunks` of `chunk` elements, so that few long lines keep a device busy: their
// totals are found first, then what comes before each chunk, then the results.
//
// scan_columns        One chunk of lines. CPU device (scan_cpu.cl): of `share` lines, next to each other along `inner`
//                     where there are so many; GPU (scan_gpu.cl): of one line.
// scan_rows           For inner == 1 on a GPU: a group does one chunk, tile by tile of GROUP neighbours.
// scan_before         A work-item turns a line's totals into what comes before each chunk.
// Results are made of what is known of blocks of BLOCK elements and of what lies before the block, so that rounding
// errors do not grow with the axis. Local memory on a GPU: GROUP states, 4 KiB at most.

#include "typed.cl"

#define SUM 0
#define PRODUCT 1
#define MAX_POSITION 2
#define MIN_POSITION 3

#ifndef KIND
#define KIND SUM
#endif
#ifndef INTEGER
#define INTEGER 0
#endif
#ifndef BLOCK
#define BLOCK 256
#endif

#if INTEGER
typedef long value_t;
#define VALUE_TYPE INT64
#define load_value load_int
#define store_value store_int
#define IS_NAN(v) false
#else
typedef float value_t;
#define VALUE_TYPE FLOAT32
#define load_value load_real
#define store_value store_real
#define IS_NAN(v) ((v) != (v))
#endif

#if KIND == SUM || KIND == PRODUCT
/// What is known of a stretch of a line.
typedef struct {
  value_t value;
} state_t;
#define NOTHING ((state_t){KIND == SUM ? 0 : 1})
#define ELEMENT(v, i) ((state_t){v})
static state_t joined(state_t a, state_t b) {
  return (state_t){KIND == SUM ? a.value + b.value : a.value * b.value};
}
#define PUT(y, at, type, state) store_value(y, at, (state).value, type)
#else
typedef struct {
  value_t value;
  long place;  // -1 of nothing
} state_t;
#define NOTHING ((state_t){0, -1})
#define ELEMENT(v, i) ((state_t){v, i})
#if KIND == MAX_POSITION
#define BEYOND(a, b) ((a) > (b))
#else
#define BEYOND(a, b) ((a) < (b))
#endif
static state_t joined(state_t a, state_t b) {
  bool later = BEYOND(b.value, a.value) || (IS_NAN(b.value) && !IS_NAN(a.value));
  return a.place < 0 || (b.place >= 0 && later) ? b : a;
}
#define PUT(y, at, type, state) ((global long *)(y))[at] = (state).place
#endif

typedef struct {
  long offset, outer, axis, inner;
} steps_t;

/// Extents, and the cut: a state of chunk `c` of line `(o, i)` is at `(o * chunks + c) * inner + i`.
typedef struct {
  long outer, n, inner, chunk, chunks, share;
} cut_t;

#if TERN_CPU_DEVICE
#include "scan_cpu.cl"
#else
#include "scan_gpu.cl"
#endif

kernel void scan_before(global state_t *states, long lines, long inner, long chunks) {
  long line = get_global_id(0);
  if (line >= lines) return;
  long o = line / inner, i = line - o * inner;
  state_t before = NOTHING;
  for (long c = 0; c < chunks; c++) {
    global state_t *state = states + (o * chunks + c) * inner + i;
    state_t own = *state;
    *state = before;
    before = joined(before, own);
  }
}
