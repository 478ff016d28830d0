// SPDX-License-Identifier: MIT
#ifndef TERN_POINTWISE_H
#define TERN_POINTWISE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"
#include "tern_kernels.h"

#pragma clang assume_nonnull begin

/// How an element is stored; the codes are those of `DType`.
enum { TERN_FLOAT32, TERN_FLOAT16, TERN_BFLOAT16, TERN_INT32, TERN_INT64, TERN_BOOL, TERN_DTYPE_COUNT };

enum {
  TERN_BLOCK = 1024,        ///< elements that a program works on at a time; a register of them is 4 or 8 KiB
  TERN_TILE = 32,           ///< side of a tile, TERN_TILE * TERN_TILE == TERN_BLOCK
  TERN_MAX_RANK = 8,        ///< nested loops that are left when a view's axes have been merged
  TERN_MAX_OPERANDS = 8,    ///< inputs, and outputs, of a program
  TERN_MAX_SCALARS = 16,
  TERN_MAX_STEPS = 32,
  TERN_MAX_REGISTERS = TERN_MAX_OPERANDS + TERN_MAX_SCALARS + TERN_MAX_STEPS,
};

/// How a program reaches the elements of a view.
typedef enum tern_access {
  TERN_IN_PLACE,  ///< dense, and stored as registers are: instructions read it where it stands
  TERN_CONSTANT,  ///< one element for all positions
  TERN_DENSE,     ///< dense, but to be converted or copied
  TERN_STRIDED,   ///< by `shape` and `strides`
  TERN_STREAMED,  ///< an output of floats, dense, aligned to 64 bytes, and so large that it would only sweep the cache
} tern_access;

/// A view of an input or output. Element (i, j, …) stands `i * strides[0] + j * strides[1] + …` elements after `base`.
typedef struct tern_operand {
  char *base;
  int32_t dtype;
  int32_t access;
  int32_t rank;
  int64_t shape[TERN_MAX_RANK];
  int64_t strides[TERN_MAX_RANK];
} tern_operand;

/// One instruction on registers; a register is float[] or int64_t[].
typedef struct tern_step {
  int32_t op;
  uint8_t a, b, c, result;
} tern_step;

/// A program with its registers assigned to buffers.
typedef struct tern_program {
  int32_t input_count, scalar_count, step_count, output_count;
  int32_t buffer_count;
  int32_t buffer_bytes;                   ///< of one buffer: a block of floats or of integers
  uint8_t buffer[TERN_MAX_REGISTERS];     ///< the buffer of each register, unless it is read or written in place
  uint8_t is_integer[TERN_MAX_REGISTERS];
  int32_t last_use[TERN_MAX_REGISTERS];   ///< the last step that reads the register; step_count for what is stored
  int64_t scalars[TERN_MAX_SCALARS];      ///< a float in the low 32 bits, or an integer
  tern_step steps[TERN_MAX_STEPS];
  uint8_t output[TERN_MAX_OPERANDS];      ///< the register that each output stores
} tern_program;

/// A program's views. An output is TERN_IN_PLACE when an instruction may write it directly.
typedef struct tern_operands {
  tern_operand inputs[TERN_MAX_OPERANDS];
  tern_operand outputs[TERN_MAX_OPERANDS];
} tern_operands;

/// A loop in tiles: the last axis of the common shape against `row_axis`, where some view is dense.
typedef struct tern_tiling {
  int32_t rank;
  int32_t row_axis;
  int64_t shape[TERN_MAX_RANK];
} tern_tiling;

/// Assigns buffers to the registers of a program whose other fields are filled in (`is_integer` for inputs and
/// scalars). Scalars keep theirs; all others are handed on after their last use.
void tern_program_assign(tern_program *program);

/// Pointers to the arrays inside, which Swift would see as tuples.
static inline tern_step *tern_program_steps(tern_program *program) { return program->steps; }
static inline int64_t *tern_program_scalars(tern_program *program) { return program->scalars; }
static inline uint8_t *tern_program_output(tern_program *program) { return program->output; }
static inline uint8_t *tern_program_is_integer(tern_program *program) { return program->is_integer; }
static inline int32_t *tern_program_last_use(tern_program *program) { return program->last_use; }
static inline tern_operand *tern_operands_inputs(tern_operands *operands) { return operands->inputs; }
static inline tern_operand *tern_operands_outputs(tern_operands *operands) {
  return operands->outputs;
}
static inline int64_t *tern_operand_shape(tern_operand *operand) { return operand->shape; }
static inline int64_t *tern_operand_strides(tern_operand *operand) { return operand->strides; }
static inline int64_t *tern_tiling_shape(tern_tiling *tiling) { return tiling->shape; }

/// Elementwise `out = op(a, b, c)` on `n` elements; `out` may be one of the operands.
typedef void (*tern_block_op)(const void *a, const void *b, const void *c, void *out, size_t n);

struct tern_pointwise_functions {
  /// Runs a program on the positions `first ..< last` in row-major order.
  void (*run)(const tern_program *program, const tern_operands *operands, int64_t first, int64_t last);
  /// Runs a program on the tiles `first ..< last` of a tiling; all views have its shape.
  void (*run_tiles)(
      const tern_program *program, const tern_operands *operands, const tern_tiling *tiling, int64_t first,
      int64_t last);
  tern_block_op _Nonnull ops[TERN_OP_COUNT];
};

static inline tern_block_op tern_pointwise_op(const struct tern_pointwise_functions *table, int32_t op) {
  return table->ops[op];
}

const struct tern_pointwise_functions *tern_pointwise(void);
const struct tern_pointwise_functions *tern_pointwise_functions_for(tern_isa isa);

#pragma clang assume_nonnull end

#endif
