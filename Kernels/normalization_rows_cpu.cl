// SPDX-License-Identifier: MIT
// The kernels of normalization_rows.cl for devices of type CPU.

/// A row's place: where it begins in each array, and its first channel.
typedef struct {
  long row, image, first_channel, channels, length;
} row_t;

static row_t row_of(const norm_t *p, long row) {
  long image = row / p->groups, channels = p->channels / p->groups;
  return (row_t){row, image, (row - image * p->groups) * channels, channels, channels * p->inner};
}

static long row_start(norm_view v, row_t r) { return v.offset + r.image * v.image + r.first_channel * v.channel; }

/// 16 numbers of a list with one number a channel.
static float16 channel_lanes(global const void *list, norm_list view, row_t r, long i) {
  return load_lanes(
      list, view.offset + (r.first_channel + i) * view.step, view.step, r.channels - i, (int)view.type, 0.0f);
}

static float sum_of_squares(global const void *x, long at, norm_view v, long n) {
  float total = 0.0f;
  for (long first = 0; first < n; first += NORM_BLOCK) {
    float16 distances = 0.0f, squares = 0.0f;
    distances_of_piece(
        x, at + first * v.element, v, min((long)NORM_BLOCK, n - first), 0.0f, &distances, &squares);
    total += sum_of_lanes(squares);
  }
  return total;
}

/// The result of a row whose elements each have a weight of their own.
static void write_weighed(
    global const void *x, long at, global void *y, long to, const norm_t *p, row_t r, global const void *weight,
    global const void *bias, float mean, float scale) {
  long i = 0;
  bool fast = FAST(p->x) && FAST(p->y) && p->weighs && p->weight.type == FLOAT32 && p->weight.step == 1 && p->biases &&
              p->bias.type == FLOAT32 && p->bias.step == 1;
  if (fast) {
    global const float *w = FLOATS(weight) + p->weight.offset + r.first_channel;
    global const float *b = FLOATS(bias) + p->bias.offset + r.first_channel;
    for (; i + 16 <= r.length; i += 16) {
      float16 v = (vload16(0, FLOATS(x) + at + i) - mean) * scale;
      v = fma(v, vload16(0, w + i), vload16(0, b + i));
      if (p->streams) {
        STREAM(v, (global float *)y + to + i);
      } else {
        vstore16(v, 0, (global float *)y + to + i);
      }
    }
  }
  for (; i < r.length; i += 16) {
    float16 v = load_lanes(x, at + i * p->x.element, p->x.element, r.length - i, (int)p->x.type, 0.0f);
    v = (v - mean) * scale;
    if (p->weighs) v *= channel_lanes(weight, p->weight, r, i);
    if (p->biases) v += channel_lanes(bias, p->bias, r, i);
    store_lanes(y, to + i, r.length - i, (int)p->y.type, v);
  }
}

kernel void norm_rows(
    global const void *x, norm_t plan, float epsilon, global const void *weight, global const void *bias,
    global void *y, global float *mean, global float *deviation) {
  const norm_t *p = &plan;
  long start = get_global_id(0) * plan.share;
  for (long row = start; row < min(start + plan.share, plan.batch * plan.groups); row++) {
    row_t r = row_of(p, row);
    long at = row_start(plan.x, r), to = row_start(plan.y, r);
    moments_t moments = {(float)r.length, 0.0f, 0.0f};
    if (plan.centers) {
      float first = load_real(x, at, (int)plan.x.type);
      moments = moments_of_piece(x, at, plan.x, r.length, first);
      moments.mean += first;
      list_put(mean, plan.mean, row, moments.mean);
    } else {
      moments.squares = sum_of_squares(x, at, plan.x, r.length);
    }
    float scale = deviation_of(moments.squares / (float)r.length, epsilon);
    list_put(deviation, plan.deviation, row, scale);
    if (plan.inner == 1) {
      write_weighed(x, at, y, to, p, r, weight, bias, moments.mean, scale);
      continue;
    }
    for (long k = 0; k < r.channels; k++) {
      float factor = plan.weighs ? scale * list_at(weight, plan.weight, r.first_channel + k) : scale;
      float shift = plan.biases ? list_at(bias, plan.bias, r.first_channel + k) : 0.0f;
      write_piece(
          x, at + k * plan.x.channel, x, 0, y, to + k * plan.y.channel, p, plan.inner, moments.mean, factor, shift);
    }
  }
}

/// Sums of w dy and w dy (x - mean) of a row whose elements each have a weight of their own.
static void weighed_sums(
    global const void *x, long at, global const void *dy, long side_at, const norm_t *p, row_t r,
    global const void *weight, float mean, float *sum, float *product) {
  *sum = *product = 0.0f;
  for (long first = 0; first < r.length; first += NORM_BLOCK) {
    float16 own_sum = 0.0f, own_product = 0.0f;
    for (long i = first; i < min(first + NORM_BLOCK, r.length); i += 16) {
      float16 g = load_lanes(dy, side_at + i * p->side.element, p->side.element, r.length - i, (int)p->side.type, 0.0f);
      if (p->weighs) g *= channel_lanes(weight, p->weight, r, i);
      own_sum += g;
      float16 v = load_lanes(x, at + i * p->x.element, p->x.element, r.length - i, (int)p->x.type, mean) - mean;
      own_product = fma(g, v, own_product);
    }
    *sum += sum_of_lanes(own_sum);
    *product += sum_of_lanes(own_product);
  }
}

/// dx of such a row, and its share of the sums for the weights' gradients.
static void write_weighed_gradient(
    global const void *x, long at, global const void *dy, long side_at, global void *dx, const norm_t *p, row_t r,
    global const void *weight, global float *sums, global float *products, float mean, float scale, float tilt,
    float level) {
  long to = row_start(p->dx, r);
  for (long i = 0; i < r.length; i += 16) {
    long left = r.length - i;
    float16 g = load_lanes(dy, side_at + i * p->side.element, p->side.element, left, (int)p->side.type, 0.0f);
    float16 v = load_lanes(x, at + i * p->x.element, p->x.element, left, (int)p->x.type, 0.0f) - mean;
    long channel = r.first_channel + i;
    if (p->biases) store_lanes(sums, channel, left, FLOAT32, load_lanes(sums, channel, 1, left, FLOAT32, 0.0f) + g);
    if (p->updates) {
      float16 old = load_lanes(products, channel, 1, left, FLOAT32, 0.0f);
      store_lanes(products, channel, left, FLOAT32, fma(g, v * scale, old));
    }
    if (!p->writes) continue;
    if (p->weighs) g *= channel_lanes(weight, p->weight, r, i);
    store_lanes(dx, to + i, left, (int)p->dx.type, fma(g, (float16)scale, fma(v, (float16)tilt, (float16)level)));
  }
}

/// `biases` and `updates` of the plan say here whether the gradients of bias and weight are wanted.
kernel void norm_rows_gradient(
    global const void *x, global const void *dy, norm_t plan, global const void *weight, global const float *mean,
    global const float *deviation, global void *dx, global float *partials) {
  const norm_t *p = &plan;
  long part = get_global_id(0), rows = plan.batch * plan.groups;
  if (part >= plan.parts) return;
  global float *sums = partials + part * 2 * plan.channels, *products = sums + plan.channels;
  if (plan.biases || plan.updates)
    for (long i = 0; i < 2 * plan.channels; i++) sums[i] = 0.0f;
  for (long row = part * plan.part; row < min((part + 1) * plan.part, rows); row++) {
    row_t r = row_of(p, row);
    long at = row_start(plan.x, r), side_at = row_start(plan.side, r);
    float center = plan.centers ? list_at(mean, plan.mean, row) : 0.0f, scale = list_at(deviation, plan.deviation, row);
    float sum = 0.0f, product = 0.0f;
    if (plan.inner == 1) {
      weighed_sums(x, at, dy, side_at, p, r, weight, center, &sum, &product);
    } else {
      for (long k = 0; k < r.channels; k++) {
        float own_sum = 0.0f, own_product = 0.0f;
        for (long first = 0; first < plan.inner; first += NORM_BLOCK) {
          float16 lanes = 0.0f, product_lanes = 0.0f;
          gradient_of_piece(
              x, at + k * plan.x.channel + first * plan.x.element, dy,
              side_at + k * plan.side.channel + first * plan.side.element, x, 0, p,
              min((long)NORM_BLOCK, plan.inner - first), center, &lanes, &product_lanes);
          own_sum += sum_of_lanes(lanes);
          own_product += sum_of_lanes(product_lanes);
        }
        float factor = plan.weighs ? list_at(weight, plan.weight, r.first_channel + k) : 1.0f;
        sum += factor * own_sum;
        product += factor * own_product;
        if (plan.biases) sums[r.first_channel + k] += own_sum;
        if (plan.updates) products[r.first_channel + k] += own_product * scale;
      }
    }
    float n = (float)r.length, level = plan.centers ? -scale * (sum / n) : 0.0f;
    float tilt = -scale * scale * scale * (product / n);
    if (plan.inner == 1) {
      write_weighed_gradient(
          x, at, dy, side_at, dx, p, r, weight, sums, products, center, scale, tilt, level);
    } else if (plan.writes) {
      long to = row_start(plan.dx, r);
      for (long k = 0; k < r.channels; k++) {
        float factor = plan.weighs ? scale * list_at(weight, plan.weight, r.first_channel + k) : scale;
        slope_of_piece(
            x, at + k * plan.x.channel, dy, side_at + k * plan.side.channel, x, 0, dx, to + k * plan.dx.channel, dx, 0,
            p, plan.inner, center, factor, tilt, level);
      }
    }
  }
}
