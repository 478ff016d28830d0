// SPDX-License-Identifier: MIT
// What conv_wide and gemm_dot (gemm_wide.cl) read.
//
// conv_frame   Copies images [N, C, H, W] of any strides and dtype into frames, Float32 with the padding written out as
//              zeros, so that no later loop asks where the border is. With stride sH x sW a frame consists of sH * sW
//              planes: plane (p, q) holds the lines p, p + sH, ... of the padded image and of them the places q, q +
//              sW, ... In it neighbouring outputs read neighbouring elements at every stride.
//              Also writes the table of windows: for row k = (channel, r, s) of the unfolded image, where in a frame
//              its first element stands:
//
//                  table[k] = channel * planes * plane + ((r * dH) % sH * sW + (s * dW) % sW) * plane
//                             + (r * dH) / sH * pitch + (s * dW) / sW
//
//              A work-item copies one plane; the last one of the launch writes the table.
// conv_flip    Weights for the gradient of the input. Phase (p, q) of it, the positions (p + i * sH, q + j * sW), is a
//              convolution of the output's gradient, at stride 1, with the taps that reach the phase: those with
//              (p + padTop - r * dH) % sH = 0, that is r = r0, r0 + sH / gcd(sH, dH), ... They are written in reverse,
//              0 where there is none: y[phase][group][channel][o][r][s]. A work-item writes one channel's filter.
#ifndef SOURCE
#define SOURCE float32
#endif

typedef struct {
  long channels, height, width;           // of the image
  long x, xImage, xChannel, xRow, xColumn;
  long frameHeight, pitch, plane;         // lines, elements of a line, elements of a plane (>= their product)
  long strideHeight, strideWidth, planesHeight, planesWidth;
  long top, left;                         // coordinates of the frame's first element in the image
  long planes, slack;                     // all planes of the launch; elements behind the last that are set to 0
  long tableChannels, kernelHeight, kernelWidth, dilationHeight, dilationWidth;
} frame_t;

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void conv_frame(
    __global const STORAGE(SOURCE) *x, __global float *y, __global int *table, const frame_t s) {
  const long index = get_group_id(0), planes = s.planesHeight * s.planesWidth;
  if (index == s.planes) {
    for (long i = 0; i < s.slack; i++) y[s.planes * s.plane + i] = 0.0f;
    long k = 0;
    for (long channel = 0; channel < s.tableChannels; channel++)
      for (long r = 0; r < s.kernelHeight; r++)
        for (long q = 0; q < s.kernelWidth; q++) {
          const long down = r * s.dilationHeight, right = q * s.dilationWidth;
          const long plane = channel * planes + down % s.strideHeight * s.planesWidth + right % s.strideWidth;
          table[k++] = plane * s.plane + down / s.strideHeight * s.pitch + right / s.strideWidth;
        }
    return;
  }
  const long channel = index / planes % s.channels, image = index / planes / s.channels;
  const long top = s.top + index % planes / s.planesWidth, left = s.left + index % planes % s.planesWidth;
  x += s.x + image * s.xImage + channel * s.xChannel;
  y += index * s.plane;
  // Places first ..< last of a line lie in the image.
  const long first = clamp((s.strideWidth - 1 - left) / s.strideWidth, 0L, s.pitch);
  const long last = clamp((s.width - left + s.strideWidth - 1) / s.strideWidth, first, s.pitch);
  const long step = s.xColumn * s.strideWidth;
  for (long i = 0; i < s.frameHeight; i++, y += s.pitch) {
    const long row = top + i * s.strideHeight;
    if (row < 0 || row >= s.height) {
      for (long j = 0; j < s.pitch; j++) y[j] = 0.0f;
      continue;
    }
    __global const STORAGE(SOURCE) *line = x + row * s.xRow + left * s.xColumn;
    for (long j = 0; j < first; j++) y[j] = 0.0f;
    if (step == 1)
      for (long j = first; j < last; j++) y[j] = LOAD(SOURCE, line, j);
    else if (step == 2)  // a constant stride becomes vector loads and shuffles
      for (long j = first; j < last; j++) y[j] = LOAD(SOURCE, line, j * 2);
    else
      for (long j = first; j < last; j++) y[j] = LOAD(SOURCE, line, j * step);
    for (long j = last; j < s.pitch; j++) y[j] = 0.0f;
  }
  for (long j = 0; j < s.plane - s.frameHeight * s.pitch; j++) y[j] = 0.0f;
}

typedef struct {
  long groups, channels, outputs;         // channels and outputs of a group
  long kernelHeight, kernelWidth, tapsHeight, tapsWidth;
  long w, wOutput, wChannel, wRow, wColumn;
  long padTop, padLeft, dilationHeight, dilationWidth, strideHeight, strideWidth;
  long stepHeight, stepWidth;
} flip_t;

/// The first tap that reaches a phase, or `none`.
static inline long first_tap(long phase, long pad, long dilation, long stride, long none) {
  for (long tap = 0; tap < stride; tap++)
    if ((phase + pad - tap * dilation) % stride == 0) return tap;
  return none;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void conv_flip(
    __global const STORAGE(SOURCE) *w, __global float *y, const flip_t s) {
  const long channel = get_group_id(0), group = get_group_id(1), phase = get_group_id(2);
  const long r0 = first_tap(phase / s.strideWidth, s.padTop, s.dilationHeight, s.strideHeight, s.kernelHeight);
  const long q0 = first_tap(phase % s.strideWidth, s.padLeft, s.dilationWidth, s.strideWidth, s.kernelWidth);
  w += s.w + group * s.outputs * s.wOutput + channel * s.wChannel;
  y += ((phase * s.groups + group) * s.channels + channel) * s.outputs * s.tapsHeight * s.tapsWidth;
  for (long o = 0; o < s.outputs; o++)
    for (long i = s.tapsHeight - 1; i >= 0; i--)
      for (long j = s.tapsWidth - 1; j >= 0; j--) {
        const long r = r0 + i * s.stepHeight, q = q0 + j * s.stepWidth;
        const bool inside = r < s.kernelHeight && q < s.kernelWidth;
        *y++ = inside ? LOAD(SOURCE, w, o * s.wOutput + r * s.wRow + q * s.wColumn) : 0.0f;
      }
}
