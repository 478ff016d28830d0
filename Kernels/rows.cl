// SPDX-License-Identifier: MIT
// Rows of a table by index: gather, and its gradient, which adds rows up in the order of the indices.
//
// gather_rows         CPU device: a work-item copies `share` rows; GPU: one element.
// The gradient sorts (row, place in the list) by row, least significant digit first, each pass keeping the order of
// equal digits, so that a row's places end up next to each other and in order. A work-item (`share` neighbouring
// pairs, a chunk) counts its digits, one work-item or group turns the counts into places, and the chunks write:
//
// row_keys            Pairs from indices; an index outside of the table becomes the key `rows`, which sorts last.
// digit_counts        counts[digit * chunks + chunk].
// digit_starts        Exclusive running sum over all counts.
// digit_places        Moves the pairs to their places.
// sum_rows            Adds up the rows of each table row. CPU device: a work-item does `share` table rows; GPU: one
//                     element.
// Local memory on a GPU: 1 KiB in digit_starts.

#include "sorted_pairs.cl"
#include "typed.cl"

#ifndef DIGIT_BITS
#define DIGIT_BITS (TERN_CPU_DEVICE ? 8 : 4)
#endif
#define DIGITS (1 << DIGIT_BITS)

/// A list of indices: its place, its step and its type.
typedef struct {
  long offset, step, type;
} list_t;

/// A matrix: where it starts, and its steps.
typedef struct {
  long offset, row, column;
} steps_t;

#define COPY(T, NOT_A_NUMBER) \
  ((global T *)y)[to] = valid ? ((global const T *)table)[from] : (T)(NOT_A_NUMBER)

/// Copies bits, so that 64-bit integers stay whole; a row of NaN, or 0 for integers, where the index is bad.
static void copy_element(global const void *table, long from, global void *y, long to, int type, bool valid) {
  switch (type) {
    case FLOAT32: COPY(uint, 0x7fc00000); break;
    case FLOAT16: COPY(ushort, 0x7e00); break;
    case BFLOAT16: COPY(ushort, 0x7fc0); break;
    case INT32: COPY(uint, 0); break;
    case INT64: COPY(ulong, 0); break;
    default: COPY(uchar, 0);
  }
}

kernel void gather_rows(
    global const void *table, steps_t steps, int type, global const void *indices, list_t list, global void *y,
    long y_offset, long rows, long columns, long count, long share) {
#if TERN_CPU_DEVICE
  long first = get_global_id(0) * share;
  for (long i = first; i < min(first + share, count); i++) {
    long row = load_int(indices, list.offset + i * list.step, (int)list.type);
    bool valid = row >= 0 && row < rows;
    long from = steps.offset + (valid ? row : 0) * steps.row, to = y_offset + i * columns;
    if (valid && type == FLOAT32 && steps.column == 1) {
      global const uint *source = (global const uint *)table + from;
      global uint *target = (global uint *)y + to;
      for (long c = 0; c < columns; c++) target[c] = source[c];
    } else {
      for (long c = 0; c < columns; c++) copy_element(table, from + c * steps.column, y, to + c, type, valid);
    }
  }
#else
  long element = get_global_id(0), i = element / columns, c = element - i * columns;
  if (i >= count) return;
  long row = load_int(indices, list.offset + i * list.step, (int)list.type);
  bool valid = row >= 0 && row < rows;
  long from = steps.offset + (valid ? row : 0) * steps.row + c * steps.column;
  copy_element(table, from, y, y_offset + element, type, valid);
#endif
}

kernel void row_keys(global const void *indices, list_t list, global int2 *pairs, int rows, int count, int share) {
  int first = get_global_id(0) * share;
  for (int i = first; i < min(first + share, count); i++) {
    long row = load_int(indices, list.offset + i * list.step, (int)list.type);
    pairs[i] = (int2)(row >= 0 && row < rows ? (int)row : rows, i);
  }
}

kernel void digit_counts(global const int2 *pairs, global int *counts, int count, int shift, int share, int chunks) {
  int chunk = get_global_id(0), first = chunk * share;
  if (chunk >= chunks) return;
  int own[DIGITS];
  for (int d = 0; d < DIGITS; d++) own[d] = 0;
  for (int i = first; i < min(first + share, count); i++) own[(pairs[i].x >> shift) & (DIGITS - 1)]++;
  for (int d = 0; d < DIGITS; d++) counts[d * chunks + chunk] = own[d];
}

kernel void digit_starts(global int *counts, int total) {
#if TERN_CPU_DEVICE
  int sum = 0;
  for (int i = 0; i < total; i++) {
    int here = counts[i];
    counts[i] = sum;
    sum += here;
  }
#else
  // One group; each work-item owns a stretch: sums it, waits for the sums before it, and writes the running sums.
  local int sums[GROUP];
  int id = get_local_id(0), stretch = (total + GROUP - 1) / GROUP;
  int first = min(id * stretch, total), end = min(first + stretch, total);
  int own = 0;
  for (int i = first; i < end; i++) own += counts[i];
  sums[id] = own;
  for (int step = 1; step < GROUP; step *= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    int before = id >= step ? sums[id - step] : 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    sums[id] += before;
  }
  int sum = sums[id] - own;
  for (int i = first; i < end; i++) {
    int here = counts[i];
    counts[i] = sum;
    sum += here;
  }
#endif
}

kernel void digit_places(
    global const int2 *pairs, global int2 *sorted, global const int *starts, int count, int shift, int share,
    int chunks) {
  int chunk = get_global_id(0), first = chunk * share;
  if (chunk >= chunks) return;
  int next[DIGITS];
  for (int d = 0; d < DIGITS; d++) next[d] = starts[d * chunks + chunk];
  for (int i = first; i < min(first + share, count); i++) {
    int2 pair = pairs[i];
    sorted[next[(pair.x >> shift) & (DIGITS - 1)]++] = pair;
  }
}

kernel void sum_rows(
    global const void *dy, steps_t steps, int type, global const int2 *sorted, int count, global void *table,
    long table_offset, int table_type, long rows, long columns, long share) {
#if TERN_CPU_DEVICE
  long first = get_global_id(0) * share, end = min(first + share, rows);
  int pair = first_pair(sorted, count, (int)first);
  for (long row = first; row < end; row++) {
    int begin = pair;
    while (pair < count && sorted[pair].x == row) pair++;
    for (long c = 0; c < columns; c += 16) {
      float16 sum = 0.0f;
      for (int i = begin; i < pair; i++) {
        long from = steps.offset + sorted[i].y * steps.row + c * steps.column;
        sum += load_lanes(dy, from, steps.column, columns - c, type, 0.0f);
      }
      store_lanes(table, table_offset + row * columns + c, columns - c, table_type, sum);
    }
  }
#else
  long element = get_global_id(0), row = element / columns, c = element - row * columns;
  if (row >= rows) return;
  float sum = 0.0f;
  for (int i = first_pair(sorted, count, (int)row); i < count && sorted[i].x == row; i++)
    sum += load_real(dy, steps.offset + sorted[i].y * steps.row + c * steps.column, type);
  store_real(table, table_offset + element, sum, table_type);
#endif
}
