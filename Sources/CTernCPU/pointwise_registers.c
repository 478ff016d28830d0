// SPDX-License-Identifier: MIT
#include "tern_pointwise.h"

void tern_program_assign(tern_program *program) {
  const int32_t inputs = program->input_count, first_step = inputs + program->scalar_count;
  const int32_t registers = first_step + program->step_count, forever = program->step_count;
  bool any_integer = false;
  for (int32_t r = 0; r < registers; r++) program->last_use[r] = -1;
  for (int32_t k = 0; k < program->step_count; k++) {
    const tern_step *step = &program->steps[k];
    const tern_op_row *row = tern_op_rows(step->op);
    const uint8_t operands[3] = {step->a, step->b, step->c};
    for (int32_t i = 0; i < row->arity; i++) program->last_use[operands[i]] = k;
    program->is_integer[first_step + k] = row->result == TERN_INT;
  }
  for (int32_t k = 0; k < program->output_count; k++) program->last_use[program->output[k]] = forever;
  for (int32_t r = 0; r < registers; r++) any_integer |= program->is_integer[r];
  program->buffer_bytes = TERN_BLOCK * (any_integer ? 8 : 4);

  uint8_t released[TERN_MAX_REGISTERS];
  int32_t released_count = 0, count = 0;
  for (int32_t r = 0; r < first_step; r++) program->buffer[r] = (uint8_t)count++;
  for (int32_t k = 0; k < program->step_count; k++) {
    const tern_step *step = &program->steps[k];
    const int32_t arity = tern_op_rows(step->op)->arity, result = first_step + k;
    const uint8_t operands[3] = {step->a, step->b, step->c};
    int32_t kept = -1;  // an operand that ends here: its buffer takes the result, element by element
    for (int32_t i = 0; i < arity; i++) {
      const uint8_t r = operands[i];
      const bool is_scalar = r >= inputs && r < first_step;
      const bool repeated = (i > 0 && operands[0] == r) || (i > 1 && operands[1] == r);
      if (program->last_use[r] != k || is_scalar || repeated) continue;
      // An input of one element is filled once for all blocks, so inputs keep their buffers as scalars do.
      if (r < inputs) continue;
      if (kept < 0 && program->is_integer[r] == program->is_integer[result]) {
        kept = program->buffer[r];
      } else {
        released[released_count++] = program->buffer[r];
      }
    }
    if (kept >= 0) {
      program->buffer[result] = (uint8_t)kept;
    } else {
      // Not one of those released just now: a narrower operand must not be overwritten while it is read.
      int32_t found = -1;
      for (int32_t i = 0; i < released_count && found < 0; i++) {
        bool read_here = false;
        for (int32_t j = 0; j < arity; j++) read_here |= program->buffer[operands[j]] == released[i];
        if (!read_here) found = i;
      }
      if (found >= 0) {
        program->buffer[result] = released[found];
        released[found] = released[--released_count];
      } else {
        program->buffer[result] = (uint8_t)count++;
      }
    }
    if (program->last_use[result] < 0) program->last_use[result] = k;
  }
  program->buffer_count = count;
}
