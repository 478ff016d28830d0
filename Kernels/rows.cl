// SPDX-License-Identifier: MIT
// Rows of a table by index: gather, and its gradient, which adds rows up in the order of the indices.
//
// gather_rows         CPU device: a work-item copies `share` rows; GPU: one element.
// The gradient sorts (row, place in the list) by row (radix.cl), so that a row's places end up next to each other and
// in order.
//
// row_keys            Pairs from indices; an index outside of the table becomes the key `rows`, which sorts last.
// sum_rows            Adds up the rows of each table row. CPU device: a work-item does `share` table rows; GPU: one
//                     element.

#include "copy_element.cl"
#include "sorted_pairs.cl"

/// A list of indices: its place, its step and its type.
typedef struct {
  long offset, step, type;
} list_t;

/// A matrix: where it starts, and its steps.
typedef struct {
  long offset, row, column;
} steps_t;

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
