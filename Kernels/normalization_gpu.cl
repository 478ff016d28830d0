// SPDX-License-Identifier: MIT
// GPUs: how work-items walk through elements that are not numbered by a single stride, and how a group joins moments.
// Local memory of a group: 3 * GROUP floats, 3 KiB.

#include "row_lanes.cl"

/// `a / b` for b below 2^31; the 64-bit division, several times as slow, only where it is needed.
static long quotient(long a, long b) {
  return (ulong)a <= (ulong)UINT_MAX ? (long)((uint)a / (uint)b) : a / b;
}

/// A place in runs of `inner` elements, and a step through them: no division on the way.
typedef struct {
  long run;
  int inner, at;
  int runs_per_step, rest;
} walk_t;

static walk_t walk_from(long i, long step, long inner) {
  walk_t w;
  w.inner = (int)inner;
  w.run = quotient(i, inner);
  w.at = (int)(i - w.run * inner);
  w.runs_per_step = (int)quotient(step, inner);
  w.rest = (int)(step - w.runs_per_step * inner);
  return w;
}

static void walk_on(walk_t *w) {
  w->run += w->runs_per_step;
  w->at += w->rest;
  if (w->at >= w->inner) {
    w->at -= w->inner;
    w->run++;
  }
}

/// Adds `count` values, at most 8, that are in registers: their mean first, then their distances from it.
static moments_t with_values(moments_t total, const float *values, int count) {
  float sum = 0.0f, squares = 0.0f;
  for (int k = 0; k < 8; k++) sum += k < count ? values[k] : 0.0f;
  float mean = sum / (float)count;
  for (int k = 0; k < 8; k++) {
    float d = k < count ? values[k] - mean : 0.0f;
    squares += d * d;
  }
  return merged_moments(total, (moments_t){(float)count, mean, squares});
}

/// Joins the moments of `lanes` (a power of two) work-items that stand `step` apart; all of them get the result.
static moments_t moments_over_lanes(moments_t own, local float *scratch, int lane, int lanes, int step) {
  local float *means = scratch + GROUP, *squares = scratch + 2 * GROUP;
  int id = get_local_id(0);
  barrier(CLK_LOCAL_MEM_FENCE);  // the readers of the exchange before
  scratch[id] = own.count;
  means[id] = own.mean;
  squares[id] = own.squares;
  for (int width = lanes / 2; width > 0; width /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < width) {
      int other = id + width * step;
      own = merged_moments(own, (moments_t){scratch[other], means[other], squares[other]});
      scratch[id] = own.count;
      means[id] = own.mean;
      squares[id] = own.squares;
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  int first = id - lane * step;
  return (moments_t){scratch[first], means[first], squares[first]};
}

static long place(norm_view v, long image, long channel, long at) {
  return v.offset + image * v.image + channel * v.channel + at * v.element;
}

/// dy as far as the rectifier, whose output is `y`, let it pass.
static float passed(global const void *dy, long side_at, global const void *y, long y_at, const norm_t *p) {
  float g = load_real(dy, side_at, (int)p->side.type);
  return !p->rectifies || load_real(y, y_at, (int)p->y.type) > 0.0f ? g : 0.0f;
}

/// Sums of g and g (x - mean) * deviation over parts of each channel, for the gradients of bias and weight. A
/// work-group does one part of `share` neighbouring channels (1, or 32 where runs are short).
kernel void norm_sums(
    global const void *x, global const void *dy, global const void *y, norm_t plan, global const float *mean,
    global const float *deviation, global float *partials) {
  local float scratch[GROUP];
  const norm_t *p = &plan;
  int width = (int)plan.share, lanes = GROUP / width, id = get_local_id(0), lane = id / width;
  long group = get_group_id(0), part = group % plan.parts, channel = group / plan.parts * width + id % width;
  float sum = 0.0f, product = 0.0f;
  if (channel < plan.channels) {
    long first = part * plan.part + lane, last = min((part + 1) * plan.part, plan.batch * plan.inner);
    walk_t w = walk_from(first, lanes, plan.inner);
    long group_of_channel = channel / plan.statistic_channels;
    for (long i = first; i < last; i += lanes, walk_on(&w)) {
      long row = w.run * plan.statistic_image + group_of_channel;
      float g = passed(dy, place(p->side, w.run, channel, w.at), y, place(p->y, w.run, channel, w.at), p);
      float v = load_real(x, place(p->x, w.run, channel, w.at), (int)p->x.type);
      if (p->centers) v -= list_at(mean, p->mean, row);
      sum += g;
      product += g * v * list_at(deviation, p->deviation, row);
    }
  }
  // Two exchanges over lanes that stand `width` apart.
  for (int which = 0; which < 2; which++) {
    barrier(CLK_LOCAL_MEM_FENCE);
    scratch[id] = which ? product : sum;
    for (int reach = lanes / 2; reach > 0; reach /= 2) {
      barrier(CLK_LOCAL_MEM_FENCE);
      if (lane < reach) scratch[id] += scratch[id + reach * width];
    }
    if (lane == 0 && channel < plan.channels) partials[(part * 2 + which) * plan.channels + channel] = scratch[id];
  }
}
