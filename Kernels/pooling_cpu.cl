// SPDX-License-Identifier: MIT
// The kernels of pooling.cl for devices of type CPU.

/// The first input row and column of 16 windows, and where their outputs stand in the plane.
typedef struct {
  int16 row, column;
  int first, count;
  bool in_one_row;
} windows_t;

static windows_t windows_from(pool_t pool, int first) {
  windows_t windows;
  int out_row = first / pool.out_width, out_column = first - out_row * pool.out_width;
  windows.first = first;
  windows.in_one_row = pool.adjacent && pool.out_width >= 8;
  if (windows.in_one_row) {
    // The last block of a row overlaps the one before instead of being narrow.
    if (pool.out_width >= 16 && out_column > pool.out_width - 16) {
      windows.first -= out_column - (pool.out_width - 16);
      out_column = pool.out_width - 16;
    }
    windows.count = min(16, pool.out_width);
    int16 lanes = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    windows.row = out_row * pool.stride_height - pool.pad_height;
    windows.column = (out_column + lanes) * pool.stride_width - pool.pad_width;
    return windows;
  }
  windows.count = min(16, pool.out_height * pool.out_width - first);
  int rows[16], columns[16];
  for (int l = 0; l < 16; l++) {
    rows[l] = out_row * pool.stride_height - pool.pad_height;
    columns[l] = out_column * pool.stride_width - pool.pad_width;
    if (l + 1 < windows.count && ++out_column == pool.out_width) {
      out_column = 0;
      out_row++;
    }
  }
  windows.row = vload16(0, rows);
  windows.column = vload16(0, columns);
  return windows;
}

/// The input position of one tap of 16 windows; `inside` says which of them have it in the plane.
typedef struct {
  int16 row, column, inside;
} tap_t;

static tap_t tap_of(pool_t pool, windows_t windows, int kh, int kw) {
  tap_t tap = {windows.row + kh * pool.dilation_height, windows.column + kw * pool.dilation_width, (int16)(-1)};
  if (!pool.whole)
    tap.inside = (tap.row >= 0) & (tap.row < pool.height) & (tap.column >= 0) & (tap.column < pool.width);
  return tap;
}

/// The elements at a tap; `fill` for those outside of the plane, anything in lanes without a window.
static float16 load_tap(
    global const void *x, long start, planes_t view, pool_t pool, windows_t windows, tap_t tap, int type,
    float fill) {
  if (windows.in_one_row && pool.stride_width <= 2) {
    if (tap.row.s0 < 0 || tap.row.s0 >= pool.height) return fill;
    // A run of 16, or every second of a run of 32, wherever the run stays in the plane's memory.
    global const float *plane = (global const float *)x + start;
    long at = tap.row.s0 * view.row + tap.column.s0, end = (pool.height - 1) * view.row + pool.width;
    float16 v = fill;
    bool done = at >= 0;
    if (pool.stride_width == 1 && done && at + 16 <= end) v = vload16(0, plane + at);
    else if (pool.stride_width == 2 && done && at + 32 <= end)
      v = (float16)(vload16(0, plane + at).even, vload16(1, plane + at).even);
    else if (pool.stride_width == 2 && at > 0 && at + 31 <= end)
      v = (float16)(vload16(0, plane + at - 1).odd, vload16(1, plane + at - 1).odd);
    else done = false;
    if (done) return tap.inside ? v : (float16)(fill);
  }
  int places[16];
  int16 inside = tap.inside & (tap.row < pool.height) & (tap.column < pool.width);
  vstore16((inside ? tap.row : 0) * (int)view.row + (inside ? tap.column : 0) * (int)view.column, 0, places);
  float lanes[16];
  if (type == FLOAT32) {
    for (int l = 0; l < 16; l++) lanes[l] = load_float32((const TYPED(float32))x, start + places[l]);
  } else {
    for (int l = 0; l < 16; l++) lanes[l] = load_real(x, start + places[l], type);
  }
  return inside ? vload16(0, lanes) : (float16)(fill);
}

/// The first position of each window that lies in the plane, -1 where none does.
static int16 first_places(pool_t pool, windows_t windows) {
  int16 row = windows.row, column = windows.column;
  if (!pool.whole) {
    int16 beyond_row = (pool.dilation_height - 1 - row) / pool.dilation_height;
    int16 beyond_column = (pool.dilation_width - 1 - column) / pool.dilation_width;
    row += max(beyond_row, (int16)(0)) * pool.dilation_height;
    column += max(beyond_column, (int16)(0)) * pool.dilation_width;
  }
  int16 place = row * pool.width + column;
  return ((row < pool.height) & (column < pool.width)) ? place : (int16)(-1);
}

kernel void max_pool(
    global const void *x, planes_t view, int type, global void *y, long y_offset, int y_type, global int *indices,
    long indices_offset, int wants_indices, pool_t pool) {
  int first_plane = get_global_id(0) * pool.share, outputs = pool.out_height * pool.out_width;
  for (int plane = first_plane; plane < min(first_plane + pool.share, pool.planes); plane++) {
    long start = plane_start(view, pool, plane);
    for (int output = 0; output < outputs;) {
      windows_t windows = windows_from(pool, output);
      float16 best = -INFINITY;
      int16 place = first_places(pool, windows);
      for (int kh = 0; kh < pool.kernel_height; kh++) {
        for (int kw = 0; kw < pool.kernel_width; kw++) {
          tap_t tap = tap_of(pool, windows, kh, kw);
          float16 v = load_tap(x, start, view, pool, windows, tap, type, -INFINITY);
          // NaN is not below anything; the first one stays.
          int16 better = ~(v <= best) & (best == best);
          best = better ? v : best;
          place = better ? tap.row * pool.width + tap.column : place;
        }
      }
      long to = (long)plane * outputs + windows.first;
      store_lanes(y, y_offset + to, windows.count, y_type, best);
      if (wants_indices) {
        int places[16];
        vstore16(place, 0, places);
        for (int l = 0; l < windows.count; l++) indices[indices_offset + to + l] = places[l];
      }
      output = windows.first + windows.count;
    }
  }
}

kernel void average_pool(
    global const void *x, planes_t view, int type, global void *y, long y_offset, int y_type, pool_t pool) {
  int first_plane = get_global_id(0) * pool.share, outputs = pool.out_height * pool.out_width;
  for (int plane = first_plane; plane < min(first_plane + pool.share, pool.planes); plane++) {
    long start = plane_start(view, pool, plane);
    for (int output = 0; output < outputs;) {
      windows_t windows = windows_from(pool, output);
      float16 sum = 0.0f;
      int16 taps = 0;
      for (int kh = 0; kh < pool.kernel_height; kh++) {
        for (int kw = 0; kw < pool.kernel_width; kw++) {
          tap_t tap = tap_of(pool, windows, kh, kw);
          sum += load_tap(x, start, view, pool, windows, tap, type, 0.0f);
          if (pool.counts_padding)
            tap.inside = (tap.row < pool.height + pool.pad_height) & (tap.column < pool.width + pool.pad_width);
          taps -= tap.inside;
        }
      }
      sum *= 1.0f / convert_float16(max(taps, (int16)(1)));
      store_lanes(y, y_offset + (long)plane * outputs + windows.first, windows.count, y_type, sum);
      output = windows.first + windows.count;
    }
  }
}

kernel void max_pool_gradient(
    global const void *dy, planes_t view, int type, global const int *indices, long indices_offset, global float *dx,
    long dx_offset, pool_t pool) {
  int first_plane = get_global_id(0) * pool.share, outputs = pool.out_height * pool.out_width;
  int positions = pool.height * pool.width;
  for (int plane = first_plane; plane < min(first_plane + pool.share, pool.planes); plane++) {
    long start = plane_start(view, pool, plane);
    global float *target = dx + dx_offset + (long)plane * positions;
    global const int *places = indices + indices_offset + (long)plane * outputs;
    for (int i = 0; i < positions; i++) target[i] = 0.0f;
    for (int row = 0; row < pool.out_height; row++) {
      for (int column = 0; column < pool.out_width; column++) {
        int place = places[row * pool.out_width + column];
        if ((uint)place < (uint)positions)
          target[place] += load_real(dy, start + row * view.row + column * view.column, type);
      }
    }
  }
}

kernel void average_pool_gradient(
    global const void *dy, planes_t view, int type, global float *dx, long dx_offset, pool_t pool) {
  int first_plane = get_global_id(0) * pool.share, positions = pool.height * pool.width;
  for (int plane = first_plane; plane < min(first_plane + pool.share, pool.planes); plane++) {
    long start = plane_start(view, pool, plane);
    global float *target = dx + dx_offset + (long)plane * positions;
    for (int i = 0; i < positions; i++) target[i] = 0.0f;
    for (int row = 0; row < pool.out_height; row++) {
      for (int column = 0; column < pool.out_width; column++) {
        float gradient = load_real(dy, start + row * view.row + column * view.column, type) *
                         window_scale(pool, row, column);
        int top = row * pool.stride_height - pool.pad_height, left = column * pool.stride_width - pool.pad_width;
        for (int kh = 0; kh < pool.kernel_height; kh++) {
          int h = top + kh * pool.dilation_height;
          if (!pool.whole && (h < 0 || h >= pool.height)) continue;
          for (int kw = 0; kw < pool.kernel_width; kw++) {
            int w = left + kw * pool.dilation_width;
            if (pool.whole || (w >= 0 && w < pool.width)) target[h * pool.width + w] += gradient;
          }
        }
      }
    }
  }
}
