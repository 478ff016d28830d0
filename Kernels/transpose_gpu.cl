// SPDX-License-Identifier: MIT
// The kernel of transpose.cl for GPUs: a group copies a square of 32 x 32.

__kernel void transpose_copy(__global const WORD *x, __global WORD *y, const transpose_t t, long blocks) {
  __local WORD square[32][33];
  const place_t place = place_of(get_group_id(0), &t, 32, 32);
  const int lane = get_local_id(0) % 32;
  for (int j = get_local_id(0) / 32; j < 32; j += 8) {
    const long row = place.row + lane, column = place.column + j;
    if (row < t.rows && column < t.columns) square[j][lane] = x[place.source + row + column * t.source_column];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int j = get_local_id(0) / 32; j < 32; j += 8) {
    const long row = place.row + j, column = place.column + lane;
    if (row < t.rows && column < t.columns) y[place.target + row * t.target_row + column] = square[lane][j];
  }
}
