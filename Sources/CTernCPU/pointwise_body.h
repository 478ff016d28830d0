// SPDX-License-Identifier: MIT
// One loop for each row of the table of operations, and the loops that run a program over blocks of registers.

#include "element_body.h"
#include "pointwise_run_body.h"

#define TERN_TYPE_TERN_REAL float
#define TERN_TYPE_TERN_INT tern_int
#define TERN_TYPE_0 char
#define TERN_FETCH_TERN_REAL(p) ((const float *)(p))[i]
#define TERN_FETCH_TERN_INT(p) ((const tern_int *)(p))[i]
#define TERN_FETCH_0(p) 0

// The pointers are unrelated or equal, so element i of the result depends on element i of the operands alone.
#define TERN_ROW(name, result, arity, A, B, C, ...)                                                          \
  static void TERN_VARIANT(block_##name)(                                                                    \
      const void *pa, const void *pb, const void *pc, void *pout, size_t n) {                                \
    TERN_TYPE_##result *out = pout;                                                                          \
    (void)pa, (void)pb, (void)pc;                                                                            \
    _Pragma("clang loop vectorize(assume_safety)") for (size_t i = 0; i < n; i++) {                          \
      const TERN_TYPE_##A a = TERN_FETCH_##A(pa);                                                            \
      const TERN_TYPE_##B b = TERN_FETCH_##B(pb);                                                            \
      const TERN_TYPE_##C c = TERN_FETCH_##C(pc);                                                            \
      (void)a, (void)b, (void)c;                                                                             \
      out[i] = __VA_ARGS__;                                                                                  \
    }                                                                                                        \
  }
#include "tern_pointwise.def"
#undef TERN_ROW

static const struct tern_pointwise_functions TERN_VARIANT(pointwise_table) = {
    .run = TERN_VARIANT(run),
    .run_tiles = TERN_VARIANT(run_tiles),
    .ops = {
#define TERN_ROW(name, result, arity, A, B, C, ...) TERN_VARIANT(block_##name),
#include "tern_pointwise.def"
#undef TERN_ROW
    },
};

#undef TERN_TYPE_TERN_REAL
#undef TERN_TYPE_TERN_INT
#undef TERN_TYPE_0
#undef TERN_FETCH_TERN_REAL
#undef TERN_FETCH_TERN_INT
#undef TERN_FETCH_0
