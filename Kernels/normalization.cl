// SPDX-License-Identifier: MIT
// What the kernels of normalization share. Arrays are seen as [batch, channels, inner]. Batch norm shares statistics
// within a channel; the row forms (layer, group, instance, RMS norm) within one of `groups` groups of channels of an
// image.

#include "typed.cl"

/// How an array is stepped through, in elements, and the type of its elements.
typedef struct {
  long offset, image, channel, element, type;
} norm_view;

/// The same for a list: weights, statistics.
typedef struct {
  long offset, step, type;
} norm_list;

typedef struct {
  long batch, channels, inner;
  long groups;         // rows of an image; 1 for batch norm
  long share;          // rows or planes of a work-item (CPU device), work-items of a row or a channel (GPU)
  long parts, part;    // a channel's elements are cut into `parts` parts of `part`; rows: `part` rows each
  // Place of the statistics of (image, c): image * statistic_image + c / statistic_channels.
  long statistic_image, statistic_channels;
  long adds, rectifies, centers;             // whether there is a residual, a rectifier, a mean
  long weighs, biases, updates;              // whether there are weights, biases, running statistics
  long writes, splits;                       // gradient: whether dx and the residual's gradient are wanted
  long streams;                              // whether y is so large that it would only sweep the caches; then aligned
  norm_view x, y, side;                      // `side`: the residual forwards, dy backwards
  norm_view dx, d_side;
  norm_list weight, bias, mean, deviation;
  norm_list running_mean, running_variance, new_mean, new_variance;
} norm_t;

static float list_at(global const void *list, norm_list view, long i) {
  return load_real(list, view.offset + i * view.step, (int)view.type);
}

static void list_put(global float *list, norm_list view, long i, float value) { list[view.offset + i] = value; }

/// Number, mean and sum of squared distances from the mean of some elements. While they are collected, means count from
/// a shift, an element of theirs: what is far from 0, but not from one another, keeps its digits when means are joined.
typedef struct {
  float count, mean, squares;
} moments_t;

/// Chan, Golub, LeVeque: "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
static moments_t merged_moments(moments_t a, moments_t b) {
  float count = a.count + b.count;
  if (count == 0.0f) return a;
  float distance = b.mean - a.mean, share = b.count / count;
  return (moments_t){
      count, a.mean + distance * share, a.squares + b.squares + distance * distance * a.count * share};
}

/// 1 / sqrt(variance + epsilon), rounded like the host's.
static float deviation_of(float variance, float epsilon) { return 1.0f / sqrt(variance + epsilon); }

/// Writes the statistics of a channel, and moves the running ones.
static void put_statistics(
    moments_t moments, long channel, float epsilon, float momentum, const norm_t *p, global float *mean,
    global float *deviation, global const float *running_mean, global const float *running_variance,
    global float *new_mean, global float *new_variance) {
  float variance = moments.squares / moments.count;
  list_put(mean, p->mean, channel, moments.mean);
  list_put(deviation, p->deviation, channel, deviation_of(variance, epsilon));
  if (!p->updates) return;
  float old_mean = list_at(running_mean, p->running_mean, channel);
  float old_variance = list_at(running_variance, p->running_variance, channel);
  float unbiased = moments.squares / (moments.count - 1.0f);
  list_put(new_mean, p->new_mean, channel, old_mean * (1.0f - momentum) + moments.mean * momentum);
  list_put(new_variance, p->new_variance, channel, old_variance * (1.0f - momentum) + unbiased * momentum);
}

/// Joins the parts' sums, [parts, 2, channels], into the gradients of bias and weight. A work-item joins those of one
/// channel, in order.
kernel void norm_join(
    global const float *partials, long parts, long channels, global float *d_weight, long d_weight_offset,
    global float *d_bias, long d_bias_offset, int wants_weight, int wants_bias) {
  long channel = get_global_id(0);
  if (channel >= channels) return;
  // 64 sums at a time, so that many parts lose no digits.
  float sum = 0.0f, product = 0.0f;
  for (long first = 0; first < parts; first += 64) {
    float near_sum = 0.0f, near_product = 0.0f;
    for (long part = first; part < min(first + 64, parts); part++) {
      near_sum += partials[part * 2 * channels + channel];
      near_product += partials[(part * 2 + 1) * channels + channel];
    }
    sum += near_sum;
    product += near_product;
  }
  if (wants_bias) d_bias[d_bias_offset + channel] = sum;
  if (wants_weight) d_weight[d_weight_offset + channel] = product;
}

#if TERN_CPU_DEVICE
#include "normalization_cpu.cl"
#else
#include "normalization_gpu.cl"
#endif
