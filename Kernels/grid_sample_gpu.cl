// SPDX-License-Identifier: MIT
// The kernels of grid_sample.cl that only GPUs have.

#include "sorted_pairs.cl"

kernel void grid_terms(global const void *grid, global int2 *pairs, global float *weights, int type, sampling_t s) {
  long index = get_global_id(0);
  if (index >= s.batch * s.out_height * s.out_width) return;
  point_t p = point_at(&s, grid, type, index);
  int terms = tern_grid_terms((int)s.mode);
  for (int r = 0; r < terms; r++) {
    for (int q = 0; q < terms; q++) {
      long term = (index * terms + r) * terms + q;
      int down = p.along_column.place[r], right = p.along_row.place[q];
      // What is outside of the images sorts behind all of their elements.
      long element = down < 0 || right < 0 ? s.batch * s.height * s.width
                                           : (p.image * s.height + down) * s.width + right;
      pairs[term] = (int2)((int)element, (int)term);
      weights[term] = p.along_column.weight[r] * p.along_row.weight[q];
    }
  }
}

kernel void grid_input_gradient(
    global const void *dy, global const int2 *sorted, global const float *weights, int count, global void *dx, int type,
    sampling_t s) {
  long index = get_global_id(0), plane = s.height * s.width, n = index / (s.channels * plane);
  if (n >= s.batch) return;
  long rest = index - n * s.channels * plane, c = rest / plane, place = rest - c * plane;
  int terms = tern_grid_terms((int)s.mode), key = (int)(n * plane + place);
  long at = s.dy + n * s.dy_image + c * s.dy_channel, points = s.out_height * s.out_width;
  float sum = 0.0f;
  for (int i = first_pair(sorted, count, key); i < count && sorted[i].x == key; i++) {
    long point = sorted[i].y / (terms * terms) - n * points, row = point / s.out_width;
    sum += weights[sorted[i].y] *
           load_real(dy, at + row * s.dy_row + (point - row * s.out_width) * s.dy_column, type);
  }
  store_real(dx, s.result + index, sum, type);
}
