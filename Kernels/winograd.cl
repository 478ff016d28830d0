// SPDX-License-Identifier: MIT
// Winograd's minimal filtering F(OUT x OUT, 3 x 3): Y = A^T [(G g G^T) * (B^T d B)] A, with products element by
// element and sums over channels in between. Lavin, Gray: Fast Algorithms for Convolutional Neural Networks, 2015.
// The gradient of the filter is the transposed map: dg = G^T [(A dY A^T) * (B^T d B)] G, summed over tiles.
//
// The lines of the transforms come from interpolation at 0, P, -P, Q, -Q and infinity (OUT 4) or 0, 1, -1 and
// infinity (OUT 2). P = 3/4 and Q = 3/2 are exact and leave a quarter of the largest error, and less than half of the
// mean one, that the usual 1 and 2 leave.
//
// The including file defines `real`, the type that the transforms work in: a float, or a vector of independent ones.
// Definitions: OUT, 2 or 4.
#ifndef OUT
#define OUT 4
#endif
#define TILE (OUT + 2)
#define POINTS (TILE * TILE)

// Each line reads elements `s` apart and writes elements `q` apart.
#if OUT == 4
#define P 0.75f
#define Q 1.5f
#define PP (P * P)
#define QQ (Q * Q)
#define ABOUT_P (2.0f * PP * (PP - QQ))  // the product of the distances to the other points
#define ABOUT_Q (2.0f * QQ * (QQ - PP))

/// B^T d.
static inline void input_line(const real *d, const int s, real *r, const int q) {
  const real d1 = d[s], d2 = d[2 * s], d3 = d[3 * s], d4 = d[4 * s];
  const real oddP = fma((real)-QQ, d1, d3), evenP = fma((real)-QQ, d2, d4);
  const real oddQ = fma((real)-PP, d1, d3), evenQ = fma((real)-PP, d2, d4);
  r[0] = fma((real)(PP * QQ), d[0], fma((real)-(PP + QQ), d2, d4));
  r[q] = fma((real)P, oddP, evenP);
  r[2 * q] = fma((real)-P, oddP, evenP);
  r[3 * q] = fma((real)Q, oddQ, evenQ);
  r[4 * q] = fma((real)-Q, oddQ, evenQ);
  r[5 * q] = fma((real)(PP * QQ), d1, fma((real)-(PP + QQ), d3, d[5 * s]));
}

/// G g.
static inline void filter_line(const real *g, const int s, real *r, const int q) {
  const real g0 = g[0], g1 = g[s], g2 = g[2 * s];
  const real evenP = fma((real)PP, g2, g0) * (1.0f / ABOUT_P), oddP = g1 * (P / ABOUT_P);
  const real evenQ = fma((real)QQ, g2, g0) * (1.0f / ABOUT_Q), oddQ = g1 * (Q / ABOUT_Q);
  r[0] = g0 * (1.0f / (PP * QQ));
  r[q] = evenP + oddP;
  r[2 * q] = evenP - oddP;
  r[3 * q] = evenQ + oddQ;
  r[4 * q] = evenQ - oddQ;
  r[5 * q] = g2;
}

/// A^T m.
static inline void output_line(const real *m, const int s, real *r, const int q) {
  const real sumP = m[s] + m[2 * s], differenceP = m[s] - m[2 * s];
  const real sumQ = m[3 * s] + m[4 * s], differenceQ = m[3 * s] - m[4 * s];
  r[0] = m[0] + sumP + sumQ;
  r[q] = fma((real)P, differenceP, Q * differenceQ);
  r[2 * q] = fma((real)PP, sumP, QQ * sumQ);
  r[3 * q] = fma((real)(P * PP), differenceP, fma((real)(Q * QQ), differenceQ, m[5 * s]));
}

/// A y.
static inline void gradient_line(const real *y, const int s, real *r, const int q) {
  const real y0 = y[0], y1 = y[s], y2 = y[2 * s], y3 = y[3 * s];
  const real evenP = fma((real)PP, y2, y0), oddP = P * fma((real)PP, y3, y1);
  const real evenQ = fma((real)QQ, y2, y0), oddQ = Q * fma((real)QQ, y3, y1);
  r[0] = y0;
  r[q] = evenP + oddP;
  r[2 * q] = evenP - oddP;
  r[3 * q] = evenQ + oddQ;
  r[4 * q] = evenQ - oddQ;
  r[5 * q] = y3;
}

/// G^T m.
static inline void sum_line(const real *m, const int s, real *r, const int q) {
  const real sumP = (m[s] + m[2 * s]) * (1.0f / ABOUT_P), differenceP = (m[s] - m[2 * s]) * (P / ABOUT_P);
  const real sumQ = (m[3 * s] + m[4 * s]) * (1.0f / ABOUT_Q), differenceQ = (m[3 * s] - m[4 * s]) * (Q / ABOUT_Q);
  r[0] = fma((real)(1.0f / (PP * QQ)), m[0], sumP + sumQ);
  r[q] = differenceP + differenceQ;
  r[2 * q] = fma((real)PP, sumP, fma((real)QQ, sumQ, m[5 * s]));
}
#else
static inline void input_line(const real *d, const int s, real *r, const int q) {
  r[0] = d[0] - d[2 * s];
  r[q] = d[s] + d[2 * s];
  r[2 * q] = d[2 * s] - d[s];
  r[3 * q] = d[3 * s] - d[s];
}

static inline void filter_line(const real *g, const int s, real *r, const int q) {
  const real even = 0.5f * (g[0] + g[2 * s]), odd = 0.5f * g[s];
  r[0] = g[0];
  r[q] = even + odd;
  r[2 * q] = even - odd;
  r[3 * q] = g[2 * s];
}

static inline void output_line(const real *m, const int s, real *r, const int q) {
  r[0] = m[0] + m[s] + m[2 * s];
  r[q] = m[s] - m[2 * s] + m[3 * s];
}

static inline void gradient_line(const real *y, const int s, real *r, const int q) {
  r[0] = y[0];
  r[q] = y[0] + y[s];
  r[2 * q] = y[0] - y[s];
  r[3 * q] = y[s];
}

static inline void sum_line(const real *m, const int s, real *r, const int q) {
  const real sum = 0.5f * (m[s] + m[2 * s]);
  r[0] = m[0] + sum;
  r[q] = 0.5f * (m[s] - m[2 * s]);
  r[2 * q] = sum + m[3 * s];
}
#endif
