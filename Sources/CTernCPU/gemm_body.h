// SPDX-License-Identifier: MIT
//
// The register-tiled matrix product: a tile of ROWS x VECTORS vectors of C stays in registers while k runs.

#include "vector_body.h"
#include "epilogue_body.h"
#include "tile_body.h"
#include "gemm_tile_body.h"
#include "gemm_pack_body.h"
#include "gemm_dot_body.h"

/// A row vector times a row-major matrix, as far as vectors by eight go: memory is read in long runs. Returns the
/// columns that are done.
static ptrdiff_t TERN_VARIANT(gemm_multiply_vector)(const tern_gemm_block *block) {
  ptrdiff_t column = 0;
  for (; column + 8 * LANES <= block->n; column += 8 * LANES) {
    TERN_VARIANT(tile_store) store = TERN_VARIANT(tile_store_of)(block, 0, column, 8 * LANES);
    TERN_VARIANT(tile)(
        1, 8, block->k, block->a, 1, block->a_step ? block->a_step : 1, block->b + column, block->b_step, NULL,
        &store);
  }
  return column;
}

/// Row panels of A against one panel of B after the other, which stays near meanwhile.
static void TERN_VARIANT(gemm_multiply)(const tern_gemm_block *block) {
  if (block->m <= 0) return;
  ptrdiff_t panels = (block->m + TILE_ROWS - 1) / TILE_ROWS, done = 0;
  if (block->m == 1 && block->b_panel_step == TILE_COLUMNS) done = TERN_VARIANT(gemm_multiply_vector)(block);
  for (ptrdiff_t column = done, panel = done / TILE_COLUMNS; column < block->n; column += TILE_COLUMNS, panel++) {
    ptrdiff_t columns = block->n - column < TILE_COLUMNS ? block->n - column : TILE_COLUMNS;
    const float *b = block->b + panel * block->b_panel_step;
    int vectors = columns <= LANES ? 1 : 2;
    ptrdiff_t row = 0;
    for (ptrdiff_t index = 0; index < panels; index++) {
      ptrdiff_t rows = tern_gemm_panel_rows(block->m, TILE_ROWS, index);
      TERN_VARIANT(tile_store) store = TERN_VARIANT(tile_store_of)(block, row, column, columns);
      const float *a = block->a_step ? block->a + row : block->a + row * block->k;
      TERN_VARIANT(gemm_tiles)[vectors - 1][rows - 1](
          block->k, a, block->a_step ? block->a_step : rows, b, block->b_step, &store);
      row += rows;
    }
  }
}

static void TERN_VARIANT(gemm_multiply_row_major)(const tern_gemm_block *block) {
  for (ptrdiff_t column = 0, panel = 0; column < block->n; column += TILE_COLUMNS, panel++) {
    ptrdiff_t columns = block->n - column < TILE_COLUMNS ? block->n - column : TILE_COLUMNS;
    const float *b = block->b + panel * block->b_panel_step;
    int vectors = columns <= LANES ? 1 : 2;
    for (ptrdiff_t row = 0; row < block->m; row += DIRECT_ROWS) {
      ptrdiff_t rows = block->m - row < DIRECT_ROWS ? block->m - row : DIRECT_ROWS;
      TERN_VARIANT(tile_store) store = TERN_VARIANT(tile_store_of)(block, row, column, columns);
      TERN_VARIANT(gemm_direct_tiles)[vectors - 1][rows - 1](
          block->k, block->a + row * block->a_step, block->a_step, b, block->b_step, &store);
    }
  }
}

static const struct tern_gemm_functions TERN_VARIANT(gemm_table) = {
    .rows = TILE_ROWS,
    .columns = TILE_COLUMNS,
    .direct_rows = DIRECT_ROWS,
    .pack_rows = TERN_VARIANT(gemm_pack_rows),
    .pack_columns = TERN_VARIANT(gemm_pack_columns),
    .multiply = TERN_VARIANT(gemm_multiply),
    .multiply_row_major = TERN_VARIANT(gemm_multiply_row_major),
    .dot = TERN_VARIANT(gemm_dot),
    .load = TERN_VARIANT(gemm_load),
    .store = TERN_VARIANT(gemm_store),
};

#include "tile_end.h"
