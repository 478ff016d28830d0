// SPDX-License-Identifier: MIT
//
// The activation of a product's elements, while they are near: the columns of one panel at a time.

#define ACTIVATE(CODE, FUNCTION)                                                                             \
  case CODE:                                                                                                 \
    for (ptrdiff_t i = 0; i < block->m; i++) {                                                               \
      float *c = block->c + i * block->c_step + column;                                                      \
      _Pragma("clang loop vectorize(assume_safety)") for (ptrdiff_t j = 0; j < columns; j++)                 \
        c[j] = FUNCTION(c[j]);                                                                               \
    }                                                                                                        \
    break;

/// Activates columns `column ..< column + columns` of all rows.
static void TERN_VARIANT(gemm_activate)(const tern_gemm_block *block, ptrdiff_t column, ptrdiff_t columns) {
  switch (block->activation) {
    ACTIVATE(TERN_ACTIVATION_RELU, tern_relu)
    ACTIVATE(TERN_ACTIVATION_TANH, tern_tanh)
    ACTIVATE(TERN_ACTIVATION_SIGMOID, tern_sigmoid)
    ACTIVATE(TERN_ACTIVATION_GELU, tern_gelu)
    ACTIVATE(TERN_ACTIVATION_GELU_TANH, tern_gelu_tanh)
    ACTIVATE(TERN_ACTIVATION_SILU, tern_silu)
  }
}
#undef ACTIVATE
