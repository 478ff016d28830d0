// SPDX-License-Identifier: MIT
// Devices of type CPU: what one work-item does with a piece, `n` elements `step` apart from position `at` on. Pieces of
// floats side by side take the fast way; others are converted and gathered 16 at a time.

// Elements whose squares are taken from one mean: 16 KiB, which stay in the first-level cache for the second reading.
#define NORM_BLOCK 4096

#define FAST(view) ((view).type == FLOAT32 && (view).element == 1)
#define FLOATS(p) ((global const float *)(p))

static float16 sum_of_piece(global const void *x, long at, norm_view v, long n) {
  float16 a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
  long i = 0;
  if (FAST(v)) {
    for (; i + 64 <= n; i += 64) {
      a += vload16(0, FLOATS(x) + at + i);
      b += vload16(0, FLOATS(x) + at + i + 16);
      c += vload16(0, FLOATS(x) + at + i + 32);
      d += vload16(0, FLOATS(x) + at + i + 48);
    }
  }
  for (; i < n; i += 16) a += load_lanes(x, at + i * v.element, v.element, n - i, (int)v.type, 0.0f);
  return (a + b) + (c + d);
}

static void distances_of_piece(
    global const void *x, long at, norm_view v, long n, float mean, float16 *distances, float16 *squares) {
  float16 d0 = *distances, d1 = 0.0f, q0 = *squares, q1 = 0.0f;
  long i = 0;
  if (FAST(v)) {
    for (; i + 32 <= n; i += 32) {
      float16 a = vload16(0, FLOATS(x) + at + i) - mean, b = vload16(0, FLOATS(x) + at + i + 16) - mean;
      d0 += a;
      d1 += b;
      q0 = fma(a, a, q0);
      q1 = fma(b, b, q1);
    }
  }
  for (; i < n; i += 16) {
    float16 a = load_lanes(x, at + i * v.element, v.element, n - i, (int)v.type, mean) - mean;
    d0 += a;
    q0 = fma(a, a, q0);
  }
  *distances = d0 + d1;
  *squares = q0 + q1;
}

/// The moments of elements whose distances from `mean` have these sums.
static moments_t moments_around(float mean, float shift, float16 distances, float16 squares, float count) {
  float distance = sum_of_lanes(distances);
  float left = sum_of_lanes(squares) - distance * distance / count;
  return (moments_t){count, (mean - shift) + distance / count, fmax(left, 0.0f)};
}

/// Moments of one long piece.
static moments_t moments_of_piece(global const void *x, long at, norm_view v, long n, float shift) {
  moments_t total = {0.0f, 0.0f, 0.0f};
  for (long first = 0; first < n; first += NORM_BLOCK) {
    long count = min((long)NORM_BLOCK, n - first), start = at + first * v.element;
    float mean = sum_of_lanes(sum_of_piece(x, start, v, count)) / (float)count;
    float16 distances = 0.0f, squares = 0.0f;
    distances_of_piece(x, start, v, count, mean, &distances, &squares);
    total = merged_moments(total, moments_around(mean, shift, distances, squares, (float)count));
  }
  return total;
}

/// y = act((x - mean) * scale + bias + residual); `y` is dense.
static void write_piece(
    global const void *x, long at, global const void *residual, long side_at, global void *y, long to, const norm_t *p,
    long n, float mean, float scale, float bias) {
  long i = 0;
  if (FAST(p->x) && FAST(p->y) && (!p->adds || FAST(p->side))) {
    for (; i + 16 <= n; i += 16) {
      float16 v = fma(vload16(0, FLOATS(x) + at + i) - mean, (float16)scale, (float16)bias);
      if (p->adds) v += vload16(0, FLOATS(residual) + side_at + i);
      if (p->rectifies) v = v < 0.0f ? (float16)0.0f : v;
      vstore16(v, 0, (global float *)y + to + i);
    }
  }
  for (; i < n; i += 16) {
    float16 v = load_lanes(x, at + i * p->x.element, p->x.element, n - i, (int)p->x.type, 0.0f);
    v = fma(v - mean, (float16)scale, (float16)bias);
    if (p->adds)
      v += load_lanes(residual, side_at + i * p->side.element, p->side.element, n - i, (int)p->side.type, 0.0f);
    if (p->rectifies) v = v < 0.0f ? (float16)0.0f : v;
    store_lanes(y, to + i, n - i, (int)p->y.type, v);
  }
}

/// 16 lanes of dy as far as the rectifier, whose output is `y`, let it pass.
static float16 passed_lanes(
    global const void *dy, long side_at, global const void *y, long y_at, const norm_t *p, long i, long n) {
  float16 g = load_lanes(dy, side_at + i * p->side.element, p->side.element, n - i, (int)p->side.type, 0.0f);
  if (!p->rectifies) return g;
  float16 passed = load_lanes(y, y_at + i * p->y.element, p->y.element, n - i, (int)p->y.type, 0.0f);
  return passed > 0.0f ? g : (float16)0.0f;
}

/// Adds the sums of g and g (x - mean).
static void gradient_of_piece(
    global const void *x, long at, global const void *dy, long side_at, global const void *y, long y_at,
    const norm_t *p, long n, float mean, float16 *sum, float16 *product) {
  float16 s0 = *sum, s1 = 0.0f, q0 = *product, q1 = 0.0f;
  long i = 0;
  if (FAST(p->x) && FAST(p->side) && (!p->rectifies || FAST(p->y))) {
    for (; i + 32 <= n; i += 32) {
      float16 a = vload16(0, FLOATS(dy) + side_at + i), b = vload16(0, FLOATS(dy) + side_at + i + 16);
      if (p->rectifies) {
        a = vload16(0, FLOATS(y) + y_at + i) > 0.0f ? a : (float16)0.0f;
        b = vload16(0, FLOATS(y) + y_at + i + 16) > 0.0f ? b : (float16)0.0f;
      }
      s0 += a;
      s1 += b;
      q0 = fma(a, vload16(0, FLOATS(x) + at + i) - mean, q0);
      q1 = fma(b, vload16(0, FLOATS(x) + at + i + 16) - mean, q1);
    }
  }
  for (; i < n; i += 16) {
    float16 g = passed_lanes(dy, side_at, y, y_at, p, i, n);
    s0 += g;
    q0 = fma(g, load_lanes(x, at + i * p->x.element, p->x.element, n - i, (int)p->x.type, mean) - mean, q0);
  }
  *sum = s0 + s1;
  *product = q0 + q1;
}

/// dx = slope g + tilt (x - mean) + level, and g itself as the residual's gradient; both dense.
static void slope_of_piece(
    global const void *x, long at, global const void *dy, long side_at, global const void *y, long y_at,
    global void *dx, long to, global void *d_side, long d_side_to, const norm_t *p, long n, float mean, float slope,
    float tilt, float level) {
  long i = 0;
  if (FAST(p->x) && FAST(p->side) && FAST(p->dx) && (!p->rectifies || FAST(p->y))) {
    for (; i + 16 <= n; i += 16) {
      float16 g = vload16(0, FLOATS(dy) + side_at + i);
      if (p->rectifies) g = vload16(0, FLOATS(y) + y_at + i) > 0.0f ? g : (float16)0.0f;
      if (p->splits) vstore16(g, 0, (global float *)d_side + d_side_to + i);
      float16 rest = fma(vload16(0, FLOATS(x) + at + i) - mean, (float16)tilt, (float16)level);
      vstore16(fma(g, (float16)slope, rest), 0, (global float *)dx + to + i);
    }
  }
  for (; i < n; i += 16) {
    float16 g = passed_lanes(dy, side_at, y, y_at, p, i, n);
    if (p->splits) store_lanes(d_side, d_side_to + i, n - i, (int)p->d_side.type, g);
    float16 v = load_lanes(x, at + i * p->x.element, p->x.element, n - i, (int)p->x.type, 0.0f) - mean;
    store_lanes(dx, to + i, n - i, (int)p->dx.type, fma(g, (float16)slope, fma(v, (float16)tilt, (float16)level)));
  }
}
