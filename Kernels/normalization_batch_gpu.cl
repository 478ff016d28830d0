// SPDX-License-Identifier: MIT
// The kernels of normalization_batch.cl for GPUs; norm_sums sums the gradient.

// Elements of a work-item that writes: GROUP apart, so that neighbours write neighbours.
#define ELEMENTS 8

kernel void batch_moments(global const void *x, norm_t plan, global float *partials) {
  local float scratch[3 * GROUP];
  int width = (int)plan.share, lanes = GROUP / width, id = get_local_id(0), lane = id / width;
  long group = get_group_id(0), part = group % plan.parts, channel = group / plan.parts * width + id % width;
  moments_t total = {0.0f, 0.0f, 0.0f};
  float shift = 0.0f;
  if (channel < plan.channels) {
    long first = part * plan.part + lane, last = min((part + 1) * plan.part, plan.batch * plan.inner);
    long start = plan.x.offset + channel * plan.x.channel;
    shift = load_real(x, start, (int)plan.x.type);
    walk_t w = walk_from(first, lanes, plan.inner);
    for (long i = first; i < last; i += 8 * lanes) {
      float values[8];
      int count = 0;
      for (int k = 0; k < 8; k++) {
        if (i + k * lanes < last) {
          values[k] = load_real(x, start + w.run * plan.x.image + w.at * plan.x.element, (int)plan.x.type) - shift;
          count++;
          walk_on(&w);
        } else {
          values[k] = 0.0f;
        }
      }
      total = with_values(total, values, count);
    }
  }
  total = moments_over_lanes(total, scratch, lane, lanes, width);
  if (lane == 0 && channel < plan.channels)
    vstore4((float4)(total.count, total.mean, total.squares, shift), part * plan.channels + channel, partials);
}

kernel void batch_normalize(
    global const void *x, global const void *residual, norm_t plan, global const void *weight, global const void *bias,
    global const float *mean, global const float *deviation, global void *y) {
  long first = get_group_id(0) * (long)(GROUP * ELEMENTS) + get_local_id(0);
  long count = plan.batch * plan.channels * plan.inner;
  if (first >= count) return;
  walk_t w = walk_from(first, GROUP, plan.inner);
  for (int k = 0; k < ELEMENTS && first + k * (long)GROUP < count; k++, walk_on(&w)) {
    long image = quotient(w.run, plan.channels), channel = w.run - image * plan.channels;
    float scale = list_at(deviation, plan.deviation, channel);
    if (plan.weighs) scale *= list_at(weight, plan.weight, channel);
    float v = load_real(x, place(plan.x, image, channel, w.at), (int)plan.x.type);
    v = (v - list_at(mean, plan.mean, channel)) * scale;
    if (plan.biases) v += list_at(bias, plan.bias, channel);
    if (plan.adds) v += load_real(residual, place(plan.side, image, channel, w.at), (int)plan.side.type);
    if (plan.rectifies) v = v < 0.0f ? 0.0f : v;
    store_real(y, plan.y.offset + first + k * (long)GROUP, v, (int)plan.y.type);
  }
}

kernel void batch_gradient(
    global const void *x, global const void *dy, global const void *y, norm_t plan, global const void *weight,
    global const float *mean, global const float *deviation, global const float *d_weight, long d_weight_offset,
    global const float *d_bias, long d_bias_offset, global void *dx, global void *d_side) {
  long first = get_group_id(0) * (long)(GROUP * ELEMENTS) + get_local_id(0);
  long count = plan.batch * plan.channels * plan.inner;
  if (first >= count) return;
  const norm_t *p = &plan;
  walk_t w = walk_from(first, GROUP, plan.inner);
  for (int k = 0; k < ELEMENTS && first + k * (long)GROUP < count; k++, walk_on(&w)) {
    long image = quotient(w.run, plan.channels), channel = w.run - image * plan.channels;
    long to = first + k * (long)GROUP;
    float g = passed(dy, place(p->side, image, channel, w.at), y, place(p->y, image, channel, w.at), p);
    if (p->splits) store_real(d_side, p->d_side.offset + to, g, (int)p->d_side.type);
    slopes_t slopes = slopes_of(
        p, channel, weight, mean, deviation, d_weight[d_weight_offset + channel], d_bias[d_bias_offset + channel]);
    float v = load_real(x, place(p->x, image, channel, w.at), (int)p->x.type) - slopes.mean;
    store_real(dx, p->dx.offset + to, slopes.slope * g + (slopes.tilt * v + slopes.level), (int)p->dx.type);
  }
}
