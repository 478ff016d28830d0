// SPDX-License-Identifier: MIT
// Convolutions for GPUs as matrix products whose operands are gathered on the way: no image is unfolded in memory.
//
// conv_implicit           y = activation(conv(x, w) (+ bias)), or the gradient of x, which is a convolution for each
//                         phase of the stride: the positions p, p + stride, ... share their taps r0, r0 + step, ...
//                         Rows are outputs, columns the places of all images, and k counts (channel, tap row, tap
//                         column). Extents are (column tiles, row tiles, groups * phases) of work-groups.
// conv_implicit_weights   sums[part][group][output][channel, r, q] of dy x over a part of all (image, row, column).
//                         Extents are (column tiles, row tiles, groups * parts) of work-groups.
// conv_direct             The same as conv_implicit for few outputs or taps: a work-item computes one place for
//                         DIRECT_OUTPUTS outputs. Extents are (places, blocks of outputs, groups * phases).
//
// A work-group of GROUP x GROUP work-items computes a tile of TILE x TILE = (4 REGISTERS GROUP)^2 elements, a
// work-item (4 REGISTERS)^2 of them, in steps of DEPTH over k, which travel through double-buffered local memory: 4 *
// DEPTH * (TILE + 4) floats, 17 KiB for REGISTERS 2. Each work-item keeps the digits of its k and advances them by
// DEPTH without a division. Every sum runs in the order of k.
//
// Definitions: GROUP, REGISTERS; SOURCE, WEIGHT, RESULT and BIAS, the dtypes of what is read (GRADIENT: of dy beside
// x), of the weights, of what is written and of the bias; ACTIVATION, not for gradients.
#ifndef GROUP
#define GROUP 16
#endif
#ifndef REGISTERS
#define REGISTERS 1
#endif
#include "conv_dtypes.cl"
#include "activation.cl"
#define TILE (4 * REGISTERS * GROUP)
#define DEPTH 8
#define ITEMS (GROUP * GROUP)
#define LOADS (TILE * DEPTH / ITEMS)  // elements of each operand that a work-item loads in a step
#define LINE (TILE + 4)               // the 4 keeps lines off each other's banks
#define DIRECT_OUTPUTS 8

typedef struct {
  long offset, image, group, channel, row, column, height, width;
} images_t;

/// Digits of a number: (first * middleCount + middle) * lastCount + last.
typedef struct {
  int first, middle, last;
} digits_t;

static inline digits_t digits_of(int number, int middleCount, int lastCount) {
  const digits_t digits = {number / lastCount / middleCount, number / lastCount % middleCount, number % lastCount};
  return digits;
}

static inline digits_t sum_of_digits(digits_t a, digits_t b, int middleCount, int lastCount) {
  a.last += b.last;
  a.middle += b.middle;
  a.first += b.first;
  if (a.last >= lastCount) {
    a.last -= lastCount;
    a.middle++;
  }
  if (a.middle >= middleCount) {
    a.middle -= middleCount;
    a.first++;
  }
  return a;
}

// MARK: Tiles

typedef struct {
  float4 rows[4 * REGISTERS][REGISTERS];
} tile_t;

static inline tile_t empty_tile() {
  tile_t tile;
#pragma unroll
  for (int r = 0; r < 4 * REGISTERS; r++)
#pragma unroll
    for (int q = 0; q < REGISTERS; q++) tile.rows[r][q] = 0.0f;
  return tile;
}

/// Adds the products of one step to a work-item's elements: blocks of 4 x 4 that lie 4 GROUP apart.
static inline void add_products(tile_t *sum, __local const float *left, __local const float *right) {
  const int tx = get_local_id(0), ty = get_local_id(1);
#pragma unroll 4
  for (int p = 0; p < DEPTH; p++) {
    float4 x[REGISTERS], y[REGISTERS];
#pragma unroll
    for (int r = 0; r < REGISTERS; r++) {
      x[r] = vload4(0, left + p * LINE + r * 4 * GROUP + ty * 4);
      y[r] = vload4(0, right + p * LINE + r * 4 * GROUP + tx * 4);
    }
#pragma unroll
    for (int r = 0; r < REGISTERS; r++)
#pragma unroll
      for (int j = 0; j < REGISTERS; j++) {
        sum->rows[4 * r][j] = fma((float4)x[r].s0, y[j], sum->rows[4 * r][j]);
        sum->rows[4 * r + 1][j] = fma((float4)x[r].s1, y[j], sum->rows[4 * r + 1][j]);
        sum->rows[4 * r + 2][j] = fma((float4)x[r].s2, y[j], sum->rows[4 * r + 2][j]);
        sum->rows[4 * r + 3][j] = fma((float4)x[r].s3, y[j], sum->rows[4 * r + 3][j]);
      }
  }
}

/// Rows and columns of the tile that element (r, q) of a work-item's blocks begins.
#define TILE_ROW(r) ((r) / 4 * 4 * GROUP + (int)get_local_id(1) * 4 + (r) % 4)
#define TILE_COLUMN(q) ((q) * 4 * GROUP + (int)get_local_id(0) * 4)

// MARK: Convolution and the gradient of its input

typedef struct {
  long outputs, channels, images;             // of a group
  long kernelHeight, kernelWidth;
  long tapsHeight, tapsWidth, stepHeight, stepWidth;  // taps of a phase, and from one to the next
  long phasesHeight, phasesWidth;
  // From one tap to the next, and from one place to the next, in what is read.
  long tapRows, tapColumns, placeRows, placeColumns;
  long top, left, dilationHeight, dilationWidth;
  long w, wGroup, wOutput, wChannel, wRow, wColumn;
  long bias, biasStride, usesBias;
} conv_t;

/// What a phase reads and writes.
typedef struct {
  int height, width;    // places
  int row, column;      // in what is read, of the first place's first tap
  int tapRow, tapColumn;  // the first tap
  int phaseY, phaseX;
} phase_t;

/// The first tap that reaches a phase, or `none`.
static inline int first_tap(int phase, int pad, int dilation, int stride, int none) {
  for (int tap = 0; tap < stride; tap++)
    if ((phase + pad - tap * dilation) % stride == 0) return tap;
  return none;
}

static inline phase_t phase_of(const conv_t *s, const images_t *ys, int index) {
  const int phaseY = index / (int)s->phasesWidth, phaseX = index % (int)s->phasesWidth;
  phase_t phase = {.height = (ys->height - phaseY + s->phasesHeight - 1) / s->phasesHeight,
                   .width = (ys->width - phaseX + s->phasesWidth - 1) / s->phasesWidth,
                   .row = -s->top, .column = -s->left, .tapRow = 0, .tapColumn = 0, .phaseY = phaseY, .phaseX = phaseX};
  if (s->tapRows <= 0) {  // a gradient: taps run backwards
    phase.tapRow = first_tap(phaseY, s->top, s->dilationHeight, s->phasesHeight, s->kernelHeight);
    phase.tapColumn = first_tap(phaseX, s->left, s->dilationWidth, s->phasesWidth, s->kernelWidth);
    phase.row = (phaseY + s->top - phase.tapRow * s->dilationHeight) / s->phasesHeight;
    phase.column = (phaseX + s->left - phase.tapColumn * s->dilationWidth) / s->phasesWidth;
  }
  return phase;
}

__kernel __attribute__((reqd_work_group_size(GROUP, GROUP, 1))) void conv_implicit(
    __global const STORAGE(SOURCE) *x, __global const STORAGE(WEIGHT) *w, __global STORAGE(RESULT) *y,
    __global const STORAGE(BIAS) *bias, const conv_t s, const images_t xs, const images_t ys) {
  __local float left[2][DEPTH * LINE], right[2][DEPTH * LINE];
  const int item = get_local_id(1) * GROUP + get_local_id(0);
  const int phases = s.phasesHeight * s.phasesWidth;
  const long group = get_group_id(2) / phases;
  const phase_t phase = phase_of(&s, &ys, get_group_id(2) % phases);
  const int places = phase.height * phase.width, columns = s.images * places;
  const int i0 = get_group_id(1) * TILE, j0 = get_group_id(0) * TILE;
  if (j0 >= columns) return;  // all of the work-group alike
  const int tapsHeight = s.tapsHeight, tapsWidth = s.tapsWidth, k = s.channels * tapsHeight * tapsWidth;
  x += xs.offset + group * xs.group;
  w += s.w + group * s.wGroup + phase.tapRow * s.wRow + phase.tapColumn * s.wColumn;

  // This work-item's column of the right operand, and where its first tap reads.
  const int column = j0 + item % TILE, firstRow = item / TILE * LOADS;
  const digits_t at = digits_of(column, phase.height, phase.width);
  const bool hasColumn = column < columns;
  const int row0 = phase.row + at.middle * (int)s.placeRows, column0 = phase.column + at.last * (int)s.placeColumns;
  x += hasColumn ? at.first * xs.image : 0;
  // Its column of the left operand.
  const int depth = item % DEPTH, firstOutput = i0 + item / DEPTH;
  const digits_t one = digits_of(1, tapsHeight, tapsWidth), step = digits_of(DEPTH, tapsHeight, tapsWidth);
  digits_t tapLeft = digits_of(depth, tapsHeight, tapsWidth), tapRight = digits_of(firstRow, tapsHeight, tapsWidth);

  tile_t sum = empty_tile();

  float nextLeft[LOADS], nextRight[LOADS];
  int buffer = 0;
  for (int from = 0; from < k + DEPTH; from += DEPTH) {
    if (from < k) {
      const bool hasTap = from + depth < k && phase.tapRow + tapLeft.middle * (int)s.stepHeight < s.kernelHeight &&
                          phase.tapColumn + tapLeft.last * (int)s.stepWidth < s.kernelWidth;
      const long weight = tapLeft.first * s.wChannel + tapLeft.middle * s.stepHeight * s.wRow +
                          tapLeft.last * s.stepWidth * s.wColumn;
#pragma unroll
      for (int i = 0; i < LOADS; i++) {
        const int output = firstOutput + i * (ITEMS / DEPTH);
        nextLeft[i] = hasTap && output < s.outputs ? LOAD(WEIGHT, w, output * s.wOutput + weight) : 0.0f;
      }
      digits_t tap = tapRight;
#pragma unroll
      for (int i = 0; i < LOADS; i++) {
        const int row = row0 + tap.middle * (int)s.tapRows, place = column0 + tap.last * (int)s.tapColumns;
        const bool inside = hasColumn && from + firstRow + i < k && row >= 0 && row < xs.height && place >= 0 &&
                            place < xs.width;
        nextRight[i] = inside ? LOAD(SOURCE, x, tap.first * xs.channel + row * xs.row + place * xs.column) : 0.0f;
        tap = sum_of_digits(tap, one, tapsHeight, tapsWidth);
      }
      tapLeft = sum_of_digits(tapLeft, step, tapsHeight, tapsWidth);
      tapRight = sum_of_digits(tapRight, step, tapsHeight, tapsWidth);
    }
    // The elements of this step travel while the products of the last one are added up.
    if (from > 0) add_products(&sum, left[1 - buffer], right[1 - buffer]);
    if (from < k) {
#pragma unroll
      for (int i = 0; i < LOADS; i++) {
        left[buffer][depth * LINE + item / DEPTH + i * (ITEMS / DEPTH)] = nextLeft[i];
        right[buffer][(firstRow + i) * LINE + item % TILE] = nextRight[i];
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    buffer = 1 - buffer;
  }

#pragma unroll
  for (int q = 0; q < REGISTERS; q++)
    for (int e = 0; e < 4; e++) {
      const int j = j0 + TILE_COLUMN(q) + e;
      if (j >= columns) continue;
      const digits_t to = digits_of(j, phase.height, phase.width);
      const long place = ys.offset + to.first * ys.image + group * ys.group +
                         (phase.phaseY + to.middle * s.phasesHeight) * ys.row +
                         (phase.phaseX + to.last * s.phasesWidth) * ys.column;
#pragma unroll
      for (int r = 0; r < 4 * REGISTERS; r++) {
        const int output = i0 + TILE_ROW(r);
        if (output >= s.outputs) continue;
        const float4 four = sum.rows[r][q];
        float v = e == 0 ? four.s0 : e == 1 ? four.s1 : e == 2 ? four.s2 : four.s3;
        if (s.usesBias) v += LOAD(BIAS, bias, s.bias + (group * s.outputs + output) * s.biasStride);
        STORE(RESULT, y, place + output * ys.channel, activated(v));
      }
    }
}

__kernel void conv_direct(
    __global const STORAGE(SOURCE) *x, __global const STORAGE(WEIGHT) *w, __global STORAGE(RESULT) *y,
    __global const STORAGE(BIAS) *bias, const conv_t s, const images_t xs, const images_t ys) {
  const int phases = s.phasesHeight * s.phasesWidth;
  const long group = get_global_id(2) / phases;
  const phase_t phase = phase_of(&s, &ys, get_global_id(2) % phases);
  const int j = get_global_id(0), firstOutput = get_global_id(1) * DIRECT_OUTPUTS;
  if (j >= s.images * phase.height * phase.width) return;
  const digits_t at = digits_of(j, phase.height, phase.width);
  const int row0 = phase.row + at.middle * (int)s.placeRows, column0 = phase.column + at.last * (int)s.placeColumns;
  const int count = min((long)DIRECT_OUTPUTS, s.outputs - firstOutput);
  x += xs.offset + group * xs.group + at.first * xs.image;
  w += s.w + group * s.wGroup + firstOutput * s.wOutput;
  float sum[DIRECT_OUTPUTS];
  long weight[DIRECT_OUTPUTS];
#pragma unroll
  for (int o = 0; o < DIRECT_OUTPUTS; o++) {
    sum[o] = 0.0f;
    weight[o] = min(o, count - 1) * s.wOutput;
  }
  for (long c = 0; c < s.channels; c++)
    for (int r = 0; r < s.tapsHeight; r++) {
      const long tapRow = phase.tapRow + r * s.stepHeight, row = row0 + r * s.tapRows;
      if (tapRow >= s.kernelHeight || row < 0 || row >= xs.height) continue;
      for (int q = 0; q < s.tapsWidth; q++) {
        const long tapColumn = phase.tapColumn + q * s.stepWidth, place = column0 + q * s.tapColumns;
        if (tapColumn >= s.kernelWidth || place < 0 || place >= xs.width) continue;
        const float value = LOAD(SOURCE, x, c * xs.channel + row * xs.row + place * xs.column);
        const long tap = c * s.wChannel + tapRow * s.wRow + tapColumn * s.wColumn;
#pragma unroll
        for (int o = 0; o < DIRECT_OUTPUTS; o++) sum[o] = fma(LOAD(WEIGHT, w, tap + weight[o]), value, sum[o]);
      }
    }
  y += ys.offset + at.first * ys.image + group * ys.group + (phase.phaseY + at.middle * s.phasesHeight) * ys.row +
       (phase.phaseX + at.last * s.phasesWidth) * ys.column + firstOutput * ys.channel;
#pragma unroll
  for (int o = 0; o < DIRECT_OUTPUTS; o++)
    if (o < count) {
      const float added =
          s.usesBias ? LOAD(BIAS, bias, s.bias + (group * s.outputs + firstOutput + o) * s.biasStride) : 0.0f;
      STORE(RESULT, y, o * ys.channel, activated(sum[o] + added));
    }
}

// MARK: The gradient of the weights

typedef struct {
  long outputs, channels, images, groups;  // outputs and channels of a group
  long kernelHeight, kernelWidth, strideHeight, strideWidth, top, left, dilationHeight, dilationWidth;
  long partDepth;                          // a multiple of DEPTH
} gradient_t;

__kernel __attribute__((reqd_work_group_size(GROUP, GROUP, 1))) void conv_implicit_weights(
    __global const STORAGE(SOURCE) *x, __global const STORAGE(GRADIENT) *dy, __global float *sums, const gradient_t s,
    const images_t xs, const images_t ys) {
  __local float left[2][DEPTH * LINE], right[2][DEPTH * LINE];
  const int item = get_local_id(1) * GROUP + get_local_id(0);
  const long group = get_group_id(2) % s.groups, part = get_group_id(2) / s.groups;
  const int i0 = get_group_id(1) * TILE, j0 = get_group_id(0) * TILE;
  const int taps = s.kernelHeight * s.kernelWidth, n = s.channels * taps;
  const int height = ys.height, width = ys.width;
  const int begin = part * s.partDepth, end = min(s.images * height * width, begin + s.partDepth);
  x += xs.offset + group * xs.group;
  dy += ys.offset + group * ys.group;

  // A work-item's place of the step, and the windows (channel, r, q) that it reads there.
  const int depth = item % DEPTH;
  const digits_t step = digits_of(DEPTH, height, width);
  digits_t at = digits_of(begin + depth, height, width);
  int rows[LOADS], columns[LOADS];
  long channels[LOADS];
#pragma unroll
  for (int i = 0; i < LOADS; i++) {
    const int window = j0 + item / DEPTH + i * (ITEMS / DEPTH);
    const digits_t tap = digits_of(window, s.kernelHeight, s.kernelWidth);
    channels[i] = tap.first * xs.channel;
    rows[i] = window < n ? (int)(tap.middle * s.dilationHeight - s.top) : INT_MIN / 2;  // outside of every image
    columns[i] = tap.last * s.dilationWidth - s.left;
  }

  tile_t sum = empty_tile();

  float nextLeft[LOADS], nextRight[LOADS];
  int buffer = 0;
  for (int from = begin; from < end + DEPTH; from += DEPTH) {
    if (from < end) {
      const bool hasPlace = from + depth < end;
      const long gradient = at.first * ys.image + at.middle * ys.row + at.last * ys.column;
      const int row0 = at.middle * s.strideHeight, column0 = at.last * s.strideWidth;
#pragma unroll
      for (int i = 0; i < LOADS; i++) {
        const int output = i0 + item / DEPTH + i * (ITEMS / DEPTH);
        nextLeft[i] = hasPlace && output < s.outputs ? LOAD(GRADIENT, dy, gradient + output * ys.channel) : 0.0f;
        const int row = row0 + rows[i], place = column0 + columns[i];
        const bool inside = hasPlace && row >= 0 && row < xs.height && place >= 0 && place < xs.width;
        nextRight[i] =
            inside ? LOAD(SOURCE, x, at.first * xs.image + channels[i] + row * xs.row + place * xs.column) : 0.0f;
      }
      at = sum_of_digits(at, step, height, width);
    }
    if (from > begin) add_products(&sum, left[1 - buffer], right[1 - buffer]);
    if (from < end) {
#pragma unroll
      for (int i = 0; i < LOADS; i++) {
        left[buffer][depth * LINE + item / DEPTH + i * (ITEMS / DEPTH)] = nextLeft[i];
        right[buffer][depth * LINE + item / DEPTH + i * (ITEMS / DEPTH)] = nextRight[i];
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    buffer = 1 - buffer;
  }

  sums += (part * s.groups + group) * s.outputs * n;
#pragma unroll
  for (int r = 0; r < 4 * REGISTERS; r++) {
    const int output = i0 + TILE_ROW(r);
    if (output >= s.outputs) continue;
#pragma unroll
    for (int q = 0; q < REGISTERS; q++) {
      const float values[4] = {sum.rows[r][q].s0, sum.rows[r][q].s1, sum.rows[r][q].s2, sum.rows[r][q].s3};
      for (int e = 0; e < 4; e++) {
        const int j = j0 + TILE_COLUMN(q) + e;
        if (j < n) sums[(long)output * n + j] = values[e];
      }
    }
  }
}
