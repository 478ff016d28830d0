// SPDX-License-Identifier: MIT
#ifndef TERN_GEMM_H
#define TERN_GEMM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// How one element is stored. Everything computes in float.
typedef enum tern_element {
  TERN_ELEMENT_FLOAT32 = 0,
  TERN_ELEMENT_FLOAT16 = 1,
  TERN_ELEMENT_BFLOAT16 = 2,
} tern_element;

/// A strided matrix in memory; strides count elements, and may be 0 or negative.
typedef struct tern_matrix {
  const void *data;  ///< element (0, 0)
  ptrdiff_t row_stride, column_stride;
  tern_element element;
} tern_matrix;

/// A product of two operands that stand in panels: `c (+)= a b (+ biases)`, then activated;
/// `a` `[m, k]`, `b` `[k, n]`, `c` `[m, n]`.
typedef struct tern_gemm_block {
  ptrdiff_t m, n, k;
  /// Panels of `tern_gemm_panel_rows` rows one after the other, each `[k][rows]`: what `pack_rows` writes. With
  /// `a_step` not 0: row `i` of column `p` is `a[i + p * a_step]`, a column-major matrix read in place.
  const float *a;
  ptrdiff_t a_step;
  /// Panels of `columns` columns, `b_panel_step` floats apart; in a panel the columns of row `p` stand at
  /// `p * b_step`. What `pack_columns` writes has `b_step = columns`, `b_panel_step = k * columns`. A row-major matrix
  /// may be read in place as far as its panels are whole: `b_step` its row stride, `b_panel_step = columns`.
  const float *b;
  ptrdiff_t b_step, b_panel_step;
  float *c;
  ptrdiff_t c_step;          ///< floats from one row of `c` to the next
  const float *row_bias;     ///< `[m]`, or null
  const float *column_bias;  ///< `[n]`, or null
  bool accumulate;           ///< add to `c` instead of overwriting it
  int32_t activation;        ///< TERN_ACTIVATION_*, applied last
} tern_gemm_block;

/// The packed matrix product of one instruction set. Sums run over `k` in ascending order in one chain for each element
/// of `c`, so the cut into blocks along `m` and `n` never changes a bit.
struct tern_gemm_functions {
  int32_t rows;         ///< of the register tile, and the most rows of a panel of `a`
  int32_t columns;      ///< of the register tile, and of each panel of `b`
  int32_t direct_rows;  ///< of the register tile of `multiply_row_major`

  /// Packs rows `first ..< first + m` and columns `p ..< p + k` of `a` into `m * k` floats, as panels whose rows are
  /// balanced: `tern_gemm_panel_rows`.
  void (*pack_rows)(const tern_matrix *a, ptrdiff_t first, ptrdiff_t m, ptrdiff_t p, ptrdiff_t k, float *panels);
  /// Packs columns `first ..< first + n` and rows `p ..< p + k` of `b` into panels of `columns` columns; the last one
  /// is filled up with zeros.
  void (*pack_columns)(const tern_matrix *b, ptrdiff_t first, ptrdiff_t n, ptrdiff_t p, ptrdiff_t k, float *panels);
  /// Computes one block.
  void (*multiply)(const tern_gemm_block *block);
  /// Computes one block whose `a` is row-major, read in place: element (i, p) is `a[i * a_step + p]`. Saves
  /// packing `a`; pays while `b` stays near.
  void (*multiply_row_major)(const tern_gemm_block *block);
  /// `c (+)= a bᵀ (+ biases)` for row-major `a` `[m, k]` with `a_step` and `b` `[n, k]` with `b_step` floats from row
  /// to row: dot products along contiguous memory, several at a time. Pays when `m` or `n` is small.
  void (*dot)(const tern_gemm_block *block);
  /// Converts and copies a matrix `[m, n]` into dense floats.
  void (*load)(const tern_matrix *source, ptrdiff_t m, ptrdiff_t n, float *target);
  /// Converts and copies a dense float matrix `[m, n]` to elements with any strides, rounding to nearest even.
  void (*store)(
      const float *source, ptrdiff_t m, ptrdiff_t n, void *target, ptrdiff_t row_stride, ptrdiff_t column_stride,
      tern_element element);
};

/// The product compiled for the instruction set in use.
const struct tern_gemm_functions *tern_gemm(void);
/// The product compiled for `isa`, which must be available.
const struct tern_gemm_functions *tern_gemm_functions_for(tern_isa isa);

/// Rows of panel `index` when `m` rows are cut into as few panels of at most `tile` rows as possible, all equal but
/// for one row: 64 rows become 13 + 13 + 13 + 13 + 12 with tiles of 14, so that no row is computed in vain.
static inline ptrdiff_t tern_gemm_panel_rows(ptrdiff_t m, ptrdiff_t tile, ptrdiff_t index) {
  ptrdiff_t panels = (m + tile - 1) / tile;
  return m / panels + (index < m % panels);
}

#endif
