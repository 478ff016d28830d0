// SPDX-License-Identifier: MIT
// Depthwise convolutions (one input channel a group) for GPUs, at any stride and dilation.
//
// depthwise_forward   y = activation(conv(x, w) (+ bias)). A work-item computes one output: extents are (places,
//                     outputs, images), so that neighbours read neighbouring places, and the rows that they share
//                     come from the cache.
// depthwise_gradient  dx, gathered over the channel's outputs and taps: extents are (places, channels, images).
// depthwise_weights   sums[part][output][tap] of dy x over a part's images. A work-group takes one output; its
//                     work-items take places in turn, each for all taps, then add up in pairs. Extents are (64
//                     outputs, parts).
//
// Every sum has a fixed order. Local memory: 64 floats in depthwise_weights.
// Definitions: KERNEL_HEIGHT, KERNEL_WIDTH; SOURCE, WEIGHT, RESULT, BIAS, the dtypes of what is read (GRADIENT: of dy
// beside x), of the weights, of what is written and of the bias; ACTIVATION.
#ifndef KERNEL_HEIGHT
#define KERNEL_HEIGHT 3
#endif
#ifndef KERNEL_WIDTH
#define KERNEL_WIDTH 3
#endif
#include "conv_dtypes.cl"
#include "activation.cl"
#define TAPS (KERNEL_HEIGHT * KERNEL_WIDTH)
#define GROUP 64

typedef struct {
  long offset, image, channel, row, column;
  long height, width;
} planes_t;

typedef struct {
  long units, perItem;
  long outputs, multiplier;  // all outputs, outputs of a channel
  long bands, bandRows;
  long strideHeight, strideWidth, top, left, dilationHeight, dilationWidth;
  long w, wOutput, wRow, wColumn;
  long bias, biasStride, usesBias;
  long images, imagesPerItem;
} depthwise_t;

static inline bool inside(long row, long column, const planes_t *s) {
  return row >= 0 && row < s->height && column >= 0 && column < s->width;
}

__kernel void depthwise_forward(
    __global const STORAGE(SOURCE) *x, __global const STORAGE(WEIGHT) *w, __global STORAGE(RESULT) *y,
    __global const STORAGE(BIAS) *bias, const depthwise_t s, const planes_t xs, const planes_t ys) {
  const int place = get_global_id(0);
  const long o = get_global_id(1), image = get_global_id(2);
  if (place >= ys.height * ys.width) return;
  const int row = place / (int)ys.width, column = place % (int)ys.width;
  x += xs.offset + image * xs.image + o / s.multiplier * xs.channel;
  w += s.w + o * s.wOutput;
  float sum = 0.0f;
#pragma unroll
  for (int r = 0; r < KERNEL_HEIGHT; r++)
#pragma unroll
    for (int q = 0; q < KERNEL_WIDTH; q++) {
      const long h = row * s.strideHeight - s.top + r * s.dilationHeight;
      const long v = column * s.strideWidth - s.left + q * s.dilationWidth;
      if (inside(h, v, &xs))
        sum = fma(LOAD(WEIGHT, w, r * s.wRow + q * s.wColumn), LOAD(SOURCE, x, h * xs.row + v * xs.column), sum);
    }
  if (s.usesBias) sum += LOAD(BIAS, bias, s.bias + o * s.biasStride);
  STORE(RESULT, y, ys.offset + image * ys.image + o * ys.channel + row * ys.row + column * ys.column, activated(sum));
}

__kernel void depthwise_gradient(
    __global const STORAGE(SOURCE) *dy, __global const STORAGE(WEIGHT) *w, __global STORAGE(RESULT) *dx,
    const depthwise_t s, const planes_t xs, const planes_t ys) {
  const int place = get_global_id(0), strideHeight = s.strideHeight, strideWidth = s.strideWidth;
  const long c = get_global_id(1), image = get_global_id(2);
  if (place >= xs.height * xs.width) return;
  const int row = place / (int)xs.width, column = place % (int)xs.width;
  float sum = 0.0f;
#pragma unroll
  for (int r = 0; r < KERNEL_HEIGHT; r++) {
    const int down = row + s.top - r * s.dilationHeight;
    if (down < 0 || down % strideHeight != 0) continue;
#pragma unroll
    for (int q = 0; q < KERNEL_WIDTH; q++) {
      const int right = column + s.left - q * s.dilationWidth;
      if (right < 0 || right % strideWidth != 0 || !inside(down / strideHeight, right / strideWidth, &ys)) continue;
      for (long m = 0; m < s.multiplier; m++) {
        const long o = c * s.multiplier + m;
        sum = fma(
            LOAD(WEIGHT, w, s.w + o * s.wOutput + r * s.wRow + q * s.wColumn),
            LOAD(
                SOURCE, dy,
                ys.offset + image * ys.image + o * ys.channel + down / strideHeight * ys.row +
                    right / strideWidth * ys.column),
            sum);
      }
    }
  }
  STORE(RESULT, dx, xs.offset + image * xs.image + c * xs.channel + row * xs.row + column * xs.column, sum);
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void depthwise_weights(
    __global const STORAGE(SOURCE) *x, __global const STORAGE(GRADIENT) *dy, __global float *sums, const depthwise_t s,
    const planes_t xs, const planes_t ys) {
  __local float shared[GROUP];
  const int item = get_local_id(0);
  const long o = get_group_id(0), part = get_group_id(1);
  float sum[TAPS];
#pragma unroll
  for (int t = 0; t < TAPS; t++) sum[t] = 0.0f;
  const int width = ys.width, places = ys.height * ys.width;
  for (long image = part * s.imagesPerItem; image < min(s.images, (part + 1) * s.imagesPerItem); image++) {
    __global const STORAGE(SOURCE) *plane = x + xs.offset + image * xs.image + o / s.multiplier * xs.channel;
    __global const STORAGE(GRADIENT) *from = dy + ys.offset + image * ys.image + o * ys.channel;
    for (int place = item; place < places; place += GROUP) {
      const int row = place / width, column = place % width;
      const float gradient = LOAD(GRADIENT, from, row * ys.row + column * ys.column);
#pragma unroll
      for (int t = 0; t < TAPS; t++) {
        const long h = row * s.strideHeight - s.top + t / KERNEL_WIDTH * s.dilationHeight;
        const long v = column * s.strideWidth - s.left + t % KERNEL_WIDTH * s.dilationWidth;
        if (inside(h, v, &xs)) sum[t] = fma(gradient, LOAD(SOURCE, plane, h * xs.row + v * xs.column), sum[t]);
      }
    }
  }
#pragma unroll
  for (int t = 0; t < TAPS; t++) {
    barrier(CLK_LOCAL_MEM_FENCE);
    shared[item] = sum[t];
    for (int span = GROUP / 2; span > 0; span /= 2) {
      barrier(CLK_LOCAL_MEM_FENCE);
      if (item < span) shared[item] += shared[item + span];
    }
    if (item == 0) sums[(part * s.outputs + o) * TAPS + t] = shared[0];
  }
}
