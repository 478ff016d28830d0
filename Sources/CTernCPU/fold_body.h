// SPDX-License-Identifier: MIT
// One fold: over the elements of rows, and over rows elementwise. Included by reduction_body.h, which defines
// FOLD_TYPE, FOLD_SUFFIX, FOLD_NAME, FOLD_START, FOLD_STEP and FOLD_JOIN.

#define FOLD_PASTE_(form, name, suffix) form##_##name##_##suffix
#define FOLD_PASTE(form, name, suffix) FOLD_PASTE_(form, name, suffix)
#define FOLD(form) TERN_VARIANT(FOLD_PASTE(form, FOLD_NAME, FOLD_SUFFIX))

/// At most 4,096 elements, in 64 lanes.
static FOLD_TYPE FOLD(block)(const FOLD_TYPE *x, size_t n, FOLD_TYPE shift) {
  TERN_ALIGNED FOLD_TYPE lanes[64];
  (void)shift;
  for (size_t j = 0; j < 64; j++) lanes[j] = FOLD_START;
  size_t i = 0;
  for (; i + 64 <= n; i += 64)
    for (size_t j = 0; j < 64; j++) lanes[j] = FOLD_STEP(lanes[j], x[i + j]);
  for (size_t j = 0; i + j < n; j++) lanes[j] = FOLD_STEP(lanes[j], x[i + j]);
  for (size_t half = 32; half > 0; half /= 2)
    for (size_t j = 0; j < half; j++) lanes[j] = FOLD_JOIN(lanes[j], lanes[j + half]);
  return lanes[0];
}

/// The blocks of a row, joined in a tree like a binary counter: level k holds the fold of 2^k blocks.
static void FOLD(rows)(const tern_rows *rows, size_t n, void *result) {
  // Short rows are gathered into whole blocks first.
  enum { SHORT = 128, BLOCK = 4096 };
  TERN_ALIGNED FOLD_TYPE gathered[BLOCK];
  size_t filled = 0;
  const size_t last_group = rows->outer - 1, last_row = rows->inner - 1;
  FOLD_TYPE levels[64];
  uint64_t count = 0;
#ifdef FOLD_IS_SHIFTED
  const FOLD_TYPE shift = *(const FOLD_TYPE *)result;
#else
  const FOLD_TYPE shift = 0;
#endif
  for (size_t group = 0; group < rows->outer; group++) {
    for (size_t row = 0; row < rows->inner; row++) {
      const FOLD_TYPE *x = (const FOLD_TYPE *)rows->base + (ptrdiff_t)group * rows->outer_stride +
                           (ptrdiff_t)row * rows->inner_stride;
      size_t length = n;
      if (n <= SHORT) {
        for (size_t i = 0; i < n; i++) gathered[filled + i] = x[i];
        filled += n;
        if (filled + n <= BLOCK && !(group == last_group && row == last_row)) continue;
        x = gathered;
        length = filled;
        filled = 0;
      }
      for (size_t i = 0; i < length; i += BLOCK) {
        FOLD_TYPE value = FOLD(block)(x + i, length - i < BLOCK ? length - i : BLOCK, shift);
        int level = 0;
        for (uint64_t bits = count; bits & 1; bits >>= 1) {
          value = FOLD_JOIN(levels[level], value);
          level++;
        }
        levels[level] = value;
        count++;
      }
    }
  }
  FOLD_TYPE total = FOLD_START;
  for (int level = 0; count >> level; level++)
    if (count >> level & 1) total = FOLD_JOIN(levels[level], total);
  *(FOLD_TYPE *)result = total;
}

/// Elementwise over at most 64 rows at a time, then over the sums of those, so that errors stay small.
static void FOLD(columns)(const tern_rows *rows, size_t n, void *result) {
  FOLD_TYPE *out = result;
  for (size_t column = 0; column < n; column += TERN_FOLD_COLUMNS) {
    const size_t width = n - column < TERN_FOLD_COLUMNS ? n - column : TERN_FOLD_COLUMNS;
    TERN_ALIGNED FOLD_TYPE near[TERN_FOLD_COLUMNS], middle[TERN_FOLD_COLUMNS], total[TERN_FOLD_COLUMNS];
#ifdef FOLD_IS_SHIFTED
    TERN_ALIGNED FOLD_TYPE shifts[TERN_FOLD_COLUMNS];
    memcpy(shifts, out + column, width * sizeof *shifts);
#define FOLD_SHIFT const FOLD_TYPE shift = shifts[j];
#else
#define FOLD_SHIFT
#endif
    for (size_t j = 0; j < width; j++) near[j] = middle[j] = total[j] = FOLD_START;
    size_t count = 0;
    for (size_t group = 0; group < rows->outer; group++) {
      for (size_t row = 0; row < rows->inner;) {
        const ptrdiff_t step = rows->inner_stride;
        const FOLD_TYPE *x = (const FOLD_TYPE *)rows->base + (ptrdiff_t)group * rows->outer_stride +
                             (ptrdiff_t)row * step + column;
        // Four rows for each visit to the accumulators.
        if (count % 4 == 0 && rows->inner - row >= 4) {
          for (size_t j = 0; j < width; j++) {
            FOLD_SHIFT
            FOLD_TYPE value = FOLD_STEP(near[j], x[j]);
            value = FOLD_STEP(value, x[(ptrdiff_t)j + step]);
            value = FOLD_STEP(value, x[(ptrdiff_t)j + 2 * step]);
            near[j] = FOLD_STEP(value, x[(ptrdiff_t)j + 3 * step]);
          }
          row += 4;
          count += 4;
        } else {
          for (size_t j = 0; j < width; j++) {
            FOLD_SHIFT
            near[j] = FOLD_STEP(near[j], x[j]);
          }
          row++;
          count++;
        }
        if (count % 64 != 0) continue;
        for (size_t j = 0; j < width; j++) {
          middle[j] = FOLD_JOIN(middle[j], near[j]);
          near[j] = FOLD_START;
        }
        if (count % 4096 != 0) continue;
        for (size_t j = 0; j < width; j++) {
          total[j] = FOLD_JOIN(total[j], middle[j]);
          middle[j] = FOLD_START;
        }
      }
    }
    for (size_t j = 0; j < width; j++) out[column + j] = FOLD_JOIN(total[j], FOLD_JOIN(middle[j], near[j]));
#undef FOLD_SHIFT
  }
}

#undef FOLD_PASTE_
#undef FOLD_PASTE
#undef FOLD
#undef FOLD_NAME
#undef FOLD_START
#undef FOLD_STEP
#undef FOLD_JOIN
