// SPDX-License-Identifier: MIT
// Windows of planes [N, C, H, W] to columns [N, C, kH, kW, outH, outW] of any strides, and back.
//
// unfold  CPU device: a work-item copies `share` rows of columns; GPU: one element. Copies bits.
// fold    x[n, c, h, w] = sum over u, then v of what was unfolded from it. CPU device: a work-item does `share` rows of
//         x, in stretches of 256 neighbours; GPU: one element.
// No local memory.

#include "typed.cl"

typedef struct {
  long batch, channels, height, width;
  long kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
  long top, left;  // zeros before the plane; may be negative
  long out_height, out_width;
  long x, x_image, x_channel, x_row, x_column;
  long columns, image, channel, tap_row, tap_column, row, column;
  long share;
} unfold_t;

/// One row of the columns: the tap that it belongs to, and the rows on both sides.
typedef struct {
  long h, shift;   // the row of the plane, and what column of it the first window has
  long from, to;   // where these rows start in memory
} row_t;

static row_t column_row(const unfold_t *s, long index) {
  row_t row;
  long i = index % s->out_height, unit = index / s->out_height;
  long v = unit % s->kernel_width, u = unit / s->kernel_width % s->kernel_height;
  long plane = unit / (s->kernel_width * s->kernel_height), n = plane / s->channels, c = plane - n * s->channels;
  row.h = i * s->stride_height + u * s->dilation_height - s->top;
  row.shift = v * s->dilation_width - s->left;
  row.from = s->x + n * s->x_image + c * s->x_channel + row.h * s->x_row;
  row.to = s->columns + n * s->image + c * s->channel + u * s->tap_row + v * s->tap_column + i * s->row;
  return row;
}

#if TERN_CPU_DEVICE

/// Neighbours whose sums are kept at a time.
#define STRETCH 256

#define COPY_ROW(WORD)                                                                                      \
  do {                                                                                                      \
    global const WORD *in = (global const WORD *)x + row.from + row.shift * s.x_column;                     \
    global WORD *out = (global WORD *)columns + row.to;                                                     \
    for (long j = 0; j < begin; j++) out[j * s.column] = 0;                                                 \
    if (s.column == 1 && stretch == 1) {                                                                    \
      VECTOR_LOOP for (long j = begin; j < end; j++) out[j] = in[j];                                        \
    } else {                                                                                                \
      for (long j = begin; j < end; j++) out[j * s.column] = in[j * stretch];                               \
    }                                                                                                       \
    for (long j = end; j < s.out_width; j++) out[j * s.column] = 0;                                         \
  } while (0)

kernel void unfold(global const void *x, global void *columns, int type, unfold_t s) {
  long rows = s.batch * s.channels * s.kernel_height * s.kernel_width * s.out_height;
  long first = get_global_id(0) * s.share, stretch = s.stride_width * s.x_column;
  for (long index = first; index < min(first + s.share, rows); index++) {
    row_t row = column_row(&s, index);
    // The windows whose tap lies in the row.
    long begin = row.shift >= 0 ? 0 : (s.stride_width - 1 - row.shift) / s.stride_width;
    long end = row.shift >= s.width ? 0 : (s.width - 1 - row.shift) / s.stride_width + 1;
    end = min(end, s.out_width);
    if (row.h < 0 || row.h >= s.height) end = 0;
    begin = min(begin, end);
    if (type == FLOAT32) COPY_ROW(uint);
    else COPY_ROW(ushort);
  }
}

/// Adds the windows of one tap, `first ..< end` of a row of the columns, to a stretch of a row of the plane.
static void add_windows(
    global const void *columns, long at, long step, int type, long first, long end, float *sums, long stride) {
  if (type != FLOAT32 || step != 1) {
    for (long j = first; j < end; j++) sums[(j - first) * stride] += load_real(columns, at + j * step, type);
    return;
  }
  global const float *in = (global const float *)columns + at + first;
  if (stride == 1) {
    for (long j = 0; j < end - first; j++) sums[j] += in[j];
  } else {
    for (long j = 0; j < end - first; j++) sums[j * stride] += in[j];
  }
}

kernel void fold(global const void *columns, global void *x, int type, unfold_t s) {
  long rows = s.batch * s.channels * s.height, begin = get_global_id(0) * s.share;
  for (long index = begin; index < min(begin + s.share, rows); index++) {
    long plane = index / s.height, h = index - plane * s.height, n = plane / s.channels, c = plane - n * s.channels;
    long start = s.columns + n * s.image + c * s.channel;
    long to = s.x + n * s.x_image + c * s.x_channel + h * s.x_row;
    for (long w = 0; w < s.width; w += STRETCH) {
      long width = min((long)STRETCH, s.width - w);
      float sums[STRETCH];
      for (long k = 0; k < STRETCH; k++) sums[k] = 0.0f;
      for (long u = 0; u < s.kernel_height; u++) {
        long down = h + s.top - u * s.dilation_height, i = down / s.stride_height;
        if (down < 0 || i * s.stride_height != down || i >= s.out_height) continue;
        for (long v = 0; v < s.kernel_width; v++) {
          // Window j has the tap in column j * stride - right of the stretch.
          long right = w + s.left - v * s.dilation_width, end = right + width;
          long first = right <= 0 ? 0 : (right + s.stride_width - 1) / s.stride_width;
          end = min(s.out_width, end <= 0 ? 0 : (end + s.stride_width - 1) / s.stride_width);
          if (first >= end) continue;
          long at = start + u * s.tap_row + v * s.tap_column + i * s.row;
          add_windows(
              columns, at, s.column, type, first, end, sums + (first * s.stride_width - right), s.stride_width);
        }
      }
      for (long k = 0; k < width; k += 16) store_lanes(x, to + w + k, width - k, type, vload16(0, sums + k));
    }
  }
}

#else

kernel void unfold(global const void *x, global void *columns, int type, unfold_t s) {
  long element = get_global_id(0), index = element / s.out_width, j = element - index * s.out_width;
  if (index >= s.batch * s.channels * s.kernel_height * s.kernel_width * s.out_height) return;
  row_t row = column_row(&s, index);
  long w = j * s.stride_width + row.shift, from = row.from + w * s.x_column, to = row.to + j * s.column;
  bool inside = row.h >= 0 && row.h < s.height && w >= 0 && w < s.width;
  if (type == FLOAT32) ((global uint *)columns)[to] = inside ? ((global const uint *)x)[from] : 0;
  else ((global ushort *)columns)[to] = inside ? ((global const ushort *)x)[from] : (ushort)0;
}

kernel void fold(global const void *columns, global void *x, int type, unfold_t s) {
  long element = get_global_id(0), index = element / s.width, w = element - index * s.width;
  if (index >= s.batch * s.channels * s.height) return;
  long plane = index / s.height, h = index - plane * s.height, n = plane / s.channels, c = plane - n * s.channels;
  long start = s.columns + n * s.image + c * s.channel;
  float sum = 0.0f;
  for (long u = 0; u < s.kernel_height; u++) {
    long down = h + s.top - u * s.dilation_height, i = down / s.stride_height;
    if (down < 0 || down % s.stride_height != 0 || i >= s.out_height) continue;
    for (long v = 0; v < s.kernel_width; v++) {
      long right = w + s.left - v * s.dilation_width, j = right / s.stride_width;
      if (right < 0 || right % s.stride_width != 0 || j >= s.out_width) continue;
      sum += load_real(columns, start + u * s.tap_row + v * s.tap_column + i * s.row + j * s.column, type);
    }
  }
  store_real(x, s.x + n * s.x_image + c * s.x_channel + h * s.x_row + w * s.x_column, sum, type);
}
#endif
