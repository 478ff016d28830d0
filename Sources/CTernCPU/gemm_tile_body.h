// SPDX-License-Identifier: MIT
//
// The register tiles of the matrix product, one function for each number of rows and vectors.

INLINE TERN_VARIANT(tile_store) TERN_VARIANT(tile_store_of)(
    const tern_gemm_block *block, ptrdiff_t row, ptrdiff_t column, ptrdiff_t columns) {
  return (TERN_VARIANT(tile_store)){
      .c = block->c + row * block->c_step + column,
      .c_step = block->c_step,
      .columns = columns,
      .row_bias = block->row_bias ? block->row_bias + row : NULL,
      .column_bias = block->column_bias ? block->column_bias + column : NULL,
      .accumulate = block->accumulate,
      .activation = block->activation,
  };
}

typedef void (*TERN_VARIANT(gemm_tile_function))(
    ptrdiff_t k, const float *a, ptrdiff_t a_step, const float *b, ptrdiff_t b_step,
    const TERN_VARIANT(tile_store) *store);

#define TILE(rows, vectors)                                                                            \
  static void TERN_VARIANT(gemm_tile_##rows##x##vectors)(                                              \
      ptrdiff_t k, const float *a, ptrdiff_t a_step, const float *b, ptrdiff_t b_step,                 \
      const TERN_VARIANT(tile_store) * store) {                                                        \
    TERN_VARIANT(tile)(rows, vectors, k, a, 1, a_step, b, b_step, NULL, store);                           \
  }
#define DIRECT_TILE(rows, vectors)                                                                     \
  static void TERN_VARIANT(gemm_direct_tile_##rows##x##vectors)(                                       \
      ptrdiff_t k, const float *a, ptrdiff_t row_step, const float *b, ptrdiff_t b_step,               \
      const TERN_VARIANT(tile_store) * store) {                                                        \
    TERN_VARIANT(tile)(rows, vectors, k, a, row_step, 1, b, b_step, NULL, store);                       \
  }
#define TILES_OF_ROWS(rows) TILE(rows, 1) TILE(rows, 2)
#define DIRECT_TILES_OF_ROWS(rows) DIRECT_TILE(rows, 1) DIRECT_TILE(rows, 2)
FOR_EACH_ROWS(TILES_OF_ROWS)
FOR_EACH_DIRECT_ROWS(DIRECT_TILES_OF_ROWS)

#define NAME_1(rows) TERN_VARIANT(gemm_tile_##rows##x1),
#define NAME_2(rows) TERN_VARIANT(gemm_tile_##rows##x2),
static const TERN_VARIANT(gemm_tile_function) TERN_VARIANT(gemm_tiles)[2][TILE_ROWS] = {
    {FOR_EACH_ROWS(NAME_1)}, {FOR_EACH_ROWS(NAME_2)}};
#define DIRECT_NAME_1(rows) TERN_VARIANT(gemm_direct_tile_##rows##x1),
#define DIRECT_NAME_2(rows) TERN_VARIANT(gemm_direct_tile_##rows##x2),
static const TERN_VARIANT(gemm_tile_function) TERN_VARIANT(gemm_direct_tiles)[2][DIRECT_ROWS] = {
    {FOR_EACH_DIRECT_ROWS(DIRECT_NAME_1)}, {FOR_EACH_DIRECT_ROWS(DIRECT_NAME_2)}};
#undef TILE
#undef DIRECT_TILE
#undef TILES_OF_ROWS
#undef DIRECT_TILES_OF_ROWS
#undef NAME_1
#undef NAME_2
#undef DIRECT_NAME_1
#undef DIRECT_NAME_2
