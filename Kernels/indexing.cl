// SPDX-License-Identifier: MIT
// Elements picked from, and added to, the lines along one axis by their position. Arrays are [outer, axis, inner]; the
// outputs are dense. Indices outside of the axis give NaN (0 for integers) and add to nothing.
//
// gather_axis         CPU device: a work-item makes `share` neighbouring elements; GPU: one.
// scatter_axis        Adds in the order of the axis, so that the bits never change. CPU device: a work-item owns
//                     `share` lines, next to each other along `inner` where there are so many; GPU: one line.
// scatter_keys        For lines too few to keep a GPU busy (indexing_gpu.cl): the place in the output that each element
//                     goes to, -1 for none; the places are sorted, and sums made of equal ones (rows.cl).
// No local memory.

#include "copy_element.cl"

typedef struct {
  long offset, outer, axis, inner;
} steps_t;

/// `length` elements of a row of the output whose indices are all the same.
static void gather_run(
    global const void *x, long from, long step, int type, global void *y, long to, long length, bool valid) {
  if (valid && step == 1 && (type == FLOAT32 || type == INT32)) {
    global const uint *source = (global const uint *)x + from;
    global uint *target = (global uint *)y + to;
    for (long i = 0; i < length; i++) target[i] = source[i];
  } else {
    for (long i = 0; i < length; i++) copy_element(x, from + i * step, y, to + i, type, valid);
  }
}

kernel void gather_axis(
    global const void *x, steps_t steps, int type, global const void *indices, steps_t list, int index_type,
    global void *y, long y_offset, long n, long picked, long inner, long count, long share) {
#if TERN_CPU_DEVICE
  long e = get_global_id(0) * share, end = min(e + share, count);
#else
  long e = get_global_id(0), end = min(e + 1, count);
#endif
  while (e < end) {
    long i = e % inner, row = e / inner, p = row % picked, o = row / picked;
    // Neighbours along the axis of a line by itself, else those behind it.
    long stop = min(end, e + (inner == 1 ? picked - p : inner - i));
    long at = list.offset + o * list.outer + p * list.axis + i * list.inner;
    long from = steps.offset + o * steps.outer + i * steps.inner;
    if (inner == 1) {
      for (; e < stop; e++, at += list.axis) {
        long k = load_int(indices, at, index_type);
        bool valid = k >= 0 && k < n;
        copy_element(x, from + (valid ? k : 0) * steps.axis, y, y_offset + e, type, valid);
      }
    } else if (list.inner == 0) {
      long k = load_int(indices, at, index_type);
      bool valid = k >= 0 && k < n;
      gather_run(x, from + (valid ? k : 0) * steps.axis, steps.inner, type, y, y_offset + e, stop - e, valid);
      e = stop;
    } else {
      for (; e < stop; e++, at += list.inner, from += steps.inner) {
        long k = load_int(indices, at, index_type);
        bool valid = k >= 0 && k < n;
        copy_element(x, from + (valid ? k : 0) * steps.axis, y, y_offset + e, type, valid);
      }
    }
  }
}

#ifndef INTEGER
#define INTEGER 0
#endif
#if INTEGER
typedef long sum_t;
#define load_sum load_int
#else
typedef float sum_t;
#define load_sum load_real
#endif

/// `y` is Float32, or int64 where INTEGER.
kernel void scatter_axis(
    global const void *x, steps_t steps, int type, global const void *indices, steps_t list, int index_type,
    global sum_t *y, long y_offset, long n, long picked, long inner, long lines, long share) {
#if TERN_CPU_DEVICE
  long line = get_global_id(0) * share, end = min(line + share, lines);
#else
  long line = get_global_id(0), end = min(line + 1, lines);
#endif
  while (line < end) {
    long i = line % inner, o = line / inner, width = min(end - line, inner - i);
    global sum_t *out = y + y_offset + o * n * inner + i;
    for (long k = 0; k < n; k++)
      for (long j = 0; j < width; j++) out[k * inner + j] = 0;
    for (long p = 0; p < picked; p++) {
      long at = list.offset + o * list.outer + p * list.axis + i * list.inner;
      long from = steps.offset + o * steps.outer + p * steps.axis + i * steps.inner;
      for (long j = 0; j < width; j++) {
        long k = load_int(indices, at + j * list.inner, index_type);
        if (k >= 0 && k < n) out[k * inner + j] += load_sum(x, from + j * steps.inner, type);
      }
    }
    line += width;
  }
}

#if !TERN_CPU_DEVICE
#include "indexing_gpu.cl"
#endif
