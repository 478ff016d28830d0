// SPDX-License-Identifier: MIT
// Max and average pooling of planes, and their gradients.
//
// CPU device: a work-item does `share` planes. Outputs go in blocks of 16; in wide rows a tap of 16 neighbouring
// windows is one or two vector loads, elsewhere it is gathered. Gradients of maxima are added into the plane, window by
// window; those of means go row by row in blocks of 16 inputs, each of which sums over the windows that hold it.
// GPU: a work-item computes one output; of a gradient, one input position, which sums over the windows that hold it.
// No local memory. Both add a position's gradients in the order of the windows' rows.

#include "typed.cl"

typedef struct {
  int planes, channels;
  int height, width;
  int kernel_height, kernel_width, stride_height, stride_width;
  int pad_height, pad_width, dilation_height, dilation_width;
  int out_height, out_width;
  int counts_padding;
  int share;
  int whole;     // whether all windows lie inside of the plane
  int adjacent;  // whether x is float32 with adjacent columns and rows in order, so that runs of it can be loaded
  int adaptive;  // whether windows follow from the output's size; then stride and dilation are 1, without padding
  int divisor;   // of sums, if it is not the count of their elements; else 0
} pool_t;

/// A view [N, C, H, W], in elements.
typedef struct {
  long offset, batch, channel, row, column;
} planes_t;

static long plane_start(planes_t view, pool_t pool, int plane) {
  int image = plane / pool.channels;
  return view.offset + image * view.batch + (plane - image * pool.channels) * view.channel;
}

/// How many of `taps` positions `start`, `start + dilation`, … lie in `low ..< high`.
static int taps_between(int start, int taps, int dilation, int low, int high) {
  int first = start >= low ? 0 : (low - start + dilation - 1) / dilation;
  int end = start >= high ? 0 : min(taps, (high - start + dilation - 1) / dilation);
  return max(0, end - first);
}

/// The number that the sum of a window is divided by, along one axis.
static int divisor_along(int start, int taps, int dilation, int extent, int pad, int counts_padding) {
  return counts_padding ? taps_between(start, taps, dilation, -pad, extent + pad)
                        : taps_between(start, taps, dilation, 0, extent);
}

/// Where the window of an output starts along an axis of `extent` positions.
static int window_start(pool_t pool, int output, int stride, int pad, int extent, int outputs) {
  return pool.adaptive ? (int)((long)output * extent / outputs) : output * stride - pad;
}

/// The taps of that window.
static int window_taps(pool_t pool, int output, int taps, int extent, int outputs) {
  if (!pool.adaptive) return taps;
  int end = (int)((((long)output + 1) * extent + outputs - 1) / outputs);
  return end - (int)((long)output * extent / outputs);
}

/// The windows `first ..< end` along one axis that may hold a position: all windows whose span does.
typedef struct {
  int first, end;
} holders_t;

static holders_t holders_of(
    pool_t pool, int at, int pad, int taps, int stride, int dilation, int extent, int outputs) {
  holders_t holders;
  if (pool.adaptive) {
    holders.first = (int)((long)at * outputs / extent);
    holders.end = (int)((((long)at + 1) * outputs + extent - 1) / extent);
    return holders;
  }
  int beyond = at + pad - (taps - 1) * dilation;
  holders.first = beyond <= 0 ? 0 : (beyond + stride - 1) / stride;
  holders.end = min(outputs, (at + pad) / stride + 1);
  return holders;
}

static float window_scale(pool_t pool, int out_row, int out_column) {
  if (pool.divisor) return 1.0f / (float)pool.divisor;
  if (pool.adaptive)
    return 1.0f / (float)(window_taps(pool, out_row, 0, pool.height, pool.out_height) *
                          window_taps(pool, out_column, 0, pool.width, pool.out_width));
  if (pool.whole) return 1.0f / (float)(pool.kernel_height * pool.kernel_width);
  int rows = divisor_along(
      out_row * pool.stride_height - pool.pad_height, pool.kernel_height, pool.dilation_height, pool.height,
      pool.pad_height, pool.counts_padding);
  int columns = divisor_along(
      out_column * pool.stride_width - pool.pad_width, pool.kernel_width, pool.dilation_width, pool.width,
      pool.pad_width, pool.counts_padding);
  return 1.0f / (float)max(1, rows * columns);
}

#if TERN_CPU_DEVICE
#include "pooling_cpu.cl"
#else
#include "pooling_gpu.cl"
#endif
