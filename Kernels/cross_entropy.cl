// SPDX-License-Identifier: MIT
// Cross-entropy of rows of logits, and its gradient. CPU device: a work-item does `share` rows; GPU: `lanes` work-items
// do one row. With p = softmax(logits), label t, class weights w, smoothing s and K classes:
//
//   loss[r]       = (1 - s) w[t] (-log p[t]) + s / K sum over c of w[c] (-log p[c])
//   d loss / d xc = p[c] ((1 - s) w[t] + s / K sum of w) - (c == t ? (1 - s) w[t] : 0) - s / K w[c]

#include "row_powers.cl"

/// One view's place and steps: rows and columns of a matrix, or elements of a vector in `row`.
typedef struct {
  long offset, row, column;
  long type;
} matrix_t;

typedef struct {
  long rows, classes;
  long ignored;
  long weighted;  // whether class weights are given
  long share;     // rows of a work-item (CPU device), or work-items of a row (GPU)
} cross_entropy_t;

static float class_weight(global const void *weights, matrix_t view, long weighted, long class) {
  return weighted ? load_real(weights, view.offset + class * view.row, (int)view.type) : 1.0f;
}

#if TERN_CPU_DEVICE
#define LANE 0
#define LANES 1
#else
#define LANE (get_local_id(0) & (int)(options.share - 1))
#define LANES options.share
#endif

kernel void cross_entropy(
    global const void *x, matrix_t x_view, global const void *labels, matrix_t label_view,
    global const void *class_weights, matrix_t weight_view, cross_entropy_t options, float smoothing,
    global float *losses, long losses_offset, global float *weights, long weights_offset) {
#if TERN_CPU_DEVICE
  float powers[ROW_BLOCK];
  long first = get_global_id(0) * options.share, end = min(first + options.share, options.rows);
#else
  local float scratch[GROUP];
  // Work-items without a row go through the same exchanges as their group.
  long first = get_global_id(0) / options.share, end = first + 1;
#endif
  int type = (int)x_view.type;
  for (long row = first; row < end; row++) {
    bool active = row < options.rows;
    long at = x_view.offset + row * x_view.row;
    long label = active ? load_int(labels, label_view.offset + row * label_view.row, (int)label_view.type) : 0;
    float max, sum;
#if TERN_CPU_DEVICE
    row_powers(powers, x, at, x_view.column, options.classes, type, &max, &sum);
#else
    row_powers(scratch, (int)LANES, active, x, at, x_view.column, options.classes, type, &max, &sum);
#endif
    float logarithm = log(sum);
    // The smoothed part: sum over c of w[c] (log sum - (x[c] - max)).
    float smooth = 0.0f;
    if (smoothing != 0.0f) {
      if (active) {
        for (long c = LANE; c < options.classes; c += LANES) {
          float below = load_real(x, at + c * x_view.column, type) - max;
          smooth += class_weight(class_weights, weight_view, options.weighted, c) * (logarithm - below);
        }
      }
#if !TERN_CPU_DEVICE
      smooth = sum_over_lanes(smooth, scratch, (int)LANES);
#endif
      smooth *= smoothing / (float)options.classes;
    }
    if (!active || LANE != 0) continue;
    float loss = NAN, weight = NAN;
    if (label == options.ignored) {
      loss = weight = 0.0f;
    } else if (label >= 0 && label < options.classes) {
      weight = class_weight(class_weights, weight_view, options.weighted, label);
      float below = load_real(x, at + label * x_view.column, type) - max;
      loss = (1.0f - smoothing) * weight * (logarithm - below) + smooth;
    }
    losses[losses_offset + row] = loss;
    weights[weights_offset + row] = weight;
  }
}

kernel void cross_entropy_gradient(
    global const void *x, matrix_t x_view, global const void *labels, matrix_t label_view,
    global const void *class_weights, matrix_t weight_view, cross_entropy_t options, float smoothing,
    global const void *scales, matrix_t scale_view, global void *dx, long dx_offset, int dx_type) {
#if TERN_CPU_DEVICE
  float powers[ROW_BLOCK];
  long first = get_global_id(0) * options.share, end = min(first + options.share, options.rows);
#else
  local float scratch[GROUP];
  long first = get_global_id(0) / options.share, end = first + 1;
#endif
  int type = (int)x_view.type;
  for (long row = first; row < end; row++) {
    bool active = row < options.rows;
    long at = x_view.offset + row * x_view.row, to = dx_offset + row * options.classes;
    float max, sum;
#if TERN_CPU_DEVICE
    row_powers(powers, x, at, x_view.column, options.classes, type, &max, &sum);
#else
    row_powers(scratch, (int)LANES, active, x, at, x_view.column, options.classes, type, &max, &sum);
#endif
    float weight_sum = (float)options.classes;
    if (smoothing != 0.0f && options.weighted) {
      weight_sum = 0.0f;
      for (long c = LANE; c < options.classes; c += LANES)
        weight_sum += class_weight(class_weights, weight_view, 1, c);
#if !TERN_CPU_DEVICE
      weight_sum = sum_over_lanes(weight_sum, scratch, (int)LANES);
#endif
    }
    if (!active) continue;
    long label = load_int(labels, label_view.offset + row * label_view.row, (int)label_view.type);
    bool ignored = label == options.ignored, valid = label >= 0 && label < options.classes;
    float scale = load_real(scales, scale_view.offset + row * scale_view.row, (int)scale_view.type);
    float hit = valid ? (1.0f - smoothing) * class_weight(class_weights, weight_view, options.weighted, label) : NAN;
    float spread = smoothing / (float)options.classes, all = (hit + spread * weight_sum) / sum;
#if TERN_CPU_DEVICE
    bool plain = smoothing == 0.0f || !options.weighted;
    for (long c = 0; c < options.classes; c += 16) {
      long left = options.classes - c;
      float16 power = options.classes <= ROW_BLOCK
                          ? vload16(0, powers + c)
                          : exp_below_zero(
                                load_lanes(x, at + c * x_view.column, x_view.column, left, type, 0.0f) - max);
      float16 weight = plain ? (float16)(1.0f)
                             : load_lanes(class_weights, weight_view.offset + c * weight_view.row, weight_view.row,
                                          left, (int)weight_view.type, 0.0f);
      float16 gradient = (power * all - spread * weight) * scale;
      store_lanes(dx, to + c, left, dx_type, ignored ? (float16)(0.0f) : gradient);
    }
    if (ignored || !valid) continue;
    float share = exp(load_real(x, at + label * x_view.column, type) - max) * all - hit;
    float own = spread * (plain ? 1.0f : class_weight(class_weights, weight_view, 1, label));
    store_real(dx, to + label, (share - own) * scale, dx_type);
#else
    for (long c = LANE; c < options.classes; c += LANES) {
      float gradient = exp(load_real(x, at + c * x_view.column, type) - max) * all - (c == label ? hit : 0.0f);
      if (smoothing != 0.0f) gradient -= spread * class_weight(class_weights, weight_view, options.weighted, c);
      store_real(dx, to + c, ignored ? 0.0f : gradient * scale, dx_type);
    }
#endif
  }
}
