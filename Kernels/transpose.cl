// SPDX-License-Identifier: MIT
// Copies a view that is dense along one axis, its rows, into one that is dense along another, its columns, so that both
// are read and written in whole cache lines. Defined by the host: WORD, an unsigned type of an element's size.
//
// CPU devices (transpose_cpu.cl): a work-item copies a square of 64 x 64, so that it meets few pages of memory on both
// sides, 16 x 16 words at a time through vectors. GPUs (transpose_gpu.cl): a group of 256 copies a square of 32 x 32
// through local memory, one word wider than it must be, so that neither direction meets one bank alone: 32 * 33 words,
// 8.25 KiB at most.

/// One copy: the two axes, then up to six others, from the outermost on; those that there are not have extent 1.
typedef struct {
  long rows, columns;
  long source, source_column;  // the first element, and the step from column to column
  long target, target_row;
  long extent[6], source_step[6], target_step[6];
} transpose_t;

/// The first row and column of a block, and where the matrix that it belongs to starts.
typedef struct {
  long row, column, source, target;
} place_t;

static place_t place_of(long block, const transpose_t *t, long height, long width) {
  const long down = (t->rows + height - 1) / height, across = (t->columns + width - 1) / width;
  place_t place = {block / across % down * height, block % across * width, t->source, t->target};
  long rest = block / across / down;
  for (int axis = 5; axis >= 0; axis--) {
    const long next = rest / t->extent[axis], index = rest - next * t->extent[axis];
    place.source += index * t->source_step[axis];
    place.target += index * t->target_step[axis];
    rest = next;
  }
  return place;
}

#if TERN_CPU_DEVICE
#include "transpose_cpu.cl"
#else
#include "transpose_gpu.cl"
#endif
