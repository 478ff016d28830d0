// SPDX-License-Identifier: MIT
// The kernels of normalization_batch.cl for devices of type CPU.

static long place(norm_view v, long image, long channel) {
  return v.offset + image * v.image + channel * v.channel;
}

/// Moments of elements `first ..< last` of a channel, counted image after image: short runs several at a time.
static moments_t moments_of_range(
    global const void *x, const norm_t *p, long channel, long first, long last, float shift) {
  moments_t total = {0.0f, 0.0f, 0.0f};
  norm_view v = p->x;
  long image = first / p->inner, start = first - image * p->inner;
  while (first < last) {
    long left = last - first;
    if (p->inner - start > NORM_BLOCK / 2 || left <= p->inner - start) {
      long n = min(p->inner - start, left);
      total = merged_moments(total, moments_of_piece(x, place(v, image, channel) + start * v.element, v, n, shift));
      first += n;
      image++;
      start = 0;
      continue;
    }
    // As many runs as fit into a block, the first of them from `start` on.
    long images = 0, count = 0;
    float16 sum = 0.0f;
    while (count < left && (images == 0 || count + p->inner <= NORM_BLOCK)) {
      long from = images == 0 ? start : 0, n = min(p->inner - from, left - count);
      sum += sum_of_piece(x, place(v, image + images, channel) + from * v.element, v, n);
      count += n;
      images++;
    }
    float mean = sum_of_lanes(sum) / (float)count;
    float16 distances = 0.0f, squares = 0.0f;
    long rest = count;
    for (long k = 0; k < images; k++) {
      long from = k == 0 ? start : 0, n = min(p->inner - from, rest);
      distances_of_piece(
          x, place(v, image + k, channel) + from * v.element, v, n, mean, &distances, &squares);
      rest -= n;
    }
    total = merged_moments(total, moments_around(mean, shift, distances, squares, (float)count));
    first += count;
    image += images;
    start = 0;  // only the last run of the range may be cut
  }
  return total;
}

static void write_plane(
    global const void *x, global const void *residual, global void *y, const norm_t *p, long image, long channel,
    float mean, float scale, float bias) {
  write_piece(
      x, place(p->x, image, channel), residual, place(p->side, image, channel), y, place(p->y, image, channel), p,
      p->inner, mean, scale, bias);
}

/// Sums of g and g (x - mean) over elements `first ..< last` of a channel.
static void sums_of_range(
    global const void *x, global const void *dy, global const void *y, const norm_t *p, long channel, long first,
    long last, float mean, float *total_sum, float *total_product) {
  float16 sum = 0.0f, product = 0.0f;
  long image = first / p->inner, start = first - image * p->inner, filled = 0;
  *total_sum = *total_product = 0.0f;
  while (first < last) {
    long n = min(min(p->inner - start, last - first), (long)NORM_BLOCK);
    gradient_of_piece(
        x, place(p->x, image, channel) + start * p->x.element, dy,
        place(p->side, image, channel) + start * p->side.element, y,
        place(p->y, image, channel) + start * p->y.element, p, n, mean, &sum, &product);
    first += n;
    start += n;
    if (start == p->inner) {
      image++;
      start = 0;
    }
    filled += n;
    if (filled < NORM_BLOCK && first < last) continue;
    // A block's sums in lanes are added up before they grow long.
    *total_sum += sum_of_lanes(sum);
    *total_product += sum_of_lanes(product);
    sum = product = 0.0f;
    filled = 0;
  }
}

static void slope_plane(
    global const void *x, global const void *dy, global const void *y, global void *dx, global void *d_side,
    const norm_t *p, long image, long channel, slopes_t slopes) {
  slope_of_piece(
      x, place(p->x, image, channel), dy, place(p->side, image, channel), y, place(p->y, image, channel), dx,
      place(p->dx, image, channel), d_side, place(p->d_side, image, channel), p, p->inner, slopes.mean, slopes.slope,
      slopes.tilt, slopes.level);
}

// ---- A channel in parts

kernel void batch_moments(global const void *x, norm_t plan, global float *partials) {
  long channel = get_global_id(0) / plan.parts, part = get_global_id(0) - channel * plan.parts;
  if (channel >= plan.channels) return;
  long first = part * plan.part, last = min(first + plan.part, plan.batch * plan.inner);
  float shift = load_real(x, place(plan.x, 0, channel), (int)plan.x.type);
  moments_t moments = moments_of_range(x, &plan, channel, first, last, shift);
  vstore4((float4)(moments.count, moments.mean, moments.squares, shift), part * plan.channels + channel, partials);
}

kernel void batch_normalize(
    global const void *x, global const void *residual, norm_t plan, global const void *weight, global const void *bias,
    global const float *mean, global const float *deviation, global void *y) {
  long first = get_global_id(0) * plan.share;
  for (long plane = first; plane < min(first + plan.share, plan.batch * plan.channels); plane++) {
    long image = plane / plan.channels, channel = plane - image * plan.channels;
    float scale = list_at(deviation, plan.deviation, channel);
    if (plan.weighs) scale *= list_at(weight, plan.weight, channel);
    write_plane(
        x, residual, y, &plan, image, channel, list_at(mean, plan.mean, channel), scale,
        plan.biases ? list_at(bias, plan.bias, channel) : 0.0f);
  }
}

kernel void batch_sums(
    global const void *x, global const void *dy, global const void *y, norm_t plan, global const float *mean,
    global const float *deviation, global float *partials) {
  long channel = get_global_id(0) / plan.parts, part = get_global_id(0) - channel * plan.parts;
  if (channel >= plan.channels) return;
  long first = part * plan.part, last = min(first + plan.part, plan.batch * plan.inner);
  float sum, product;
  sums_of_range(x, dy, y, &plan, channel, first, last, list_at(mean, plan.mean, channel), &sum, &product);
  partials[part * 2 * plan.channels + channel] = sum;
  partials[(part * 2 + 1) * plan.channels + channel] = product * list_at(deviation, plan.deviation, channel);
}

kernel void batch_gradient(
    global const void *x, global const void *dy, global const void *y, norm_t plan, global const void *weight,
    global const float *mean, global const float *deviation, global const float *d_weight, long d_weight_offset,
    global const float *d_bias, long d_bias_offset, global void *dx, global void *d_side) {
  long first = get_global_id(0) * plan.share;
  for (long plane = first; plane < min(first + plan.share, plan.batch * plan.channels); plane++) {
    long image = plane / plan.channels, channel = plane - image * plan.channels;
    slopes_t slopes = slopes_of(
        &plan, channel, weight, mean, deviation, d_weight[d_weight_offset + channel], d_bias[d_bias_offset + channel]);
    slope_plane(x, dy, y, dx, d_side, &plan, image, channel, slopes);
  }
}

// ---- A channel at once

kernel void batch_channel(
    global const void *x, global const void *residual, norm_t plan, float epsilon, float momentum,
    global const void *weight, global const void *bias, global const float *running_mean,
    global const float *running_variance, global void *y, global float *mean, global float *deviation,
    global float *new_mean, global float *new_variance) {
  long channel = get_global_id(0);
  float first = load_real(x, place(plan.x, 0, channel), (int)plan.x.type);
  moments_t moments = moments_of_range(x, &plan, channel, 0, plan.batch * plan.inner, first);
  moments.mean += first;
  put_statistics(
      moments, channel, epsilon, momentum, &plan, mean, deviation, running_mean, running_variance, new_mean,
      new_variance);
  float scale = deviation_of(moments.squares / moments.count, epsilon);
  if (plan.weighs) scale *= list_at(weight, plan.weight, channel);
  float shift = plan.biases ? list_at(bias, plan.bias, channel) : 0.0f;
  for (long image = 0; image < plan.batch; image++)
    write_plane(x, residual, y, &plan, image, channel, moments.mean, scale, shift);
}

kernel void batch_channel_gradient(
    global const void *x, global const void *dy, global const void *y, norm_t plan, global const void *weight,
    global const float *mean, global const float *deviation, global float *d_weight, long d_weight_offset,
    global float *d_bias, long d_bias_offset, global void *dx, global void *d_side) {
  long channel = get_global_id(0);
  float sum, product;
  sums_of_range(
      x, dy, y, &plan, channel, 0, plan.batch * plan.inner, list_at(mean, plan.mean, channel), &sum, &product);
  product *= list_at(deviation, plan.deviation, channel);
  d_weight[d_weight_offset + channel] = product;
  d_bias[d_bias_offset + channel] = sum;
  if (!plan.writes) return;
  slopes_t slopes = slopes_of(&plan, channel, weight, mean, deviation, product, sum);
  for (long image = 0; image < plan.batch; image++) slope_plane(x, dy, y, dx, d_side, &plan, image, channel, slopes);
}

// ---- Neighbouring channels, inner == 1

/// Element (image, channel + lane) of `count` lanes.
static float16 column_lanes(global const void *p, norm_view v, long image, long channel, long count) {
  return load_lanes(p, place(v, image, channel), v.channel, count, (int)v.type, 0.0f);
}

static float16 list_lanes(global const void *list, norm_list view, long channel, long count, float fill) {
  return load_lanes(list, view.offset + channel * view.step, view.step, count, (int)view.type, fill);
}

kernel void batch_columns(
    global const void *x, global const void *residual, norm_t plan, float epsilon, float momentum,
    global const void *weight, global const void *bias, global const float *running_mean,
    global const float *running_variance, global void *y, global float *mean, global float *deviation,
    global float *new_mean, global float *new_variance) {
  long channel = get_global_id(0) * 16, count = min(16L, plan.channels - channel);
  float16 shift = column_lanes(x, plan.x, 0, channel, count), center = 0.0f, squares = 0.0f;
  for (long first = 0; first < plan.batch; first += 64) {
    long last = min(first + 64, plan.batch);
    float size = (float)(last - first);
    float16 own = 0.0f, distances = 0.0f, own_squares = 0.0f;
    for (long image = first; image < last; image++) own += column_lanes(x, plan.x, image, channel, count) - shift;
    own /= size;
    for (long image = first; image < last; image++) {
      float16 d = (column_lanes(x, plan.x, image, channel, count) - shift) - own;
      distances += d;
      own_squares = fma(d, d, own_squares);
    }
    own_squares = fmax(own_squares - distances * distances / size, 0.0f);
    own += distances / size;
    float16 distance = own - center;
    float share = size / (float)last;
    center += distance * share;
    squares += own_squares + distance * distance * ((float)first * share);
  }
  center += shift;
  float centers[16], square[16], scales[16];
  vstore16(center, 0, centers);
  vstore16(squares, 0, square);
  for (int lane = 0; lane < 16; lane++) {
    scales[lane] = deviation_of(square[lane] / (float)plan.batch, epsilon);
    if (lane < count)
      put_statistics(
          (moments_t){(float)plan.batch, centers[lane], square[lane]}, channel + lane, epsilon, momentum, &plan, mean,
          deviation, running_mean, running_variance, new_mean, new_variance);
  }
  float16 scale = vload16(0, scales);
  if (plan.weighs) scale *= list_lanes(weight, plan.weight, channel, count, 0.0f);
  float16 added = plan.biases ? list_lanes(bias, plan.bias, channel, count, 0.0f) : (float16)0.0f;
  for (long image = 0; image < plan.batch; image++) {
    float16 v = fma(column_lanes(x, plan.x, image, channel, count) - center, scale, added);
    if (plan.adds) v += column_lanes(residual, plan.side, image, channel, count);
    if (plan.rectifies) v = v < 0.0f ? (float16)0.0f : v;
    store_lanes(y, place(plan.y, image, channel), count, (int)plan.y.type, v);
  }
}

/// A row of dy as far as the rectifier let it pass.
static float16 passed_column(
    global const void *dy, global const void *y, const norm_t *p, long image, long channel, long count) {
  float16 g = column_lanes(dy, p->side, image, channel, count);
  if (!p->rectifies) return g;
  return column_lanes(y, p->y, image, channel, count) > 0.0f ? g : (float16)0.0f;
}

kernel void batch_columns_gradient(
    global const void *x, global const void *dy, global const void *y, norm_t plan, global const void *weight,
    global const float *mean, global const float *deviation, global float *d_weight, long d_weight_offset,
    global float *d_bias, long d_bias_offset, global void *dx, global void *d_side) {
  long channel = get_global_id(0) * 16, count = min(16L, plan.channels - channel);
  float16 center = list_lanes(mean, plan.mean, channel, count, 0.0f);
  float16 scale = list_lanes(deviation, plan.deviation, channel, count, 0.0f);
  float16 sum = 0.0f, product = 0.0f;
  for (long first = 0; first < plan.batch; first += 64) {
    float16 own_sum = 0.0f, own_product = 0.0f;
    for (long image = first; image < min(first + 64, plan.batch); image++) {
      float16 g = passed_column(dy, y, &plan, image, channel, count);
      own_sum += g;
      own_product = fma(g, column_lanes(x, plan.x, image, channel, count) - center, own_product);
    }
    sum += own_sum;
    product += own_product;
  }
  product *= scale;
  store_lanes(d_weight, d_weight_offset + channel, count, FLOAT32, product);
  store_lanes(d_bias, d_bias_offset + channel, count, FLOAT32, sum);
  if (!plan.writes) return;
  float16 slope = plan.weighs ? scale * list_lanes(weight, plan.weight, channel, count, 0.0f) : scale;
  float16 tilt = -slope * scale * (product / (float)plan.batch), level = -slope * (sum / (float)plan.batch);
  for (long image = 0; image < plan.batch; image++) {
    float16 g = passed_column(dy, y, &plan, image, channel, count);
    if (plan.splits) store_lanes(d_side, place(plan.d_side, image, channel), count, (int)plan.d_side.type, g);
    float16 v = column_lanes(x, plan.x, image, channel, count) - center;
    store_lanes(dx, place(plan.dx, image, channel), count, (int)plan.dx.type, fma(g, slope, fma(v, tilt, level)));
  }
}
