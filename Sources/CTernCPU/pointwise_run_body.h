// SPDX-License-Identifier: MIT
// Runs a program over blocks of positions: inputs into registers, one loop an instruction, registers into outputs.

static const struct tern_pointwise_functions TERN_VARIANT(pointwise_table);

/// Where the registers of the block at hand stand.
typedef struct TERN_VARIANT(frame) {
  char *slots[TERN_MAX_REGISTERS];
  char *buffers;
} TERN_VARIANT(frame);

/// Elements of `2^shift` bytes by dtype.
static inline size_t TERN_VARIANT(width)(int32_t dtype) {
  static const uint8_t widths[TERN_DTYPE_COUNT] = {4, 2, 2, 4, 8, 1};
  return widths[dtype];
}

static inline char *TERN_VARIANT(buffer)(
    const tern_program *program, const TERN_VARIANT(frame) *frame, int32_t index) {
  return frame->buffers + (size_t)program->buffer[index] * (size_t)program->buffer_bytes;
}

/// Fills what is the same for every block: scalars, and inputs of one element.
static void TERN_VARIANT(prepare)(
    const tern_program *program, const tern_operands *operands, TERN_VARIANT(frame) *frame, size_t n) {
  const int32_t registers = program->input_count + program->scalar_count + program->step_count;
  for (int32_t r = 0; r < registers; r++) frame->slots[r] = TERN_VARIANT(buffer)(program, frame, r);
  for (int32_t k = 0; k < program->input_count; k++) {
    const tern_operand *input = &operands->inputs[k];
    if (input->access == TERN_CONSTANT) TERN_VARIANT(loads)[input->dtype](input->base, 0, 0, frame->slots[k], 1, n);
  }
  for (int32_t k = 0; k < program->scalar_count; k++) {
    const int32_t r = program->input_count + k;
    const int32_t dtype = program->is_integer[r] ? TERN_INT64 : TERN_FLOAT32;
    TERN_VARIANT(loads)[dtype](&program->scalars[k], 0, 0, frame->slots[r], 1, n);
  }
}

static void TERN_VARIANT(execute)(const tern_program *program, TERN_VARIANT(frame) *frame, size_t n) {
  char *const *slots = frame->slots;
  for (int32_t k = 0; k < program->step_count; k++) {
    const tern_step *step = &program->steps[k];
    TERN_VARIANT(pointwise_table).ops[step->op](slots[step->a], slots[step->b], slots[step->c], slots[step->result], n);
  }
}

/// Copies past the cache: the lines written are not read first. `target` is aligned to a vector.
static void TERN_VARIANT(stream)(float *target, const float *source, size_t n) {
  typedef float vector __attribute__((vector_size(TERN_VECTOR_BYTES)));
  const size_t lanes = TERN_VECTOR_BYTES / sizeof(float);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    __builtin_nontemporal_store(*(const vector *)(source + i), (vector *)(target + i));
  for (; i < n; i++) target[i] = source[i];
}

/// Visits the runs of a strided operand that make up the positions `first ..< first + n`.
///
/// `outer[k]` and `offset` follow the position as an odometer does.
typedef struct TERN_VARIANT(walk) {
  int64_t index[TERN_MAX_RANK];
  int64_t offset;
} TERN_VARIANT(walk);

static void TERN_VARIANT(start_walk)(TERN_VARIANT(walk) *walk, const tern_operand *operand, int64_t first) {
  walk->offset = 0;
  for (int32_t axis = operand->rank - 1; axis >= 0; axis--) {
    walk->index[axis] = first % operand->shape[axis];
    first /= operand->shape[axis];
    walk->offset += walk->index[axis] * operand->strides[axis];
  }
}

static inline void TERN_VARIANT(next_run)(TERN_VARIANT(walk) *walk, const tern_operand *operand, int64_t taken) {
  int32_t axis = operand->rank - 1;
  walk->index[axis] += taken;
  walk->offset += taken * operand->strides[axis];
  while (axis > 0 && walk->index[axis] == operand->shape[axis]) {
    walk->offset -= walk->index[axis] * operand->strides[axis];
    walk->index[axis] = 0;
    axis--;
    walk->index[axis]++;
    walk->offset += operand->strides[axis];
  }
}

/// Moves the positions `first ..< first + n` of a strided operand into (`load`) or out of a register. Whole runs along
/// the last axis go together as the rows of one call where the axis before has room.
static void TERN_VARIANT(move_strided)(
    const tern_operand *operand, int64_t first, char *buffer, size_t n, size_t held_bytes, bool load) {
  const size_t width = TERN_VARIANT(width)(operand->dtype);
  const int32_t last = operand->rank - 1;
  const int64_t run = operand->shape[last];
  TERN_VARIANT(walk) walk;
  TERN_VARIANT(start_walk)(&walk, operand, first);
  int64_t rest = (int64_t)n;
  while (rest > 0) {
    int64_t rows = 1, columns = run - walk.index[last];
    if (columns > rest) columns = rest;
    if (last > 0 && walk.index[last] == 0 && rest >= run) {
      rows = rest / run;
      const int64_t room = operand->shape[last - 1] - walk.index[last - 1];
      if (rows > room) rows = room;
    }
    char *base = operand->base + walk.offset * (int64_t)width;
    const ptrdiff_t row_stride = last > 0 ? operand->strides[last - 1] : 0;
    if (load) {
      TERN_VARIANT(loads)
      [operand->dtype](base, row_stride, operand->strides[last], buffer, (size_t)rows, (size_t)columns);
    } else {
      TERN_VARIANT(stores)
      [operand->dtype](base, row_stride, operand->strides[last], buffer, (size_t)rows, (size_t)columns);
    }
    buffer += (size_t)(rows * columns) * held_bytes;
    rest -= rows * columns;
    for (int64_t r = 0; r < rows; r++) TERN_VARIANT(next_run)(&walk, operand, columns);
  }
}

static void TERN_VARIANT(run)(
    const tern_program *program, const tern_operands *operands, int64_t first, int64_t last) {
  TERN_ALIGNED char buffers[(size_t)program->buffer_count * (size_t)program->buffer_bytes + 64];
  TERN_VARIANT(frame) frame = {.buffers = buffers};
  TERN_VARIANT(prepare)(program, operands, &frame, (size_t)(last - first < TERN_BLOCK ? last - first : TERN_BLOCK));
  for (int64_t position = first; position < last; position += TERN_BLOCK) {
    const size_t n = (size_t)(last - position < TERN_BLOCK ? last - position : TERN_BLOCK);
    for (int32_t k = 0; k < program->input_count; k++) {
      const tern_operand *input = &operands->inputs[k];
      const size_t width = TERN_VARIANT(width)(input->dtype);
      if (input->access == TERN_IN_PLACE) {
        frame.slots[k] = input->base + position * (int64_t)width;
      } else if (input->access == TERN_DENSE) {
        TERN_VARIANT(loads)[input->dtype](input->base + position * (int64_t)width, 0, 1, frame.slots[k], 1, n);
      } else if (input->access == TERN_STRIDED) {
        TERN_VARIANT(move_strided)(input, position, frame.slots[k], n, program->is_integer[k] ? 8 : 4, true);
      }
    }
    for (int32_t k = 0; k < program->output_count; k++) {
      const tern_operand *output = &operands->outputs[k];
      if (output->access == TERN_IN_PLACE)
        frame.slots[program->output[k]] = output->base + position * (int64_t)TERN_VARIANT(width)(output->dtype);
    }
    TERN_VARIANT(execute)(program, &frame, n);
    for (int32_t k = 0; k < program->output_count; k++) {
      const tern_operand *output = &operands->outputs[k];
      const int32_t r = program->output[k];
      if (output->access == TERN_STREAMED) {
        TERN_VARIANT(stream)((float *)output->base + position, (const float *)frame.slots[r], n);
      } else if (output->access == TERN_DENSE) {
        char *base = output->base + position * (int64_t)TERN_VARIANT(width)(output->dtype);
        TERN_VARIANT(stores)[output->dtype](base, 0, 1, frame.slots[r], 1, n);
      } else if (output->access == TERN_STRIDED) {
        TERN_VARIANT(move_strided)(output, position, frame.slots[r], n, program->is_integer[r] ? 8 : 4, false);
      }
    }
  }
}

static void TERN_VARIANT(run_tiles)(
    const tern_program *program, const tern_operands *operands, const tern_tiling *tiling, int64_t first,
    int64_t last) {
  TERN_ALIGNED char buffers[(size_t)program->buffer_count * (size_t)program->buffer_bytes + 64];
  TERN_VARIANT(frame) frame = {.buffers = buffers};
  TERN_VARIANT(prepare)(program, operands, &frame, TERN_BLOCK);
  const int32_t column_axis = tiling->rank - 1;
  for (int64_t tile = first; tile < last; tile++) {
    // The tile's first position on each axis, the tiled axes in steps of TERN_TILE.
    int64_t start[TERN_MAX_RANK], rest = tile;
    for (int32_t axis = tiling->rank - 1; axis >= 0; axis--) {
      const int64_t step = axis == column_axis || axis == tiling->row_axis ? TERN_TILE : 1;
      const int64_t count = (tiling->shape[axis] + step - 1) / step;
      start[axis] = rest % count * step;
      rest /= count;
    }
    int64_t rows = tiling->shape[tiling->row_axis] - start[tiling->row_axis];
    int64_t columns = tiling->shape[column_axis] - start[column_axis];
    if (rows > TERN_TILE) rows = TERN_TILE;
    if (columns > TERN_TILE) columns = TERN_TILE;
    for (int32_t pass = 0; pass < 2; pass++) {
      const int32_t count = pass == 0 ? program->input_count : program->output_count;
      for (int32_t k = 0; k < count; k++) {
        const tern_operand *view = pass == 0 ? &operands->inputs[k] : &operands->outputs[k];
        if (view->access == TERN_CONSTANT) continue;
        int64_t offset = 0;
        for (int32_t axis = 0; axis < tiling->rank; axis++) offset += start[axis] * view->strides[axis];
        char *base = view->base + offset * (int64_t)TERN_VARIANT(width)(view->dtype);
        const ptrdiff_t row_stride = view->strides[tiling->row_axis], column_stride = view->strides[column_axis];
        if (pass == 0) {
          TERN_VARIANT(loads)
          [view->dtype](base, row_stride, column_stride, frame.slots[k], (size_t)rows, (size_t)columns);
        } else {
          const char *source = frame.slots[program->output[k]];
          TERN_VARIANT(stores)
          [view->dtype](base, row_stride, column_stride, source, (size_t)rows, (size_t)columns);
        }
      }
      if (pass == 0) TERN_VARIANT(execute)(program, &frame, (size_t)(rows * columns));
    }
  }
}
