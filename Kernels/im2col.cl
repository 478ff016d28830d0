// SPDX-License-Identifier: MIT
// Convolution as matrix product on GPUs: images unfolded to columns and back, and the depthwise case without columns.
//
// im2col      columns[image][channel * kH * kW + r * kW + q][p] = x[image, channel, oh * sH - top + r * dH, ...]; 0 outside.
//             A work-item writes one element: extents are (outH * outW, rows of a column, images).
// col2im      x[image, channel, h, w] = sum of the columns' elements that were unfolded from it, over r, then q.
//             A work-item gathers one element: extents are (H * W, channels, images).
// depthwise   One input channel a group. FORWARD: y[image, o, oh, ow]; GRADIENT: dx[image, c, h, w], summed over the
//             channel's outputs, r, q. A work-item computes one element.
// Every sum has a fixed order. No local memory.
//
// Definitions: SOURCE, dtype of what is read; WEIGHT and BIAS, those of the weights and the bias; RESULT, of what is
// written.
#ifndef SOURCE
#define SOURCE float32
#endif
#ifndef WEIGHT
#define WEIGHT float32
#endif
#ifndef RESULT
#define RESULT float32
#endif
#ifndef BIAS
#define BIAS RESULT
#endif

typedef struct {
  long images, channels, height, width;  // of the input
  long x, xImage, xChannel, xRow, xColumn;
  long outputHeight, outputWidth;
  long kernelHeight, kernelWidth, strideHeight, strideWidth, top, left, dilationHeight, dilationWidth;
} window_t;

__kernel void im2col(__global const STORAGE(SOURCE) *x, __global float *columns, const window_t s) {
  const long p = get_global_id(0), row = get_global_id(1), image = get_global_id(2), places = s.outputHeight * s.outputWidth;
  const long taps = s.kernelHeight * s.kernelWidth;
  if (p >= places || row >= s.channels * taps) return;
  const long channel = row / taps, r = row % taps / s.kernelWidth, q = row % s.kernelWidth;
  const long h = p / s.outputWidth * s.strideHeight - s.top + r * s.dilationHeight;
  const long w = p % s.outputWidth * s.strideWidth - s.left + q * s.dilationWidth;
  const bool inside = h >= 0 && h < s.height && w >= 0 && w < s.width;
  columns[(image * s.channels * taps + row) * places + p] =
      inside ? LOAD(SOURCE, x, s.x + image * s.xImage + channel * s.xChannel + h * s.xRow + w * s.xColumn) : 0.0f;
}

__kernel void col2im(__global const float *columns, __global STORAGE(RESULT) *x, const window_t s) {
  const long place = get_global_id(0), channel = get_global_id(1), image = get_global_id(2);
  if (place >= s.height * s.width) return;
  const long h = place / s.width, w = place % s.width, places = s.outputHeight * s.outputWidth;
  columns += (image * s.channels + channel) * s.kernelHeight * s.kernelWidth * places;
  float sum = 0.0f;
  for (long r = 0; r < s.kernelHeight; r++) {
    const long down = h + s.top - r * s.dilationHeight, oh = down / s.strideHeight;
    if (down < 0 || down % s.strideHeight != 0 || oh >= s.outputHeight) continue;
    for (long q = 0; q < s.kernelWidth; q++) {
      const long right = w + s.left - q * s.dilationWidth, ow = right / s.strideWidth;
      if (right < 0 || right % s.strideWidth != 0 || ow >= s.outputWidth) continue;
      sum += columns[(r * s.kernelWidth + q) * places + oh * s.outputWidth + ow];
    }
  }
  STORE(RESULT, x, s.x + image * s.xImage + channel * s.xChannel + h * s.xRow + w * s.xColumn, sum);
}

typedef struct {
  long multiplier;  // outputs of a channel
  long w, wOutput, wRow, wColumn;
  long y, yImage, yChannel, yRow, yColumn;
  long bias, biasStride, usesBias;
} depthwise_t;

__kernel void depthwise_forward(
    __global const STORAGE(SOURCE) *x, __global const STORAGE(WEIGHT) *w, __global STORAGE(RESULT) *y,
    __global const STORAGE(BIAS) *bias, const window_t s, const depthwise_t d) {
  const long place = get_global_id(0), o = get_global_id(1), image = get_global_id(2);
  if (place >= s.outputHeight * s.outputWidth) return;
  const long oh = place / s.outputWidth, ow = place % s.outputWidth;
  x += s.x + image * s.xImage + o / d.multiplier * s.xChannel;
  w += d.w + o * d.wOutput;
  float sum = 0.0f;
  for (long r = 0; r < s.kernelHeight; r++) {
    const long h = oh * s.strideHeight - s.top + r * s.dilationHeight;
    if (h < 0 || h >= s.height) continue;
    for (long q = 0; q < s.kernelWidth; q++) {
      const long v = ow * s.strideWidth - s.left + q * s.dilationWidth;
      if (v < 0 || v >= s.width) continue;
      sum = fma(LOAD(WEIGHT, w, r * d.wRow + q * d.wColumn), LOAD(SOURCE, x, h * s.xRow + v * s.xColumn), sum);
    }
  }
  if (d.usesBias) sum += LOAD(BIAS, bias, d.bias + o * d.biasStride);
  STORE(RESULT, y, d.y + image * d.yImage + o * d.yChannel + oh * d.yRow + ow * d.yColumn, sum);
}

__kernel void depthwise_gradient(
    __global const STORAGE(SOURCE) *dy, __global const STORAGE(WEIGHT) *w, __global STORAGE(RESULT) *dx,
    const window_t s, const depthwise_t d) {
  const long place = get_global_id(0), channel = get_global_id(1), image = get_global_id(2);
  if (place >= s.height * s.width) return;
  const long h = place / s.width, v = place % s.width;
  float sum = 0.0f;
  for (long m = 0; m < d.multiplier; m++) {
    const long o = channel * d.multiplier + m;
    for (long r = 0; r < s.kernelHeight; r++) {
      const long down = h + s.top - r * s.dilationHeight, oh = down / s.strideHeight;
      if (down < 0 || down % s.strideHeight != 0 || oh >= s.outputHeight) continue;
      for (long q = 0; q < s.kernelWidth; q++) {
        const long right = v + s.left - q * s.dilationWidth, ow = right / s.strideWidth;
        if (right < 0 || right % s.strideWidth != 0 || ow >= s.outputWidth) continue;
        sum = fma(
            LOAD(WEIGHT, w, d.w + o * d.wOutput + r * d.wRow + q * d.wColumn),
            LOAD(SOURCE, dy, d.y + image * d.yImage + o * d.yChannel + oh * d.yRow + ow * d.yColumn), sum);
      }
    }
  }
  STORE(RESULT, dx, s.x + image * s.xImage + channel * s.xChannel + h * s.xRow + v * s.xColumn, sum);
}
