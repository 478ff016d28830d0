// SPDX-License-Identifier: MIT
//
// The one-dimensional transforms of F(m, 3), applied to lines of vectors. A two-dimensional transform is one of these
// along the columns, then along the rows.
//
// F(2, 3) has the points 0, 1, -1 and infinity. F(4, 3) has 0, ±5/8, ±3/2 and infinity: with the customary ±1, ±2 the
// largest error is four times as large (points near each other's reciprocals keep the matrices balanced; Barabasz et
// al., Error Analysis and Improving the Accuracy of Winograd Convolution, 2020). Their products are exact in Float32.

#define POINT_A 0.625f
#define POINT_B 1.5f
#define SQUARE_A (POINT_A * POINT_A)
#define SQUARE_B (POINT_B * POINT_B)

/// `Bᵀ d`: `m + 2` values of the input.
INLINE void TERN_VARIANT(line_input)(const int m, const VECTOR *d, VECTOR *out) {
  if (m == 2) {
    out[0] = d[0] - d[2];
    out[1] = d[1] + d[2];
    out[2] = d[2] - d[1];
    out[3] = d[3] - d[1];
    return;
  }
  const VECTOR sum = TERN_VARIANT(splat)(-(SQUARE_A + SQUARE_B)), product = TERN_VARIANT(splat)(SQUARE_A * SQUARE_B);
  VECTOR even_a = TERN_VARIANT(fma)(TERN_VARIANT(splat)(-SQUARE_B), d[2], d[4]);
  VECTOR odd_a = TERN_VARIANT(fma)(TERN_VARIANT(splat)(-SQUARE_B), d[1], d[3]);
  VECTOR even_b = TERN_VARIANT(fma)(TERN_VARIANT(splat)(-SQUARE_A), d[2], d[4]);
  VECTOR odd_b = TERN_VARIANT(fma)(TERN_VARIANT(splat)(-SQUARE_A), d[1], d[3]);
  out[0] = TERN_VARIANT(fma)(product, d[0], TERN_VARIANT(fma)(sum, d[2], d[4]));
  out[1] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(POINT_A), odd_a, even_a);
  out[2] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(-POINT_A), odd_a, even_a);
  out[3] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(POINT_B), odd_b, even_b);
  out[4] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(-POINT_B), odd_b, even_b);
  out[5] = TERN_VARIANT(fma)(product, d[1], TERN_VARIANT(fma)(sum, d[3], d[5]));
}

/// `Aᵀ s`: `m + 2` sums become `m` outputs.
INLINE void TERN_VARIANT(line_output)(const int m, const VECTOR *s, VECTOR *out) {
  VECTOR sum_a = s[1] + s[2], difference_a = s[1] - s[2];
  if (m == 2) {
    out[0] = s[0] + sum_a;
    out[1] = difference_a + s[3];
    return;
  }
  VECTOR sum_b = s[3] + s[4], difference_b = s[3] - s[4];
  out[0] = s[0] + sum_a + sum_b;
  out[1] = TERN_VARIANT(fma)(
      TERN_VARIANT(splat)(POINT_A), difference_a, TERN_VARIANT(splat)(POINT_B) * difference_b);
  out[2] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(SQUARE_A), sum_a, TERN_VARIANT(splat)(SQUARE_B) * sum_b);
  out[3] = TERN_VARIANT(fma)(
      TERN_VARIANT(splat)(SQUARE_A *POINT_A), difference_a,
      TERN_VARIANT(fma)(TERN_VARIANT(splat)(SQUARE_B *POINT_B), difference_b, s[5]));
}

/// `A y`, the adjoint: `m` gradients become `m + 2` values.
INLINE void TERN_VARIANT(line_gradient)(const int m, const VECTOR *y, VECTOR *out) {
  out[0] = y[0];
  if (m == 2) {
    out[1] = y[0] + y[1];
    out[2] = y[0] - y[1];
    out[3] = y[1];
    return;
  }
  VECTOR even_a = TERN_VARIANT(fma)(TERN_VARIANT(splat)(SQUARE_A), y[2], y[0]);
  VECTOR odd_a = TERN_VARIANT(fma)(TERN_VARIANT(splat)(SQUARE_A), y[3], y[1]);
  VECTOR even_b = TERN_VARIANT(fma)(TERN_VARIANT(splat)(SQUARE_B), y[2], y[0]);
  VECTOR odd_b = TERN_VARIANT(fma)(TERN_VARIANT(splat)(SQUARE_B), y[3], y[1]);
  out[1] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(POINT_A), odd_a, even_a);
  out[2] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(-POINT_A), odd_a, even_a);
  out[3] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(POINT_B), odd_b, even_b);
  out[4] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(-POINT_B), odd_b, even_b);
  out[5] = y[3];
}

// One over the product of a point's distances from the other finite points: the rows of `G` are 1, p, p² times this.
#define SCALE_0 (1 / (SQUARE_A * SQUARE_B))
#define SCALE_A (1 / (2 * SQUARE_A * (SQUARE_A - SQUARE_B)))
#define SCALE_B (1 / (2 * SQUARE_B * (SQUARE_B - SQUARE_A)))

/// `G g`: 3 taps become `m + 2` values.
INLINE void TERN_VARIANT(line_filter)(const int m, const VECTOR *g, VECTOR *out) {
  if (m == 2) {
    VECTOR even = 0.5f * (g[0] + g[2]), odd = 0.5f * g[1];
    out[0] = g[0];
    out[1] = even + odd;
    out[2] = even - odd;
    out[3] = g[2];
    return;
  }
  VECTOR even_a = SCALE_A * TERN_VARIANT(fma)(TERN_VARIANT(splat)(SQUARE_A), g[2], g[0]);
  VECTOR even_b = SCALE_B * TERN_VARIANT(fma)(TERN_VARIANT(splat)(SQUARE_B), g[2], g[0]);
  out[0] = SCALE_0 * g[0];
  out[1] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(SCALE_A *POINT_A), g[1], even_a);
  out[2] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(-SCALE_A * POINT_A), g[1], even_a);
  out[3] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(SCALE_B *POINT_B), g[1], even_b);
  out[4] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(-SCALE_B * POINT_B), g[1], even_b);
  out[5] = g[2];
}

/// `Gᵀ s`, the adjoint: `m + 2` sums become 3 taps.
INLINE void TERN_VARIANT(line_filter_gradient)(const int m, const VECTOR *s, VECTOR *out) {
  VECTOR sum_a = s[1] + s[2], difference_a = s[1] - s[2];
  if (m == 2) {
    out[0] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(0.5f), sum_a, s[0]);
    out[1] = 0.5f * difference_a;
    out[2] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(0.5f), sum_a, s[3]);
    return;
  }
  VECTOR sum_b = SCALE_B * (s[3] + s[4]), difference_b = (SCALE_B * POINT_B) * (s[3] - s[4]);
  sum_a *= SCALE_A;
  out[0] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(SCALE_0), s[0], sum_a + sum_b);
  out[1] = TERN_VARIANT(fma)(TERN_VARIANT(splat)(SCALE_A *POINT_A), difference_a, difference_b);
  out[2] = TERN_VARIANT(fma)(
      TERN_VARIANT(splat)(SQUARE_A), sum_a, TERN_VARIANT(fma)(TERN_VARIANT(splat)(SQUARE_B), sum_b, s[5]));
}
#undef POINT_A
#undef POINT_B
#undef SQUARE_A
#undef SQUARE_B
#undef SCALE_0
#undef SCALE_A
#undef SCALE_B
