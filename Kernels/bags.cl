// SPDX-License-Identifier: MIT
// Bags of rows of a table, see Bags.swift. Bag `b` has the entries from offsets[b] to the next offset.
//
// bag_rows       CPU device: a work-item does a bag; GPU: one element.
// bag_entries    A work-item does a bag.
// bag_row_sums   The gradient, from entries sorted by row (rows.cl). CPU device: a work-item does a row of the table;
//                GPU: one element.
// No local memory.

#include "typed.cl"

#define MODE_SUM 0
#define MODE_MEAN 1
#define MODE_MAX 2

/// Entries, bags, rows and columns of the table, the padding's index or -1; where and how the lists are read.
typedef struct {
  long count, bags, rows, columns, mode, padding;
  long indices, index_step, index_type, offsets, offset_step;
} bags_t;

static long bag_index(bags_t plan, global const void *indices, long entry) {
  return load_int(indices, plan.indices + entry * plan.index_step, (int)plan.index_type);
}

static long bag_start(bags_t plan, global const long *offsets, long bag) {
  return bag < plan.bags ? clamp(offsets[plan.offsets + bag * plan.offset_step], 0L, plan.count) : plan.count;
}

/// Bits of the NaN that a bad index gives.
#define OUTSIDE as_float(0x7fc00000)

kernel void bag_rows(
    bags_t plan, global const void *table, long table_offset, long row_step, long column_step, int type,
    global const void *indices, global const long *offsets, global const float *shares, global void *y, long y_offset,
    int y_type, global int *positions, long positions_offset) {
#if TERN_CPU_DEVICE
  long bag = get_global_id(0);
  if (bag >= plan.bags) return;
  for (long c = 0; c < plan.columns; c++) {
#else
  long bag = get_global_id(0) / plan.columns, c = get_global_id(0) - bag * plan.columns;
  if (bag >= plan.bags) return;
  {
#endif
    long start = bag_start(plan, offsets, bag), end = bag_start(plan, offsets, bag + 1);
    float result = 0.0f;
    int owner = -1;
    for (long entry = start; entry < end; entry++) {
      long row = bag_index(plan, indices, entry);
      if (row == plan.padding) continue;
      bool valid = row >= 0 && row < plan.rows;
      float x = valid ? load_real(table, table_offset + row * row_step + c * column_step, type) : OUTSIDE;
      if (plan.mode != MODE_MAX) {
        result += shares[entry] * x;
      } else if (owner < 0 || x > result || (x != x && result == result)) {
        result = x;
        owner = (int)entry;
      }
    }
    store_real(y, y_offset + bag * plan.columns + c, result, y_type);
    if (plan.mode == MODE_MAX) positions[positions_offset + bag * plan.columns + c] = owner;
  }
}

/// The host has filled both results for the entries before the first offset, which are in no bag.
kernel void bag_entries(
    bags_t plan, global const void *indices, global const long *offsets, global const float *weights, long weighted,
    long weights_offset, long weight_step, global int *bag_of, global float *shares) {
  long bag = get_global_id(0);
  if (bag >= plan.bags) return;
  long start = bag_start(plan, offsets, bag), end = bag_start(plan, offsets, bag + 1), counted = 0;
  if (plan.mode == MODE_MEAN)
    for (long entry = start; entry < end; entry++) counted += bag_index(plan, indices, entry) != plan.padding;
  else counted = 1;
  for (long entry = start; entry < end; entry++) {
    float weight = weighted ? weights[weights_offset + entry * weight_step] : 1.0f;
    bag_of[entry] = (int)bag;
    shares[entry] = bag_index(plan, indices, entry) == plan.padding ? 0.0f : weight / (float)counted;
  }
}

kernel void bag_row_sums(
    bags_t plan, global const void *dy, long dy_offset, long dy_row, long dy_column, int type,
    global const int2 *sorted, global const int *bag_of, global const float *shares, global const int *positions,
    long positions_offset, global void *table, long table_offset, int table_type) {
#if TERN_CPU_DEVICE
  long row = get_global_id(0);
  if (row >= plan.rows) return;
#else
  long row = get_global_id(0) / plan.columns, c = get_global_id(0) - row * plan.columns;
  if (row >= plan.rows) return;
#endif
  int low = 0, high = (int)plan.count;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (sorted[middle].x < row) low = middle + 1;
    else high = middle;
  }
#if TERN_CPU_DEVICE
  for (long c = 0; c < plan.columns; c += 16) {
    float16 sum = 0.0f;
    long left = plan.columns - c;
    for (int i = low; i < plan.count && sorted[i].x == row && row != plan.padding; i++) {
      int entry = sorted[i].y, bag = bag_of[entry];
      if (bag < 0) continue;
      float16 gradient = load_lanes(dy, dy_offset + bag * dy_row + c * dy_column, dy_column, left, type, 0.0f);
      if (plan.mode == MODE_MAX) {
        float owned[16];
        for (int l = 0; l < 16; l++)
          owned[l] = l < left && positions[positions_offset + bag * plan.columns + c + l] == entry ? 1.0f : 0.0f;
        float16 mine = vload16(0, owned);
        sum += mine == 1.0f ? gradient : (float16)(0.0f);
      } else {
        sum += shares[entry] * gradient;
      }
    }
    store_lanes(table, table_offset + row * plan.columns + c, left, table_type, sum);
  }
#else
  float sum = 0.0f;
  for (int i = low; i < plan.count && sorted[i].x == row && row != plan.padding; i++) {
    int entry = sorted[i].y, bag = bag_of[entry];
    if (bag < 0) continue;
    if (plan.mode == MODE_MAX && positions[positions_offset + bag * plan.columns + c] != entry) continue;
    float gradient = load_real(dy, dy_offset + bag * dy_row + c * dy_column, type);
    sum += plan.mode == MODE_MAX ? gradient : shares[entry] * gradient;
  }
  store_real(table, table_offset + row * plan.columns + c, sum, table_type);
#endif
}
