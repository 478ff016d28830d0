// SPDX-License-Identifier: MIT
// The kernels of grid_sample.cl that only devices of type CPU have.

kernel void grid_input_gradient(
    global const void *dy, global const void *grid, global float *dx, int type, sampling_t s) {
  long parts = (s.channels + s.share - 1) / s.share, n = get_global_id(0) / parts, part = get_global_id(0) - n * parts;
  long first = part * s.share, count = min(s.share, s.channels - first), plane = s.height * s.width;
  global float *target = dx + s.result + (n * s.channels + first) * plane;
  for (long i = 0; i < count * plane; i++) target[i] = 0.0f;
  int terms = tern_grid_terms((int)s.mode);
  long points = s.out_height * s.out_width;
  for (long index = n * points; index < (n + 1) * points; index++) {
    point_t p = point_at(&s, grid, type, index);
    long at = s.dy + n * s.dy_image + first * s.dy_channel + p.row * s.dy_row + p.column * s.dy_column;
    for (long c = 0; c < count; c++) {
      float gradient = load_real(dy, at + c * s.dy_channel, type);
      for (int r = 0; r < terms; r++) {
        if (p.along_column.place[r] < 0) continue;
        for (int q = 0; q < terms; q++) {
          if (p.along_row.place[q] < 0) continue;
          target[c * plane + p.along_column.place[r] * s.width + p.along_row.place[q]] +=
              p.along_column.weight[r] * p.along_row.weight[q] * gradient;
        }
      }
    }
  }
}
