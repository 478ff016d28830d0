// SPDX-License-Identifier: MIT
//
// The register tile of the matrix product and the convolution. The rows come as scalars that are broadcast, the columns
// as vectors, so that AVX-512's 32 registers hold 14 x 2 sums, two vectors and a broadcast, and the 16 of AVX2 6 x 2.
// Few rows take four vectors: WIDE_ROWS x 4.

#if defined(TERN_AVX512)
#define FOR_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define FOR_EACH_DIRECT_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#define FOR_EACH_WIDE_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define TILE_ROWS 14
#define WIDE_ROWS 6
#define DIRECT_ROWS 8  // as many addresses as there are registers for
#elif defined(TERN_AVX2)
#define FOR_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define FOR_EACH_DIRECT_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define FOR_EACH_WIDE_ROWS(X) X(1) X(2)
#define TILE_ROWS 6
#define WIDE_ROWS 2
#define DIRECT_ROWS 6
#elif defined(__aarch64__)
#define FOR_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#define FOR_EACH_DIRECT_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#define FOR_EACH_WIDE_ROWS(X) X(1) X(2) X(3) X(4)
#define TILE_ROWS 8
#define WIDE_ROWS 4
#define DIRECT_ROWS 8
#else
#define FOR_EACH_ROWS(X) X(1) X(2) X(3) X(4)
#define FOR_EACH_DIRECT_ROWS(X) X(1) X(2) X(3) X(4)
#define FOR_EACH_WIDE_ROWS(X) X(1) X(2)
#define TILE_ROWS 4
#define WIDE_ROWS 2
#define DIRECT_ROWS 4
#endif
#define TILE_COLUMNS (2 * LANES)

/// Where a tile of sums goes.
typedef struct TERN_VARIANT(tile_store) {
  float *c;
  ptrdiff_t c_step, columns;
  const float *row_bias;  ///< where the sums start, or null for 0
  const float *column_bias;
  bool accumulate;
  int32_t activation;
} TERN_VARIANT(tile_store);

/// Writes a tile that is cut off at the right.
static __attribute__((noinline)) void TERN_VARIANT(store_tile)(
    VECTOR *sums, int rows, int vectors, const TERN_VARIANT(tile_store) *store) {
  const bool rectifies = store->activation == TERN_ACTIVATION_RELU;
  for (int i = 0; i < rows; i++) {
    const float *c = store->c + i * store->c_step;
    for (int v = 0; v < vectors; v++) {
      ptrdiff_t count = store->columns - v * LANES < LANES ? store->columns - v * LANES : LANES;
      VECTOR sum = sums[i * vectors + v];
      if (store->column_bias) sum += TERN_VARIANT(load_first)(store->column_bias + v * LANES, count);
      if (store->accumulate) sum += TERN_VARIANT(load_first)(c + v * LANES, count);
      sums[i * vectors + v] = rectifies ? TERN_VARIANT(relu)(sum) : sum;
    }
  }
  if (store->activation != TERN_ACTIVATION_NONE && !rectifies)
    TERN_VARIANT(activate)((float *)sums, rows * vectors * LANES, store->activation);
  for (int i = 0; i < rows; i++) {
    float *c = store->c + i * store->c_step;
    for (int v = 0; v < vectors; v++)
      TERN_VARIANT(write_first)(
          c + v * LANES, sums[i * vectors + v], TERN_VARIANT(clamp)(store->columns - v * LANES, 0, LANES));
  }
}

/// One tile: `c[i] (+)= sum over p of a[i * row_step + p * a_step] * b_p`, then activated, where the columns `b_p`
/// stand at `b + p * b_step`, or at `b + offsets[p]` if there are offsets. `rows`, `vectors`, some steps and the
/// absence of offsets are constants where this is inlined, so that the sums live in registers.
INLINE void TERN_VARIANT(tile)(
    const int rows, const int vectors, ptrdiff_t k, const float *a, ptrdiff_t row_step, ptrdiff_t a_step,
    const float *b, ptrdiff_t b_step, const int32_t *offsets, const TERN_VARIANT(tile_store) *store) {
  // Where the sums go comes near while the products run: a tile's rows are too far apart for the machine to foresee.
#pragma clang loop unroll(full)
  for (int i = 0; i < rows * vectors; i++)
    __builtin_prefetch(store->c + i / vectors * store->c_step + i % vectors * LANES, 1);
  VECTOR sums[TILE_ROWS * 2];  // those beyond rows * vectors vanish
#pragma clang loop unroll(full)
  for (int i = 0; i < rows * vectors; i++)
    sums[i] = store->row_bias ? TERN_VARIANT(splat)(store->row_bias[i / vectors]) : (VECTOR){0};
#pragma clang loop unroll(disable)
  for (ptrdiff_t p = 0; p < k; p++, a += a_step) {
    const float *start = offsets ? b + offsets[p] : b + p * b_step;
    VECTOR column[8];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) column[v] = TERN_VARIANT(load)(start + v * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      VECTOR row = TERN_VARIANT(splat)(a[i * row_step]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        sums[i * vectors + v] = TERN_VARIANT(fma)(row, column[v], sums[i * vectors + v]);
    }
  }
  if (store->columns < vectors * LANES) {
    VECTOR spilled[TILE_ROWS * 2];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows * vectors; i++) spilled[i] = sums[i];
    TERN_VARIANT(store_tile)(spilled, rows, vectors, store);
    return;
  }
  float *c = store->c;
  if (store->column_bias) {
    VECTOR bias[8];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) bias[v] = TERN_VARIANT(load)(store->column_bias + v * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows * vectors; i++) sums[i] += bias[i % vectors];
  }
  if (store->accumulate) {
#pragma clang loop unroll(full)
    for (int i = 0; i < rows * vectors; i++)
      sums[i] += TERN_VARIANT(load)(c + i / vectors * store->c_step + i % vectors * LANES);
  }
  TERN_VARIANT(activate_sums)(sums, rows * vectors, store->activation);
#pragma clang loop unroll(full)
  for (int i = 0; i < rows * vectors; i++)
    TERN_VARIANT(write)(c + i / vectors * store->c_step + i % vectors * LANES, sums[i]);
}
