// SPDX-License-Identifier: MIT
// The kernels of pooling.cl for GPUs.

/// The first input row and column of an output's window, and its taps along both axes.
typedef struct {
  int top, left, rows, columns;
} window_t;

static window_t window_of(pool_t pool, int row, int column) {
  window_t window;
  window.top = window_start(pool, row, pool.stride_height, pool.pad_height, pool.height, pool.out_height);
  window.left = window_start(pool, column, pool.stride_width, pool.pad_width, pool.width, pool.out_width);
  window.rows = window_taps(pool, row, pool.kernel_height, pool.height, pool.out_height);
  window.columns = window_taps(pool, column, pool.kernel_width, pool.width, pool.out_width);
  return window;
}

kernel void max_pool(
    global const void *x, planes_t view, int type, global void *y, long y_offset, int y_type, global int *indices,
    long indices_offset, int wants_indices, pool_t pool) {
  long output = get_global_id(0);
  int outputs = pool.out_height * pool.out_width;
  if (output >= (long)pool.planes * outputs) return;
  int plane = (int)(output / outputs), position = (int)(output - (long)plane * outputs);
  int out_row = position / pool.out_width, out_column = position - out_row * pool.out_width;
  window_t window = window_of(pool, out_row, out_column);
  long start = plane_start(view, pool, plane);
  float best = -INFINITY;
  int place = -1;
  for (int kh = 0; kh < window.rows; kh++) {
    int row = window.top + kh * pool.dilation_height;
    if (row < 0 || row >= pool.height) continue;
    for (int kw = 0; kw < window.columns; kw++) {
      int column = window.left + kw * pool.dilation_width;
      if (column < 0 || column >= pool.width) continue;
      float v = load_real(x, start + row * view.row + column * view.column, type);
      // The first position counts even when it holds -inf, and the first NaN beats everything.
      if (v > best || (v != v && best == best) || place < 0) {
        best = v;
        place = row * pool.width + column;
      }
    }
  }
  store_real(y, y_offset + output, best, y_type);
  if (wants_indices) indices[indices_offset + output] = place;
}

kernel void average_pool(
    global const void *x, planes_t view, int type, global void *y, long y_offset, int y_type, pool_t pool) {
  long output = get_global_id(0);
  int outputs = pool.out_height * pool.out_width;
  if (output >= (long)pool.planes * outputs) return;
  int plane = (int)(output / outputs), position = (int)(output - (long)plane * outputs);
  int out_row = position / pool.out_width, out_column = position - out_row * pool.out_width;
  window_t window = window_of(pool, out_row, out_column);
  long start = plane_start(view, pool, plane);
  float sum = 0.0f;
  for (int kh = 0; kh < window.rows; kh++) {
    int row = window.top + kh * pool.dilation_height;
    if (row < 0 || row >= pool.height) continue;
    for (int kw = 0; kw < window.columns; kw++) {
      int column = window.left + kw * pool.dilation_width;
      if (column >= 0 && column < pool.width) sum += load_real(x, start + row * view.row + column * view.column, type);
    }
  }
  store_real(y, y_offset + output, sum * window_scale(pool, out_row, out_column), y_type);
}

/// The input position of a work-item, and the windows along each axis that may hold it.
typedef struct {
  int plane, row, column;
  holders_t rows, columns;
} position_t;

static position_t position_of(pool_t pool, long index) {
  int positions = pool.height * pool.width;
  position_t p;
  p.plane = (int)(index / positions);
  int rest = (int)(index - (long)p.plane * positions);
  p.row = rest / pool.width;
  p.column = rest - p.row * pool.width;
  p.rows = holders_of(
      pool, p.row, pool.pad_height, pool.kernel_height, pool.stride_height, pool.dilation_height, pool.height,
      pool.out_height);
  p.columns = holders_of(
      pool, p.column, pool.pad_width, pool.kernel_width, pool.stride_width, pool.dilation_width, pool.width,
      pool.out_width);
  return p;
}

kernel void max_pool_gradient(
    global const void *dy, planes_t view, int type, global const int *indices, long indices_offset, global float *dx,
    long dx_offset, pool_t pool) {
  long index = get_global_id(0);
  if (index >= (long)pool.planes * pool.height * pool.width) return;
  position_t p = position_of(pool, index);
  long start = plane_start(view, pool, p.plane);
  long places = indices_offset + (long)p.plane * pool.out_height * pool.out_width;
  int place = p.row * pool.width + p.column;
  float sum = 0.0f;
  for (int row = p.rows.first; row < p.rows.end; row++)
    for (int column = p.columns.first; column < p.columns.end; column++)
      if (indices[places + row * pool.out_width + column] == place)
        sum += load_real(dy, start + row * view.row + column * view.column, type);
  dx[dx_offset + index] = sum;
}

kernel void average_pool_gradient(
    global const void *dy, planes_t view, int type, global float *dx, long dx_offset, pool_t pool) {
  long index = get_global_id(0);
  if (index >= (long)pool.planes * pool.height * pool.width) return;
  position_t p = position_of(pool, index);
  long start = plane_start(view, pool, p.plane);
  float sum = 0.0f;
  for (int row = p.rows.first; row < p.rows.end; row++) {
    // Dilated windows step over some of the positions that they span.
    if ((p.row + pool.pad_height - row * pool.stride_height) % pool.dilation_height != 0) continue;
    for (int column = p.columns.first; column < p.columns.end; column++) {
      if ((p.column + pool.pad_width - column * pool.stride_width) % pool.dilation_width != 0) continue;
      sum += load_real(dy, start + row * view.row + column * view.column, type) * window_scale(pool, row, column);
    }
  }
  dx[dx_offset + index] = sum;
}
