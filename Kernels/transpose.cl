// SPDX-License-Identifier: MIT
// Copies a view that is dense along one axis, its rows, into one that is dense along another, its columns, so that both
// are read and written in whole cache lines. Defined by the host: WORD, an unsigned type of an element's size.
//
// CPU devices: a work-item copies SPAN columns of 16 rows, 16 x 16 words at a time through vectors. Others: a group of
// 256 copies a square of 32 x 32 through local memory, one word wider than it must be, so that neither direction meets
// one bank alone: 32 * 33 words, 8.25 KiB at most.

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
#define SPAN 256
#define WORD16 TERN_JOIN(WORD, 16)

/// Row i of `b` takes turns between rows i / 2 and i / 2 + 8 of `a`; four times over it transposes.
static void interleave(const WORD16 *a, WORD16 *b) {
  for (int i = 0; i < 8; i++) {
    const WORD16 x = a[i], y = a[i + 8];
    b[2 * i] = (WORD16)(x.s0, y.s0, x.s1, y.s1, x.s2, y.s2, x.s3, y.s3, x.s4, y.s4, x.s5, y.s5, x.s6, y.s6, x.s7, y.s7);
    b[2 * i + 1] =
        (WORD16)(x.s8, y.s8, x.s9, y.s9, x.sa, y.sa, x.sb, y.sb, x.sc, y.sc, x.sd, y.sd, x.se, y.se, x.sf, y.sf);
  }
}

__kernel void transpose_copy(__global const WORD *x, __global WORD *y, const transpose_t t, long blocks) {
  const long block = get_global_id(0);
  if (block >= blocks) return;
  const place_t place = place_of(block, &t, 16, SPAN);
  const long rows = min(t.rows - place.row, 16L), last = min(t.columns, place.column + SPAN);
  x += place.source + place.row;
  y += place.target + place.row * t.target_row;
  long column = place.column;
  for (; rows == 16 && column + 16 <= last; column += 16) {
    WORD16 a[16], b[16];
    for (int i = 0; i < 16; i++) a[i] = vload16(0, x + (column + i) * t.source_column);
    interleave(a, b);
    interleave(b, a);
    interleave(a, b);
    interleave(b, a);
    for (int i = 0; i < 16; i++) vstore16(a[i], 0, y + i * t.target_row + column);
  }
  for (; column < last; column++)
    for (long row = 0; row < rows; row++) y[row * t.target_row + column] = x[row + column * t.source_column];
}

#else

__kernel void transpose_copy(__global const WORD *x, __global WORD *y, const transpose_t t, long blocks) {
  __local WORD square[32][33];
  const place_t place = place_of(get_group_id(0), &t, 32, 32);
  const int lane = get_local_id(0) % 32;
  for (int j = get_local_id(0) / 32; j < 32; j += 8) {
    const long row = place.row + lane, column = place.column + j;
    if (row < t.rows && column < t.columns) square[j][lane] = x[place.source + row + column * t.source_column];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int j = get_local_id(0) / 32; j < 32; j += 8) {
    const long row = place.row + j, column = place.column + lane;
    if (row < t.rows && column < t.columns) y[place.target + row * t.target_row + column] = square[lane][j];
  }
}
#endif
