// SPDX-License-Identifier: MIT

// Elements of a block, whose results start anew.
#define BLOCK 256
// Elements that are looked through at once for an extreme.
#define STRETCH 128

// A single line has its own code, without the loop over columns.
#define TERN_SCAN(name, type, nothing, combine)                                                                   \
  static inline __attribute__((always_inline)) void TERN_VARIANT(name##_strip)(                                   \
      const type *x, type *y, size_t n, ptrdiff_t stride, size_t columns, type *before) {                         \
    for (size_t start = 0; start < n; start += BLOCK) {                                                           \
      TERN_ALIGNED type block[TERN_SCAN_COLUMNS];                                                                 \
      for (size_t j = 0; j < columns; j++) block[j] = nothing;                                                    \
      const size_t end = start + BLOCK < n ? start + BLOCK : n;                                                   \
      for (size_t i = start; i < end; i++) {                                                                      \
        const type *in = x + (ptrdiff_t)i * stride;                                                               \
        for (size_t j = 0; j < columns; j++) block[j] = combine(block[j], in[j]);                                 \
        if (y)                                                                                                    \
          for (size_t j = 0; j < columns; j++)                                                                    \
            y[(ptrdiff_t)i * stride + (ptrdiff_t)j] = combine(before[j], block[j]);                               \
      }                                                                                                           \
      for (size_t j = 0; j < columns; j++) before[j] = combine(before[j], block[j]);                              \
    }                                                                                                             \
  }                                                                                                               \
  static void TERN_VARIANT(name)(                                                                                 \
      const type *x, type *y, size_t n, ptrdiff_t stride, size_t columns, type *before) {                         \
    if (columns == 1) TERN_VARIANT(name##_strip)(x, y, n, stride, 1, before);                                     \
    else TERN_VARIANT(name##_strip)(x, y, n, stride, columns, before);                                            \
  }

#define ADD(a, b) ((a) + (b))
#define MULTIPLY(a, b) ((a) * (b))
// Overflow wraps.
#define ADD_INT(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
#define MULTIPLY_INT(a, b) ((int64_t)((uint64_t)(a) * (uint64_t)(b)))

TERN_SCAN(scan_sum, float, 0, ADD)
TERN_SCAN(scan_product, float, 1, MULTIPLY)
TERN_SCAN(scan_sum_int, int64_t, 0, ADD_INT)
TERN_SCAN(scan_product_int, int64_t, 1, MULTIPLY_INT)

// A single dense line looks whether a stretch holds a new extreme before it looks for its place: few do.
#define TERN_SCAN_EXTREME(name, type, beats)                                                                \
  static void TERN_VARIANT(name##_line)(                                                                    \
      const type *x, int64_t *y, size_t n, int64_t first, type *before, int64_t *places) {                  \
    type best = *before;                                                                                    \
    int64_t place = *places;                                                                                \
    for (size_t start = 0; start < n; start += STRETCH) {                                                   \
      const size_t end = start + STRETCH < n ? start + STRETCH : n;                                         \
      _Bool holds = place < 0;                                                                              \
      for (size_t i = start; i < end; i++) holds |= beats(x[i], best);                                      \
      if (!holds) {                                                                                         \
        if (y)                                                                                              \
          for (size_t i = start; i < end; i++) y[i] = place;                                                \
        continue;                                                                                           \
      }                                                                                                     \
      for (size_t i = start; i < end; i++) {                                                                \
        if (place < 0 || beats(x[i], best)) {                                                               \
          best = x[i];                                                                                      \
          place = first + (int64_t)i;                                                                       \
        }                                                                                                   \
        if (y) y[i] = place;                                                                                \
      }                                                                                                     \
    }                                                                                                       \
    *before = best;                                                                                         \
    *places = place;                                                                                        \
  }                                                                                                         \
  static void TERN_VARIANT(name)(                                                                           \
      const type *x, int64_t *y, size_t n, ptrdiff_t stride, size_t columns, int64_t first, type *before,   \
      int64_t *places) {                                                                                    \
    if (columns == 1 && stride == 1) {                                                                      \
      TERN_VARIANT(name##_line)(x, y, n, first, before, places);                                            \
      return;                                                                                               \
    }                                                                                                       \
    for (size_t i = 0; i < n; i++) {                                                                        \
      const type *in = x + (ptrdiff_t)i * stride;                                                           \
      for (size_t j = 0; j < columns; j++) {                                                                \
        const _Bool wins = places[j] < 0 || beats(in[j], before[j]);                                        \
        before[j] = wins ? in[j] : before[j];                                                               \
        places[j] = wins ? first + (int64_t)i : places[j];                                                  \
      }                                                                                                     \
      if (y)                                                                                                \
        for (size_t j = 0; j < columns; j++) y[(ptrdiff_t)i * stride + (ptrdiff_t)j] = places[j];           \
    }                                                                                                       \
  }

// Without branches, for vector code.
#define ABOVE(a, b) (((a) > (b)) | (((a) != (a)) & ((b) == (b))))
#define BELOW(a, b) (((a) < (b)) | (((a) != (a)) & ((b) == (b))))
#define ABOVE_INT(a, b) ((a) > (b))
#define BELOW_INT(a, b) ((a) < (b))

TERN_SCAN_EXTREME(scan_largest, float, ABOVE)
TERN_SCAN_EXTREME(scan_smallest, float, BELOW)
TERN_SCAN_EXTREME(scan_largest_int, int64_t, ABOVE_INT)
TERN_SCAN_EXTREME(scan_smallest_int, int64_t, BELOW_INT)

static const struct tern_scan_functions TERN_VARIANT(scan_table) = {
    .sum = TERN_VARIANT(scan_sum),
    .product = TERN_VARIANT(scan_product),
    .sum_int = TERN_VARIANT(scan_sum_int),
    .product_int = TERN_VARIANT(scan_product_int),
    .largest = TERN_VARIANT(scan_largest),
    .smallest = TERN_VARIANT(scan_smallest),
    .largest_int = TERN_VARIANT(scan_largest_int),
    .smallest_int = TERN_VARIANT(scan_smallest_int),
};

#undef BLOCK
#undef STRETCH
#undef TERN_SCAN
#undef TERN_SCAN_EXTREME
#undef ADD
#undef MULTIPLY
#undef ADD_INT
#undef MULTIPLY_INT
#undef ABOVE
#undef BELOW
#undef ABOVE_INT
#undef BELOW_INT
