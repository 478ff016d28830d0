// SPDX-License-Identifier: MIT
// The kernels of pooling.cl for devices of type CPU.

/// The first input row and column of 16 windows, their taps where they differ, and where their outputs stand.
typedef struct {
  int16 row, column;
  int16 rows, columns;  // of adaptive windows only
  int first, count;
  bool in_one_row;
} windows_t;

static windows_t windows_from(pool_t pool, int first) {
  windows_t windows;
  int out_row = first / pool.out_width, out_column = first - out_row * pool.out_width;
  windows.first = first;
  windows.in_one_row = pool.adjacent && !pool.adaptive && pool.out_width >= 8;
  windows.rows = windows.columns = 0;
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
  int row[16], column[16], rows[16], columns[16];
  for (int l = 0; l < 16; l++) {
    row[l] = window_start(pool, out_row, pool.stride_height, pool.pad_height, pool.height, pool.out_height);
    column[l] = window_start(pool, out_column, pool.stride_width, pool.pad_width, pool.width, pool.out_width);
    rows[l] = window_taps(pool, out_row, pool.kernel_height, pool.height, pool.out_height);
    columns[l] = window_taps(pool, out_column, pool.kernel_width, pool.width, pool.out_width);
    if (l + 1 < windows.count && ++out_column == pool.out_width) {
      out_column = 0;
      out_row++;
    }
  }
  windows.row = vload16(0, row);
  windows.column = vload16(0, column);
  windows.rows = vload16(0, rows);
  windows.columns = vload16(0, columns);
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
  if (pool.adaptive) tap.inside &= (kh < windows.rows) & (kw < windows.columns);
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
    else if (pool.stride_width == 2 && done && at + 32 <= end) {
      float16 low = vload16(0, plane + at), high = vload16(1, plane + at);
      v = (float16)(EVEN(low), EVEN(high));
    } else if (pool.stride_width == 2 && at > 0 && at + 31 <= end) {
      float16 low = vload16(0, plane + at - 1), high = vload16(1, plane + at - 1);
      v = (float16)(ODD(low), ODD(high));
    } else done = false;
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

/// Columns of a plane whose sums are kept.
#define WIDEST 1024

/// The means of a plane's windows, from the sums of the columns of each row of windows: neighbours in memory, where
/// neighbouring windows have little in common. For windows without padding or dilation.
static void means_of_columns(
    global const float *plane, long row_step, pool_t pool, global void *y, long to, int y_type) {
  float sums[WIDEST];
  for (int out_row = 0; out_row < pool.out_height; out_row++) {
    int top = window_start(pool, out_row, pool.stride_height, 0, pool.height, pool.out_height);
    int rows = window_taps(pool, out_row, pool.kernel_height, pool.height, pool.out_height);
    for (int w = 0; w < pool.width; w++) sums[w] = plane[top * row_step + w];
    for (int row = top + 1; row < top + rows; row++)
      for (int w = 0; w < pool.width; w++) sums[w] += plane[row * row_step + w];
    for (int out_column = 0; out_column < pool.out_width; out_column++) {
      int left = window_start(pool, out_column, pool.stride_width, 0, pool.width, pool.out_width);
      int columns = window_taps(pool, out_column, pool.kernel_width, pool.width, pool.out_width);
      float sum = 0.0f;
      for (int w = left; w < left + columns; w++) sum += sums[w];
      float divisor = (float)(pool.divisor ? pool.divisor : rows * columns);
      store_real(y, to + out_row * pool.out_width + out_column, sum / divisor, y_type);
    }
  }
}

kernel void average_pool(
    global const void *x, planes_t view, int type, global void *y, long y_offset, int y_type, pool_t pool) {
  int first_plane = get_global_id(0) * pool.share, outputs = pool.out_height * pool.out_width;
  bool is_apart = pool.whole && pool.stride_width > 2 && pool.dilation_height == 1 && pool.dilation_width == 1;
  bool by_columns = pool.adjacent && pool.width <= WIDEST && (pool.adaptive || is_apart);
  for (int plane = first_plane; plane < min(first_plane + pool.share, pool.planes); plane++) {
    long start = plane_start(view, pool, plane);
    if (by_columns) {
      means_of_columns((global const float *)x + start, view.row, pool, y, y_offset + (long)plane * outputs, y_type);
      continue;
    }
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
      sum *= 1.0f / convert_float16(pool.divisor ? (int16)(pool.divisor) : max(taps, (int16)(1)));
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

/// How the gradient of a mean goes along rows. With `column + pad = q * stride + phase`, the windows that hold a column
/// are `q`, `q - 1`, … `q - most`, so that for each phase neighbouring `q` read neighbouring windows.
typedef struct {
  int first, end;  // the `q` for which all these windows exist, for all phases, and divide by the same number
  int most;
  int lanes;    // in a vector: 16, 8 or 4; 0 where there are fewer such `q`, or another way is better
  float scale;  // one over the divisor, if it is the same for all windows of the plane; else 0
} phases_t;

static phases_t phases_of(pool_t pool) {
  phases_t phases;
  int stride = pool.stride_width, pad = pool.pad_width;
  int margin = pool.counts_padding ? pad : 0;
  bool is_dilated = pool.dilation_height > 1 || pool.dilation_width > 1;
  int first_full = (pad - margin + stride - 1) / stride;
  int end_full = (pool.width + margin + pad - pool.kernel_width) / stride + 1;
  phases.most = (pool.kernel_width - 1) / stride;
  phases.first = max(first_full + phases.most, (pad + stride - 1) / stride);
  phases.end = min(min(end_full, pool.out_width), (pool.width + pad) / stride);
  int count = phases.end - phases.first;
  phases.lanes = pool.adaptive || is_dilated || stride > 2 || count < 4 ? 0 : count < 8 ? 4 : count < 16 ? 8 : 16;
  bool counts_all = pool.counts_padding && end_full >= pool.out_width &&
                    (pool.out_height - 1) * pool.stride_height + (pool.kernel_height - 1) * pool.dilation_height <
                        pool.height + 2 * pool.pad_height;
  int divisor = pool.divisor ? pool.divisor : pool.kernel_height * pool.kernel_width;
  phases.scale = pool.whole || counts_all || pool.divisor ? 1.0f / (float)divisor : 0.0f;
  return phases;
}

/// `lanes` neighbours of a row from position `at`, in the first lanes.
static float16 load_run(global const void *dy, long at, long stride, int lanes, int type) {
  if (stride == 1 && type == FLOAT32 && lanes < 16) {
    global const float *from = (const TYPED(float32))dy + at;
    const float8 zeros = 0.0f;
    if (lanes == 8) {
      const float8 v = vload8(0, from);
      return (float16)(LOW(v), LOW(zeros));
    }
    const float4 v = vload4(0, from);
    return (float16)(v.s0, v.s1, v.s2, v.s3, 0.0f, 0.0f, 0.0f, 0.0f, LOW(zeros));
  }
  return load_lanes(dy, at, stride, lanes, type, 0.0f);
}

/// The gradient of the mean at one input position, summed over the windows that hold it.
static float gradient_at(
    global const void *dy, long start, planes_t view, int type, pool_t pool, phases_t phases, holders_t rows,
    int column) {
  holders_t columns = holders_of(
      pool, column, pool.pad_width, pool.kernel_width, pool.stride_width, 1, pool.width, pool.out_width);
  float sum = 0.0f;
  for (int r = rows.first; r < rows.end; r++) {
    for (int c = columns.first; c < columns.end; c++) {
      float gradient = load_real(dy, start + r * view.row + c * view.column, type);
      sum += phases.scale != 0.0f ? gradient * phases.scale : gradient * window_scale(pool, r, c);
    }
  }
  return sum;
}

/// A row of the gradient of a mean, in vectors but for its ends.
static void gradient_row(
    global const void *dy, long start, planes_t view, int type, pool_t pool, phases_t phases, int row,
    global float *target) {
  holders_t rows = holders_of(
      pool, row, pool.pad_height, pool.kernel_height, pool.stride_height, pool.dilation_height, pool.height,
      pool.out_height);
  int stride = pool.stride_width, left = phases.first * stride - pool.pad_width;
  for (int column = 0; column < left; column++)
    target[column] = gradient_at(dy, start, view, type, pool, phases, rows, column);
  for (int q = phases.first; q < phases.end; q += phases.lanes) {
    q = min(q, phases.end - phases.lanes);  // the last block overlaps the one before instead of being narrow
    float16 even = 0.0f, odd = 0.0f;
    for (int r = rows.first; r < rows.end; r++) {
      float16 even_in_row = 0.0f, odd_in_row = 0.0f;
      long at = start + r * view.row + q * view.column;
      for (int tap = 0; tap < pool.kernel_width; tap += stride, at -= view.column) {
        float16 v = load_run(dy, at, view.column, phases.lanes, type);
        even_in_row += v;
        if (stride == 2 && tap + 1 < pool.kernel_width) odd_in_row += v;
      }
      // In such columns the divisor depends on the window's row alone.
      float scale = phases.scale != 0.0f ? phases.scale : window_scale(pool, r, q);
      even += even_in_row * scale;
      odd += odd_in_row * scale;
    }
    global float *to = target + q * stride - pool.pad_width;
    if (stride == 1) {
      if (phases.lanes == 16) vstore16(even, 0, to);
      else if (phases.lanes == 8) vstore8(even.lo, 0, to);
      else vstore4(even.lo.lo, 0, to);
      continue;
    }
    float8 first = (float8)(even.s0, odd.s0, even.s1, odd.s1, even.s2, odd.s2, even.s3, odd.s3);
    float8 second = (float8)(even.s4, odd.s4, even.s5, odd.s5, even.s6, odd.s6, even.s7, odd.s7);
    if (phases.lanes == 4) {
      vstore8(first, 0, to);
      continue;
    }
    vstore16((float16)(LOW(first), LOW(second)), 0, to);
    if (phases.lanes == 16)
      vstore16((float16)(even.s8, odd.s8, even.s9, odd.s9, even.sa, odd.sa, even.sb, odd.sb, even.sc, odd.sc, even.sd,
                         odd.sd, even.se, odd.se, even.sf, odd.sf), 1, to);
  }
  for (int column = phases.end * stride - pool.pad_width; column < pool.width; column++)
    target[column] = gradient_at(dy, start, view, type, pool, phases, rows, column);
}

/// The gradient of a plane's mean, window by window: for wide strides, where an input has few windows, and
/// for dilation.
static void add_windows(
    global const void *dy, long start, planes_t view, int type, pool_t pool, phases_t phases, global float *target) {
  for (int i = 0; i < pool.height * pool.width; i++) target[i] = 0.0f;
  for (int row = 0; row < pool.out_height; row++) {
    int top = window_start(pool, row, pool.stride_height, pool.pad_height, pool.height, pool.out_height);
    int rows = window_taps(pool, row, pool.kernel_height, pool.height, pool.out_height);
    for (int column = 0; column < pool.out_width; column++) {
      int left = window_start(pool, column, pool.stride_width, pool.pad_width, pool.width, pool.out_width);
      int columns = window_taps(pool, column, pool.kernel_width, pool.width, pool.out_width);
      float gradient = load_real(dy, start + row * view.row + column * view.column, type);
      gradient *= phases.scale != 0.0f ? phases.scale : window_scale(pool, row, column);
      for (int kh = 0; kh < rows; kh++) {
        int h = top + kh * pool.dilation_height;
        if (!pool.whole && (h < 0 || h >= pool.height)) continue;
        for (int kw = 0; kw < columns; kw++) {
          int w = left + kw * pool.dilation_width;
          if (pool.whole || (w >= 0 && w < pool.width)) target[h * pool.width + w] += gradient;
        }
      }
    }
  }
}

kernel void average_pool_gradient(
    global const void *dy, planes_t view, int type, global float *dx, long dx_offset, pool_t pool) {
  int first_plane = get_global_id(0) * pool.share;
  phases_t phases = phases_of(pool);
  for (int plane = first_plane; plane < min(first_plane + pool.share, pool.planes); plane++) {
    long start = plane_start(view, pool, plane);
    global float *target = dx + dx_offset + (long)plane * pool.height * pool.width;
    if (phases.lanes == 0) {
      add_windows(dy, start, view, type, pool, phases, target);
      continue;
    }
    for (int row = 0; row < pool.height; row++)
      gradient_row(dy, start, view, type, pool, phases, row, target + row * pool.width);
  }
}
