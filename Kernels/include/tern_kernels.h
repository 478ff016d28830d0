// SPDX-License-Identifier: MIT
#ifndef TERN_KERNELS_H
#define TERN_KERNELS_H
#include <stddef.h>
#include <stdint.h>

/// The two register classes of pointwise programs: float, and 64-bit integer.
enum { TERN_REAL = 0, TERN_INT = 1 };

/// One code for each row of tern_pointwise.def.
typedef enum tern_op {
#define TERN_ROW(name, result, arity, a, b, c, ...) TERN_OP_##name,
#include "tern_pointwise.def"
#undef TERN_ROW
  TERN_OP_COUNT
} tern_op;

/// A row of the table of pointwise operations.
typedef struct tern_op_row {
  const char *name;
  uint8_t result;      ///< TERN_REAL or TERN_INT
  uint8_t arity;       ///< 1 to 3
  uint8_t operand[3];  ///< classes of a, b, c
  const char *expression;
} tern_op_row;

/// The row of `op`; `op` in `0 ..< TERN_OP_COUNT`.
const tern_op_row *tern_op_rows(int32_t op);

/// An embedded source file of this folder.
typedef struct tern_source {
  const char *name;
  const char *text;  ///< not terminated
  size_t length;
} tern_source;

/// The source called `name` ("math.cl", say); text is null when there is none.
tern_source tern_kernel_source(const char *name);

/// A hash of bytes that is the same in every process, to name files by and to notice damage; not against intent.
uint64_t tern_hash(const void *bytes, size_t length, uint64_t seed);

/// A hash over all embedded sources: what was measured or compiled with other sources is of no use.
uint64_t tern_kernel_hash(void);

#endif
