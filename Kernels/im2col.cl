// SPDX-License-Identifier: MIT
// Convolution as matrix product on GPUs: images unfolded to columns and back.
//
// im2col      columns[image][channel * kH * kW + r * kW + q][p] = x[image, channel, oh * sH - top + r * dH, ...]; 0
//             outside.
//             A work-item writes one element: extents are (outH * outW, rows of a column, images).
// col2im      x[image, channel, h, w] = sum of the columns' elements that were unfolded from it, over r, then q.
//             A work-item gathers one element: extents are (H * W, channels, images).
// Every sum has a fixed order. No local memory.
//
// Definitions: SOURCE and RESULT, the dtypes of what is read and written.
#ifndef SOURCE
#define SOURCE float32
#endif
#ifndef RESULT
#define RESULT float32
#endif

typedef struct {
  long images, channels, height, width;  // of the input
  long x, xImage, xChannel, xRow, xColumn;
  long outputHeight, outputWidth;
  long kernelHeight, kernelWidth, strideHeight, strideWidth, top, left, dilationHeight, dilationWidth;
} window_t;

__kernel void im2col(__global const STORAGE(SOURCE) *x, __global float *columns, const window_t s) {
  const long p = get_global_id(0), row = get_global_id(1), image = get_global_id(2);
  const long places = s.outputHeight * s.outputWidth, taps = s.kernelHeight * s.kernelWidth;
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
