// SPDX-License-Identifier: MIT
// The kernels of normalization_rows.cl for GPUs.

/// What element `i` of a row is multiplied with: the weight of its channel, `first` being the row's first.
static float weight_at(global const void *weight, const norm_t *p, long first, long i) {
  long channel = first + (p->inner == 1 ? i : quotient(i, p->inner));
  return p->weighs ? list_at(weight, p->weight, channel) : 1.0f;
}

kernel void norm_rows(
    global const void *x, norm_t plan, float epsilon, global const void *weight, global const void *bias,
    global void *y, global float *mean, global float *deviation) {
  local float scratch[3 * GROUP];
  const norm_t *p = &plan;
  int lanes = (int)plan.share, lane = get_local_id(0) & (lanes - 1);
  long row = get_global_id(0) / lanes, image = row / plan.groups, group = row - image * plan.groups;
  long channels = plan.channels / plan.groups, n = channels * plan.inner;
  bool active = image < plan.batch;
  long at = plan.x.offset + image * plan.x.image + group * channels * plan.x.channel, to = plan.y.offset + row * n;
  moments_t total = {0.0f, 0.0f, 0.0f};
  float squares = 0.0f, shift = 0.0f;
  if (active) {
    if (plan.centers) shift = load_real(x, at, (int)plan.x.type);
    for (long i = lane; i < n; i += 8 * lanes) {
      float values[8];
      int count = 0;
      for (int k = 0; k < 8; k++) {
        values[k] = 0.0f;
        if (i + k * lanes < n) {
          values[k] = load_real(x, at + (i + k * lanes) * plan.x.element, (int)plan.x.type) - shift;
          count++;
        }
        squares += values[k] * values[k];
      }
      if (plan.centers) total = with_values(total, values, count);
    }
  }
  float center = 0.0f, scale;
  if (plan.centers) {
    total = moments_over_lanes(total, scratch, lane, lanes, 1);
    center = total.mean + shift;
    scale = deviation_of(total.squares / total.count, epsilon);
  } else {
    scale = deviation_of(sum_over_lanes(squares, scratch, lanes) / (float)n, epsilon);
  }
  if (!active) return;
  if (lane == 0) {
    if (plan.centers) list_put(mean, plan.mean, row, center);
    list_put(deviation, plan.deviation, row, scale);
  }
  for (long i = lane; i < n; i += lanes) {
    float v = (load_real(x, at + i * plan.x.element, (int)plan.x.type) - center) * scale;
    v *= weight_at(weight, p, group * channels, i);
    if (plan.biases)
      v += list_at(bias, plan.bias, group * channels + (plan.inner == 1 ? i : quotient(i, plan.inner)));
    store_real(y, to + i, v, (int)plan.y.type);
  }
}

kernel void norm_rows_gradient(
    global const void *x, global const void *dy, norm_t plan, global const void *weight, global const float *mean,
    global const float *deviation, global void *dx) {
  local float scratch[GROUP];
  const norm_t *p = &plan;
  int lanes = (int)plan.share, lane = get_local_id(0) & (lanes - 1);
  long row = get_global_id(0) / lanes, image = row / plan.groups, group = row - image * plan.groups;
  long channels = plan.channels / plan.groups, n = channels * plan.inner;
  bool active = image < plan.batch;
  long at = plan.x.offset + image * plan.x.image + group * channels * plan.x.channel;
  long side_at = plan.side.offset + image * plan.side.image + group * channels * plan.side.channel;
  float center = active && plan.centers ? list_at(mean, plan.mean, row) : 0.0f, sum = 0.0f, product = 0.0f;
  if (active) {
    for (long i = lane; i < n; i += lanes) {
      float g = load_real(dy, side_at + i * plan.side.element, (int)plan.side.type);
      g *= weight_at(weight, p, group * channels, i);
      sum += g;
      product += g * (load_real(x, at + i * plan.x.element, (int)plan.x.type) - center);
    }
  }
  sum = sum_over_lanes(sum, scratch, lanes);
  product = sum_over_lanes(product, scratch, lanes);
  if (!active) return;
  float scale = list_at(deviation, plan.deviation, row);
  float tilt = -scale * scale * scale * (product / (float)n), level = plan.centers ? -scale * (sum / (float)n) : 0.0f;
  for (long i = lane; i < n; i += lanes) {
    float g = load_real(dy, side_at + i * plan.side.element, (int)plan.side.type);
    g *= weight_at(weight, p, group * channels, i);
    float v = load_real(x, at + i * plan.x.element, (int)plan.x.type) - center;
    store_real(dx, plan.dx.offset + row * n + i, scale * g + (tilt * v + level), (int)plan.dx.type);
  }
}
