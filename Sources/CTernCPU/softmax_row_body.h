// SPDX-License-Identifier: MIT
//
// What softmax needs of a row. Rows are worked on in 16 lanes, the rest of a row padded to 16, so that short rows are
// vector code too and sums have one order on every instruction set. LANES and FOR_LANES are left to the includer.

#define LANES 16
#define FOR_LANES for (size_t j = 0; j < LANES; j++)

static inline float TERN_VARIANT(join_sum)(float *lanes) {
  for (size_t half = LANES / 2; half > 0; half /= 2)
    for (size_t j = 0; j < half; j++) lanes[j] += lanes[j + half];
  return lanes[0];
}

/// The greatest element; NaN may lose, since it comes out of the sum that follows.
static inline float TERN_VARIANT(row_max)(const float *x, size_t n) {
  TERN_ALIGNED float lanes[LANES], more[3][LANES];
  FOR_LANES lanes[j] = more[0][j] = more[1][j] = more[2][j] = -TERN_INFINITY;
  size_t i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES) {
    FOR_LANES lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
    for (size_t k = 0; k < 3; k++)
      FOR_LANES more[k][j] = x[i + (k + 1) * LANES + j] > more[k][j] ? x[i + (k + 1) * LANES + j] : more[k][j];
  }
  for (; i + LANES <= n; i += LANES) FOR_LANES lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  for (size_t j = 0; i + j < n; j++) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  for (size_t k = 0; k < 3; k++) FOR_LANES lanes[j] = more[k][j] > lanes[j] ? more[k][j] : lanes[j];
  for (size_t half = LANES / 2; half > 0; half /= 2)
    for (size_t j = 0; j < half; j++) lanes[j] = lanes[j + half] > lanes[j] ? lanes[j + half] : lanes[j];
  return lanes[0];
}

/// The sum of exp(x - shift); `y`, unless null, takes the terms.
static inline float TERN_VARIANT(row_exp_sum)(const float *x, float shift, float *y, size_t n) {
  TERN_ALIGNED float lanes[LANES] = {0}, in[LANES], out[LANES];
  size_t i = 0;
  if (y) {
    for (; i + LANES <= n; i += LANES) {
      FOR_LANES {
        const float e = tern_exp(x[i + j] - shift);
        y[i + j] = e;
        lanes[j] += e;
      }
    }
  } else {
    for (; i + LANES <= n; i += LANES) FOR_LANES lanes[j] += tern_exp(x[i + j] - shift);
  }
  if (i < n) {
    FOR_LANES in[j] = -TERN_INFINITY;
    memcpy(in, x + i, (n - i) * sizeof *x);
    FOR_LANES out[j] = tern_exp(in[j] - (i + j < n ? shift : 0.0f));
    FOR_LANES lanes[j] += out[j];
    if (y) memcpy(y + i, out, (n - i) * sizeof *y);
  }
  return TERN_VARIANT(join_sum)(lanes);
}

/// The sum of a row, or of the products of two.
static inline float TERN_VARIANT(row_dot)(const float *x, const float *y, size_t n) {
  TERN_ALIGNED float lanes[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) FOR_LANES lanes[j] += y ? x[i + j] * y[i + j] : x[i + j];
  for (size_t j = 0; i + j < n; j++) lanes[j] += y ? x[i + j] * y[i + j] : x[i + j];
  return TERN_VARIANT(join_sum)(lanes);
}
