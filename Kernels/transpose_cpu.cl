// SPDX-License-Identifier: MIT
// The kernels of transpose.cl for devices of type CPU.
//
// transpose_copy      A work-item copies a square of SIDE x SIDE.
// transpose_narrow    For fewer than 16 columns, such as the pixels of a shuffle, or three colors: a work-item copies
//                     NARROW_ROWS rows, so that each column is read in order, and the rows are written in order.

#define SIDE 64
#define NARROW_ROWS 1024
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
  const place_t place = place_of(block, &t, SIDE, SIDE);
  const long rows = min(t.rows - place.row, (long)SIDE), columns = min(t.columns - place.column, (long)SIDE);
  const long whole_rows = rows & ~15L, whole_columns = columns & ~15L;
  x += place.source + place.row + place.column * t.source_column;
  y += place.target + place.row * t.target_row + place.column;
  for (long column = 0; column < whole_columns; column += 16) {
    for (long row = 0; row < whole_rows; row += 16) {
      WORD16 a[16], b[16];
      for (int i = 0; i < 16; i++) a[i] = vload16(0, x + (column + i) * t.source_column + row);
      interleave(a, b);
      interleave(b, a);
      interleave(a, b);
      interleave(b, a);
      for (int i = 0; i < 16; i++) vstore16(a[i], 0, y + (row + i) * t.target_row + column);
    }
  }
  for (long column = 0; column < columns; column++) {
    const long first = column < whole_columns ? whole_rows : 0;
    for (long row = first; row < rows; row++) y[row * t.target_row + column] = x[row + column * t.source_column];
  }
}

/// Rows of a number of columns that the compiler knows, next to each other.
#define COPY_NARROW(COUNT)                                                                           \
  case COUNT:                                                                                        \
    VECTOR_LOOP for (long row = 0; row < rows; row++) {                                              \
      for (int column = 0; column < COUNT; column++)                                                 \
        y[row * COUNT + column] = x[row + column * t.source_column];                                 \
    }                                                                                                \
    break

__kernel void transpose_narrow(__global const WORD *x, __global WORD *y, const transpose_t t, long blocks) {
  const long block = get_global_id(0);
  if (block >= blocks) return;
  const place_t place = place_of(block, &t, NARROW_ROWS, t.columns);
  const long rows = min(t.rows - place.row, (long)NARROW_ROWS);
  x += place.source + place.row;
  y += place.target + place.row * t.target_row;
  switch (t.target_row == t.columns ? (int)t.columns : 0) {
    COPY_NARROW(2);
    COPY_NARROW(3);
    COPY_NARROW(4);
    default:
      for (long row = 0; row < rows; row++)
        for (long column = 0; column < t.columns; column++)
          y[row * t.target_row + column] = x[row + column * t.source_column];
  }
}
