// SPDX-License-Identifier: MIT
// Batch normalization of [batch, channels, inner] and its gradient.
//
// batch_moments      Moments of the `parts` parts of each channel. CPU device: a work-item does one part; GPU: a
//                    work-group does one part of `share` neighbouring channels (1, or 32 where runs are short).
// batch_statistics   A work-item joins the parts of a channel, in order, and moves the running statistics.
// batch_normalize    CPU device: a work-item does `share` planes of `inner` elements; GPU: ELEMENTS elements.
// batch_sums         Sums of the gradient, cut like the moments; norm_join joins them.
// batch_gradient     dx from the joined sums, cut like batch_normalize.
//
// CPU devices only, where a channel stays in the cache from one pass to the next:
//
// batch_channel, batch_channel_gradient    A work-item does all of a channel.
// batch_columns, batch_columns_gradient    For inner == 1: a work-item does all of 16 neighbouring channels.

#include "normalization.cl"

kernel void batch_statistics(
    global const float *partials, norm_t plan, float epsilon, float momentum, global float *mean,
    global float *deviation, global const float *running_mean, global const float *running_variance,
    global float *new_mean, global float *new_variance) {
  long channel = get_global_id(0);
  if (channel >= plan.channels) return;
  moments_t total = {0.0f, 0.0f, 0.0f};
  float shift = 0.0f;
  for (long part = 0; part < plan.parts; part++) {
    float4 own = vload4(part * plan.channels + channel, partials);
    total = merged_moments(total, (moments_t){own.x, own.y, own.z});
    shift = own.w;
  }
  total.mean += shift;
  put_statistics(
      total, channel, epsilon, momentum, &plan, mean, deviation, running_mean, running_variance, new_mean,
      new_variance);
}

/// What dx needs of a channel.
typedef struct {
  float mean, slope, tilt, level;
} slopes_t;

static slopes_t slopes_of(
    const norm_t *p, long channel, global const void *weight, global const float *mean, global const float *deviation,
    float d_weight, float d_bias) {
  float scale = list_at(deviation, p->deviation, channel), count = (float)(p->batch * p->inner);
  float slope = p->weighs ? scale * list_at(weight, p->weight, channel) : scale;
  return (slopes_t){
      list_at(mean, p->mean, channel), slope, -slope * scale * (d_weight / count), -slope * (d_bias / count)};
}

#if TERN_CPU_DEVICE
#include "normalization_batch_cpu.cl"
#else
#include "normalization_batch_gpu.cl"
#endif
