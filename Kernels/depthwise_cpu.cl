// SPDX-License-Identifier: MIT
// Depthwise convolutions (one input channel a group) for devices of type CPU, at any stride and dilation: vectors run
// over the width of an image.
//
// Planes are read in bands of rows, which are first copied to local memory as Float32, with the padding written out
// and their places sorted by stride: phase q of a row holds the places q, q + step, ... Then neighbouring results
// read neighbouring elements, and nothing asks where the border is.
//
// depthwise_forward   y = activation(conv(x, w) (+ bias)). A unit is a band of one output plane.
// depthwise_gradient  dx: positions at distance `stride` share their taps. A unit is a band of one input plane; all
//                     of its outputs' gradients are copied.
// depthwise_weights   sums[item][output][tap] of dy x over an item's images, row by row. A unit is an output of an
//                     item.
//
// A work-item, a work-group of its own, takes `perItem` units one after the other. Local memory: the copied rows, and
// a row of dy or of the result. Sums have a fixed order.
//
// Definitions: KERNEL_HEIGHT, KERNEL_WIDTH; VEC, floats in a vector register; SOURCE, WEIGHT, RESULT, BIAS, the
// dtypes of what is read (GRADIENT: of dy beside x), of the weights, of what is written and of the bias; ACTIVATION.
#ifndef KERNEL_HEIGHT
#define KERNEL_HEIGHT 3
#endif
#ifndef KERNEL_WIDTH
#define KERNEL_WIDTH 3
#endif
#include "conv_dtypes.cl"
#include "vector_activation.cl"
#define TAPS (KERNEL_HEIGHT * KERNEL_WIDTH)

/// A view of planes.
typedef struct {
  long offset, image, channel, row, column;
  long height, width;
} planes_t;

/// Copied rows: `phases` of `pitch` floats each.
typedef struct {
  long pitch, phases, first;  // the place that stands first in phase 0
} lines_t;

typedef struct {
  long units, perItem;
  long outputs, multiplier;        // all outputs, outputs of a channel
  long bands, bandRows;            // of a plane of results
  long strideHeight, strideWidth, top, left, dilationHeight, dilationWidth;
  long w, wOutput, wRow, wColumn;
  long bias, biasStride, usesBias;
  long images, imagesPerItem;
} depthwise_t;

/// The last, partial vector of a row.
static inline void store_part(vec v, int count, __global float *to) {
#if VEC == 16
  float8 eight = v.lo;
  if (count & 8) {
    vstore8(eight, 0, to);
    eight = (float8)(HIGH(v));
    to += 8;
  }
#elif VEC == 8
  const float8 eight = v;
#endif
#if VEC >= 8
  float4 rest = eight.lo;
  if (count & 4) {
    vstore4(rest, 0, to);
    rest = eight.hi;
    to += 4;
  }
#else
  const float4 rest = v;
#endif
  if (count & 1) to[0] = rest.s0;
  if (count & 2) vstore2(count & 1 ? rest.s12 : rest.s01, 0, to + (count & 1));
}

/// Writes `count` floats of local memory as a row of the result.
static inline void store_line(__local const float *line, int count, __global STORAGE(RESULT) *to) {
#if IS_FLOAT32(RESULT)
  int j = 0;
  for (; j + VEC <= count; j += VEC) STORE_VEC(LOAD_VEC(line + j), to + j);
  if (j < count) store_part(LOAD_VEC(line + j), count - j, to + j);
#else
  for (int j = 0; j < count; j++) STORE(RESULT, to, j, line[j]);
#endif
}

/// Copies `count` elements side by side; the last vector overlaps the one before.
#define DEFINE_COPY_RUN(NAME, DTYPE)                                                                         \
  static inline void NAME(__global const STORAGE(DTYPE) *x, long count, __local float *to) {                 \
    if (IS_FLOAT32(DTYPE) && count >= VEC) {                                                             \
      __global const float *from = (__global const float *)x;                                                \
      for (long j = 0; j + VEC <= count; j += VEC) STORE_VEC(LOAD_VEC(from + j), to + j);                    \
      STORE_VEC(LOAD_VEC(from + count - VEC), to + count - VEC);                                             \
    } else {                                                                                                 \
      for (long j = 0; j < count; j++) to[j] = LOAD(DTYPE, x, j);                                            \
    }                                                                                                        \
  }
DEFINE_COPY_RUN(copy_source, SOURCE)
DEFINE_COPY_RUN(copy_gradient, GRADIENT)

/// Copies a row, or zeros where there is none.
#define DEFINE_COPY_ROW(NAME, DTYPE, COPY)                                                                   \
  static inline void NAME(                                                                                   \
      __global const STORAGE(DTYPE) *x, const planes_t *s, long row, const lines_t *l, __local float *to) {  \
    if (row < 0 || row >= s->height) {                                                                       \
      for (long j = 0; j < l->phases * l->pitch; j++) to[j] = 0.0f;                                          \
      return;                                                                                                \
    }                                                                                                        \
    x += row * s->row;                                                                                       \
    for (long q = 0; q < l->phases; q++, to += l->pitch) {                                                   \
      const long place = l->first + q, step = l->phases, by = step * s->column;                              \
      const long before = step == 1 ? -place : (step - 1 - place) / step;                                    \
      const long behind = step == 1 ? s->width - place : (s->width - place + step - 1) / step;               \
      const long begin = clamp(before, 0L, l->pitch), end = clamp(behind, begin, l->pitch);                  \
      __global const STORAGE(DTYPE) *from = x + place * s->column;                                           \
      for (long j = 0; j < begin; j++) to[j] = 0.0f;                                                         \
      if (by == 1) COPY(from + begin, end - begin, to + begin);                                              \
      else if (by == 2) VECTOR_LOOP for (long j = begin; j < end; j++) to[j] = LOAD(DTYPE, from, j * 2);     \
      else for (long j = begin; j < end; j++) to[j] = LOAD(DTYPE, from, j * by);                             \
      for (long j = end; j < l->pitch; j++) to[j] = 0.0f;                                                    \
    }                                                                                                        \
  }
DEFINE_COPY_ROW(copy_source_row, SOURCE, copy_source)
DEFINE_COPY_ROW(copy_gradient_row, GRADIENT, copy_gradient)

/// Where the taps of a row stand in copied rows.
static inline void tap_places(const depthwise_t *s, const lines_t *l, int *place) {
#pragma unroll
  for (int q = 0; q < KERNEL_WIDTH; q++) {
    const long right = q * s->dilationWidth;
    place[q] = right % l->phases * l->pitch + right / l->phases;
  }
}

__kernel GROUP_OF_ONE void depthwise_forward(
    __global const STORAGE(SOURCE) *x, __global const STORAGE(WEIGHT) *w, __global STORAGE(RESULT) *y,
    __global const STORAGE(BIAS) *bias, __local float *lines, const depthwise_t s, const planes_t xs, const planes_t ys,
    const lines_t l) {
  const long line = l.phases * l.pitch;
  const long span = (KERNEL_HEIGHT - 1) * s.dilationHeight;
  int place[KERNEL_WIDTH];
  tap_places(&s, &l, place);
  const long firstUnit = get_group_id(0) * s.perItem, lastUnit = min(s.units, firstUnit + s.perItem);
  for (long unit = firstUnit; unit < lastUnit; unit++) {
    const long o = unit / s.bands % s.outputs, image = unit / s.bands / s.outputs;
    const long firstRow = unit % s.bands * s.bandRows;
    const long rows = min(s.bandRows, ys.height - firstRow);
    __global const STORAGE(SOURCE) *plane = x + xs.offset + image * xs.image + o / s.multiplier * xs.channel;
    __global STORAGE(RESULT) *to = y + ys.offset + image * ys.image + o * ys.channel + firstRow * ys.row;
    for (long i = 0; i <= (rows - 1) * s.strideHeight + span; i++)
      copy_source_row(plane, &xs, firstRow * s.strideHeight - s.top + i, &l, lines + i * line);
    vec weight[KERNEL_HEIGHT][KERNEL_WIDTH];
#pragma unroll
    for (int r = 0; r < KERNEL_HEIGHT; r++)
#pragma unroll
      for (int q = 0; q < KERNEL_WIDTH; q++)
        weight[r][q] = LOAD(WEIGHT, w, s.w + o * s.wOutput + r * s.wRow + q * s.wColumn);
    const vec begin = s.usesBias ? LOAD(BIAS, bias, s.bias + o * s.biasStride) : 0.0f;
    for (long i = 0; i < rows; i++, to += ys.row)
      for (long j = 0; j < ys.width; j += 2 * VEC) {
        vec sum[2] = {begin, begin};
#pragma unroll
        for (int r = 0; r < KERNEL_HEIGHT; r++) {
          __local const float *from = lines + (i * s.strideHeight + r * s.dilationHeight) * line + j;
#pragma unroll
          for (int q = 0; q < KERNEL_WIDTH; q++) {
            sum[0] = fma(weight[r][q], LOAD_VEC(from + place[q]), sum[0]);
            sum[1] = fma(weight[r][q], LOAD_VEC(from + place[q] + VEC), sum[1]);
          }
        }
#pragma unroll
        for (int v = 0; v < 2; v++) {
          const long left = ys.width - j - v * VEC;
          if (left <= 0) break;
          sum[v] = activated_vector(sum[v]);
#if IS_FLOAT32(RESULT)
          if (left >= VEC) STORE_VEC(sum[v], to + j + v * VEC);
          else store_part(sum[v], left, to + j + v * VEC);
#else
          float values[VEC];
          STORE_VEC(sum[v], values);
          for (int e = 0; e < min((long)VEC, left); e++) STORE(RESULT, to, j + v * VEC + e, values[e]);
#endif
        }
      }
  }
}

/// Taps reach from position `phase + i * stride` to output (phase + pad - tap * dilation) / stride + i, where that is
/// whole.
static inline bool reaches(long phase, long pad, long tap, long dilation, long stride, long *output) {
  const long distance = phase + pad - tap * dilation;
  *output = distance / stride;
  return distance % stride == 0;
}

__kernel GROUP_OF_ONE void depthwise_gradient(
    __global const STORAGE(SOURCE) *dy, __global const STORAGE(WEIGHT) *w, __global STORAGE(RESULT) *dx,
    __local float *lines, __local float *result, const depthwise_t s, const planes_t ys, const planes_t xs,
    const lines_t l, const long bandLines) {
  const long channels = s.outputs / s.multiplier;
  const long firstUnit = get_group_id(0) * s.perItem, lastUnit = min(s.units, firstUnit + s.perItem);
  for (long unit = firstUnit; unit < lastUnit; unit++) {
    const long c = unit / s.bands % channels, image = unit / s.bands / channels;
    const long firstRow = unit % s.bands * s.bandRows;
    const long rows = min(s.bandRows, xs.height - firstRow);
    // The least output row that a tap may reach from the band; rounded down.
    const long least = firstRow + s.top - (KERNEL_HEIGHT - 1) * s.dilationHeight;
    const long firstOutput = least >= 0 ? least / s.strideHeight : -((s.strideHeight - 1 - least) / s.strideHeight);
    const long lastOutput = (firstRow + rows - 1 + s.top) / s.strideHeight;
    for (long m = 0; m < s.multiplier; m++)
      for (long i = firstOutput; i <= lastOutput; i++)
        copy_source_row(
            dy + ys.offset + image * ys.image + (c * s.multiplier + m) * ys.channel, &ys, i, &l,
            lines + (m * bandLines + i - firstOutput) * l.pitch);
    for (long i = 0; i < rows; i++) {
      const long h = firstRow + i;
      __global STORAGE(RESULT) *to = dx + xs.offset + image * xs.image + c * xs.channel + h * xs.row;
      long down[KERNEL_HEIGHT], right[KERNEL_WIDTH];
      bool meetsRow[KERNEL_HEIGHT], meetsColumn[KERNEL_WIDTH];
#pragma unroll
      for (int r = 0; r < KERNEL_HEIGHT; r++) {
        meetsRow[r] = reaches(h, s.top, r, s.dilationHeight, s.strideHeight, &down[r]);
        down[r] = (down[r] - firstOutput) * l.pitch;
      }
      for (long phase = 0; phase < min(s.strideWidth, xs.width); phase++) {
        const long count = (xs.width - phase + s.strideWidth - 1) / s.strideWidth;
#pragma unroll
        for (int q = 0; q < KERNEL_WIDTH; q++) {
          meetsColumn[q] = reaches(phase, s.left, q, s.dilationWidth, s.strideWidth, &right[q]);
          right[q] -= l.first;
        }
        for (long j = 0; j < count; j += VEC) {
          vec sum = 0.0f;
          for (long m = 0; m < s.multiplier; m++) {
            const long weights = s.w + (c * s.multiplier + m) * s.wOutput;
#pragma unroll
            for (int r = 0; r < KERNEL_HEIGHT; r++) {
              if (!meetsRow[r]) continue;
              __local const float *from = lines + m * bandLines * l.pitch + down[r] + j;
#pragma unroll
              for (int q = 0; q < KERNEL_WIDTH; q++)
                if (meetsColumn[q])
                  sum = fma((vec)LOAD(WEIGHT, w, weights + r * s.wRow + q * s.wColumn), LOAD_VEC(from + right[q]), sum);
            }
          }
          if (s.strideWidth == 1) {
            STORE_VEC(sum, result + j);
          } else {
            float values[VEC];
            STORE_VEC(sum, values);
            for (int e = 0; e < min((long)VEC, count - j); e++) result[phase + (j + e) * s.strideWidth] = values[e];
          }
        }
      }
      store_line(result, xs.width, to);
    }
  }
}

__kernel GROUP_OF_ONE void depthwise_weights(
    __global const STORAGE(SOURCE) *x, __global const STORAGE(GRADIENT) *dy, __global float *sums, __local float *lines,
    __local float *gradients, const depthwise_t s, const planes_t xs, const planes_t ys, const lines_t l,
    const lines_t gl) {
  const long line = l.phases * l.pitch, span = (KERNEL_HEIGHT - 1) * s.dilationHeight;
  int place[KERNEL_WIDTH];
  tap_places(&s, &l, place);
  const long firstUnit = get_group_id(0) * s.perItem, lastUnit = min(s.units, firstUnit + s.perItem);
  for (long unit = firstUnit; unit < lastUnit; unit++) {
    const long o = unit % s.outputs, item = unit / s.outputs;
    vec sum[TAPS];
#pragma unroll
    for (int t = 0; t < TAPS; t++) sum[t] = 0.0f;
    for (long image = item * s.imagesPerItem; image < min(s.images, (item + 1) * s.imagesPerItem); image++) {
      __global const STORAGE(SOURCE) *plane = x + xs.offset + image * xs.image + o / s.multiplier * xs.channel;
      __global const STORAGE(GRADIENT) *from = dy + ys.offset + image * ys.image + o * ys.channel;
      for (long firstRow = 0; firstRow < ys.height; firstRow += s.bandRows) {
        const long rows = min(s.bandRows, ys.height - firstRow);
        for (long i = 0; i <= (rows - 1) * s.strideHeight + span; i++)
          copy_source_row(plane, &xs, firstRow * s.strideHeight - s.top + i, &l, lines + i * line);
        for (long i = 0; i < rows; i++) {
          copy_gradient_row(from, &ys, firstRow + i, &gl, gradients);
          for (long j = 0; j < ys.width; j += VEC) {
            const vec gradient = LOAD_VEC(gradients + j);
#pragma unroll
            for (int t = 0; t < TAPS; t++) {
              const long row = i * s.strideHeight + t / KERNEL_WIDTH * s.dilationHeight;
              sum[t] = fma(gradient, LOAD_VEC(lines + row * line + place[t % KERNEL_WIDTH] + j), sum[t]);
            }
          }
        }
      }
    }
#pragma unroll
    for (int t = 0; t < TAPS; t++) sums[unit * TAPS + t] = sum_of(sum[t]);
  }
}
