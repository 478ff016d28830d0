// SPDX-License-Identifier: MIT
//
// Dot products along contiguous memory, ROWS x COLUMNS at a time: each loaded vector serves several products.

#define DOT_ROWS 4
#define DOT_COLUMNS 4

INLINE void TERN_VARIANT(dot_tile)(
    const int rows, const int columns, ptrdiff_t k, const float *a, ptrdiff_t a_step, const float *b,
    ptrdiff_t b_step, float *products) {
  VECTOR sums[DOT_ROWS * DOT_COLUMNS];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows * columns; i++) sums[i] = (VECTOR){0};
  for (ptrdiff_t p = 0; p < k; p += LANES) {
    ptrdiff_t count = k - p < LANES ? k - p : LANES;
    VECTOR column[DOT_COLUMNS];
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++)
      column[j] = count == LANES ? TERN_VARIANT(load)(b + j * b_step + p)
                                 : TERN_VARIANT(load_first)(b + j * b_step + p, count);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      VECTOR row = count == LANES ? TERN_VARIANT(load)(a + i * a_step + p)
                                  : TERN_VARIANT(load_first)(a + i * a_step + p, count);
#pragma clang loop unroll(full)
      for (int j = 0; j < columns; j++)
        sums[i * columns + j] = TERN_VARIANT(fma)(row, column[j], sums[i * columns + j]);
    }
  }
  for (int i = 0; i < rows * columns; i++) products[i] = TERN_VARIANT(sum)(sums[i]);
}

typedef void (*TERN_VARIANT(dot_function))(
    ptrdiff_t k, const float *a, ptrdiff_t a_step, const float *b, ptrdiff_t b_step, float *products);
#define DOT(rows, columns)                                                                                      \
  static void TERN_VARIANT(dot_tile_##rows##x##columns)(                                                        \
      ptrdiff_t k, const float *a, ptrdiff_t a_step, const float *b, ptrdiff_t b_step, float *products) {        \
    TERN_VARIANT(dot_tile)(rows, columns, k, a, a_step, b, b_step, products);                                    \
  }
#define DOTS_OF_ROWS(rows) DOT(rows, 1) DOT(rows, 2) DOT(rows, 3) DOT(rows, 4)
DOTS_OF_ROWS(1) DOTS_OF_ROWS(2) DOTS_OF_ROWS(3) DOTS_OF_ROWS(4)
#define NAMES_OF_ROWS(rows)                                                                \
  {TERN_VARIANT(dot_tile_##rows##x1), TERN_VARIANT(dot_tile_##rows##x2), TERN_VARIANT(dot_tile_##rows##x3), \
   TERN_VARIANT(dot_tile_##rows##x4)}
static const TERN_VARIANT(dot_function) TERN_VARIANT(dot_tiles)[DOT_ROWS][DOT_COLUMNS] = {
    NAMES_OF_ROWS(1), NAMES_OF_ROWS(2), NAMES_OF_ROWS(3), NAMES_OF_ROWS(4)};
#undef DOT
#undef DOTS_OF_ROWS
#undef NAMES_OF_ROWS

static void TERN_VARIANT(gemm_dot)(const tern_gemm_block *block) {
  for (ptrdiff_t row = 0; row < block->m; row += DOT_ROWS) {
    ptrdiff_t rows = block->m - row < DOT_ROWS ? block->m - row : DOT_ROWS;
    for (ptrdiff_t column = 0; column < block->n; column += DOT_COLUMNS) {
      ptrdiff_t columns = block->n - column < DOT_COLUMNS ? block->n - column : DOT_COLUMNS;
      float products[DOT_ROWS * DOT_COLUMNS];
      TERN_VARIANT(dot_tiles)[rows - 1][columns - 1](
          block->k, block->a + row * block->a_step, block->a_step, block->b + column * block->b_step, block->b_step,
          products);
      for (ptrdiff_t i = 0; i < rows; i++) {
        for (ptrdiff_t j = 0; j < columns; j++) {
          float sum = products[i * columns + j];
          if (block->row_bias) sum += block->row_bias[row + i];
          if (block->column_bias) sum += block->column_bias[column + j];
          float *c = block->c + (row + i) * block->c_step + column + j;
          *c = block->accumulate ? *c + sum : sum;
        }
      }
    }
  }
  if (block->activation == TERN_ACTIVATION_NONE) return;
  if (block->c_step == block->n) return TERN_VARIANT(activate)(block->c, block->m * block->n, block->activation);
  for (ptrdiff_t row = 0; row < block->m; row++)
    TERN_VARIANT(activate)(block->c + row * block->c_step, block->n, block->activation);
}
#undef DOT_ROWS
#undef DOT_COLUMNS
