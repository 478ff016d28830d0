// SPDX-License-Identifier: MIT
// Max and average pooling of planes, and their gradients.
//
// CPU device: a work-item does `share` planes. Outputs go in blocks of 16; in wide rows a tap of 16 neighbouring
// windows is one or two vector loads, elsewhere it is gathered. Gradients are added into the plane, window by window.
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

static float window_scale(pool_t pool, int out_row, int out_column) {
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
