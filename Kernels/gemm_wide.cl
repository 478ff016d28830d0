// SPDX-License-Identifier: MIT
// Matrix products and convolutions for devices of type CPU: each work-item is a work-group of its own and keeps a tile
// of the result in vector registers.
//
// gemm_wide   c = activation(a · b (+ bias)): a work-item computes `blockRows` rows of `blockColumns` columns.
// conv_wide   The same product where row k of b is a window of a frame: a copy of the image with its padding written
//             out and its rows split by stride (conv_frame.cl). Column j stands at line j / pitch, place j % pitch;
//             then the row for channel c and tap (r, s) is the frame from position table[k] on, so nothing is unfolded,
//             and the price is the columns beyond the output's width. A work-item computes one image, group and phase.
// gemm_dot    c = a · transposed(b): both operands run along k, tiles of DOT_ROWS x DOT_COLUMNS vectors of partial
//             sums. k is cut into segments (the images of a batch) that have their own strides; with a table for b's
//             rows it is the gradient of the weights.
//
// gemm_wide and conv_wide walk over k in chunks of DEPTH; a chunk's b (DEPTH x 2 VEC floats: 32 KiB) stays in the first
// cache while tiles of TILE_ROWS rows pass by, whose sums rest in private memory (MAX_ROWS x 2 VEC floats: 8 KiB).
// Elements of c are summed in the order of k whatever the block, so the block may follow the number of cores.
//
// Definitions: VEC, floats in a vector register; RESULT and BIAS, the dtypes of c and bias.
#include "gemm_operand.cl"
#include "vector.cl"

#if VEC == 16  // 32 registers: 16 sums, 2 of b, 1 of a; 24 sums, 4 of a, 1 of b
#define TILE_ROWS 8
#define DOT_ROWS 4
#define DOT_COLUMNS 6
#else  // 16 registers
#define TILE_ROWS 6
#define DOT_ROWS 3
#define DOT_COLUMNS 3
#endif
#define MOST_ROWS (TILE_ROWS - 2)
#define HALF_ROWS (TILE_ROWS / 2)
#define TILE_COLUMNS (2 * VEC)
#define DEPTH 256
#define MAX_ROWS (8 * TILE_ROWS)

/// Operands of one block; strides in elements.
typedef struct {
  __global const float *a;
  long aRow, aDepth;
  __global const float *b;
  long bTile, bDepth;          // between tiles of TILE_COLUMNS columns, between rows
  __global const int *table;   // instead of bDepth, where not null
  __global STORAGE(RESULT) *c;
  long cRow, cColumn, cLine;   // cLine: between lines of `pitch` columns
  long pitch, width;           // columns of a line, and those of them that are stored
  __global const STORAGE(BIAS) *bias;
  long biasRow, biasColumn, activation;
  long rows, columns, k;
  long bounded;                // b ends with its last column: the last vector is read from further left
} block_t;

/// Adds the bias to `count` columns of a row in private memory.
static inline void add_bias(float *row, __global const STORAGE(BIAS) *bias, long biasStep, long count) {
  if (biasStep == 0) {
    const float added = LOAD(BIAS, bias, 0);
    for (long j = 0; j < count; j++) row[j] += added;
  } else if (biasStep == 1) {
    for (long j = 0; j < count; j++) row[j] += LOAD(BIAS, bias, j);
  } else {
    for (long j = 0; j < count; j++) row[j] += LOAD(BIAS, bias, j * biasStep);
  }
}

/// Activates `count` columns of a row in private memory, whole vectors of them.
static inline void activate_run(float *row, long count, long activation) {
#define ACTIVATE(CODE, FUNCTION) \
  case CODE: \
    LANES_LOOP for (long j = 0; j < count; j++) row[j] = FUNCTION(row[j]); \
    break;
  switch (activation) {
    TERN_ACTIVATIONS(ACTIVATE)
  }
#undef ACTIVATE
}

static inline void store_run(
    __global STORAGE(RESULT) *c, long step, const float *row, __global const STORAGE(BIAS) *bias, long biasStep,
    long count) {
  if (step == 1 && !biasStep) {
    const float added = bias ? LOAD(BIAS, bias, 0) : 0.0f;
    for (long j = 0; j < count; j++) STORE(RESULT, c, j, row[j] + added);
  } else if (step == 1) {
    for (long j = 0; j < count; j++) STORE(RESULT, c, j, row[j] + LOAD(BIAS, bias, j * biasStep));
  } else {
    for (long j = 0; j < count; j++)
      STORE(RESULT, c, j * step, row[j] + (bias ? LOAD(BIAS, bias, j * biasStep) : 0.0f));
  }
}

/// Stores the columns first ..< last of row i, whose column `start` is row[0], line by line.
static inline void store_row(const block_t *t, long i, float *row, long start, long first, long last) {
  __global const STORAGE(BIAS) *bias = t->bias ? t->bias + i * t->biasRow : 0;
  long biasStep = t->biasColumn;
  if (t->activation) {
    if (bias) add_bias(row + first - start, bias + first * biasStep, biasStep, last - first);
    activate_run(row, (last - start + VEC - 1) / VEC * VEC, t->activation);  // the row ends with a whole vector
    bias = 0;
    biasStep = 0;
  }
  long line = first / t->pitch, place = first % t->pitch;
  for (long j = first; j < last; line++, j += t->pitch - place, place = 0)
    store_run(
        t->c + i * t->cRow + line * t->cLine + place * t->cColumn, t->cColumn, row + j - start,
        bias ? bias + j * biasStep : 0, biasStep, min(t->width - place, last - j));
}

// The inner loop, written out for each number of rows and vectors: compilers keep an array in registers only where all
// its indices are constants before functions are inlined.
#define STEP(ROWS, VECTORS, at)                                                                \
  {                                                                                            \
    vec y[VECTORS];                                                                            \
    _Pragma("unroll") for (int v = 0; v < VECTORS; v++) y[v] = LOAD_VEC((at) + v * VEC);       \
    _Pragma("unroll") for (int i = 0; i < ROWS; i++) {                                         \
      const vec x = a[row[i]];                                                                 \
      _Pragma("unroll") for (int v = 0; v < VECTORS; v++) sum[i][v] = fma(x, y[v], sum[i][v]); \
    }                                                                                          \
  }
#define DEFINE_ACCUMULATE(NAME, ROWS, VECTORS)                                                 \
  static inline void NAME(                                                                     \
      vec (*total)[2], const block_t *t, long i0, __global const float *b, long depth) {       \
    vec sum[ROWS][VECTORS];                                                                    \
    long row[ROWS];                                                                            \
    _Pragma("unroll") for (int i = 0; i < ROWS; i++) {                                         \
      row[i] = min(i0 + i, t->rows - 1) * t->aRow;                                             \
      _Pragma("unroll") for (int v = 0; v < VECTORS; v++) sum[i][v] = total[i][v];             \
    }                                                                                          \
    const int count = min((long)DEPTH, t->k - depth);                                          \
    const long aDepth = t->aDepth, bDepth = t->bDepth;                                         \
    __global const float *a = t->a + depth * aDepth;                                           \
    if (t->table) {                                                                            \
      __global const int *table = t->table + depth;                                            \
      for (int p = 0; p < count; p++, a += aDepth) STEP(ROWS, VECTORS, b + table[p])           \
    } else {                                                                                   \
      b += depth * bDepth;                                                                     \
      for (int p = 0; p < count; p++, a += aDepth, b += bDepth) STEP(ROWS, VECTORS, b)         \
    }                                                                                          \
    _Pragma("unroll") for (int i = 0; i < ROWS; i++)                                           \
      _Pragma("unroll") for (int v = 0; v < VECTORS; v++) total[i][v] = sum[i][v];             \
  }
DEFINE_ACCUMULATE(accumulate_full_2, TILE_ROWS, 2)
DEFINE_ACCUMULATE(accumulate_full_1, TILE_ROWS, 1)
DEFINE_ACCUMULATE(accumulate_most_2, MOST_ROWS, 2)
DEFINE_ACCUMULATE(accumulate_most_1, MOST_ROWS, 1)
DEFINE_ACCUMULATE(accumulate_half_2, HALF_ROWS, 2)
DEFINE_ACCUMULATE(accumulate_half_1, HALF_ROWS, 1)
DEFINE_ACCUMULATE(accumulate_row_2, 1, 2)
DEFINE_ACCUMULATE(accumulate_row_1, 1, 1)

/// All rows of the block by one or two vectors of columns from `start`, of which first ..< last are stored.
static inline void columns_of_block(
    const block_t *t, const int vectors, __global const float *b, long start, long first, long last) {
  vec sums[MAX_ROWS][2];
  for (long i = 0; i < min((long)MAX_ROWS, t->rows + TILE_ROWS - 1); i++) sums[i][0] = sums[i][1] = 0.0f;
  for (long depth = 0; depth < t->k; depth += DEPTH)
    for (long i = 0; i < t->rows; i += TILE_ROWS) {
      const long left = t->rows - i;
      if (vectors == 2) {
        if (left > MOST_ROWS) accumulate_full_2(sums + i, t, i, b, depth);
        else if (left > HALF_ROWS) accumulate_most_2(sums + i, t, i, b, depth);
        else if (left > 1) accumulate_half_2(sums + i, t, i, b, depth);
        else accumulate_row_2(sums + i, t, i, b, depth);
      } else {
        if (left > MOST_ROWS) accumulate_full_1(sums + i, t, i, b, depth);
        else if (left > HALF_ROWS) accumulate_most_1(sums + i, t, i, b, depth);
        else if (left > 1) accumulate_half_1(sums + i, t, i, b, depth);
        else accumulate_row_1(sums + i, t, i, b, depth);
      }
    }
  for (long i = 0; i < t->rows; i++) store_row(t, i, (float *)sums[i], start, first, last);
}

static inline void block(const block_t *t, long firstColumn, long lastColumn) {
  for (long j = firstColumn; j < lastColumn;) {
    __global const float *b = t->b + j / TILE_COLUMNS * t->bTile + j % TILE_COLUMNS;
    if (lastColumn - j > VEC && !(t->bounded && t->columns - j < TILE_COLUMNS)) {
      columns_of_block(t, 2, b, j, j, min(lastColumn, j + TILE_COLUMNS));
      j += TILE_COLUMNS;
    } else {
      const long back = t->bounded ? max(0L, j + VEC - t->columns) : 0;
      columns_of_block(t, 1, b - back, j - back, j, min(lastColumn, j + VEC));
      j += VEC;
    }
  }
}

typedef struct {
  long m, n, k, inner;
  long blockRows, blockColumns;
  long parts, partDepth, cPart;  // k cut into parts, each of which has a result of its own, cPart elements apart
  long bTile, bounded;
  operand_t a, b, c;             // b.column is 1 within a tile
  epilogue_t epilogue;
} gemm_t;

__kernel GROUP_OF_ONE void gemm_wide(
    __global const float *a, __global const float *b, __global STORAGE(RESULT) *c,
    __global const STORAGE(BIAS) *bias, const gemm_t s) {
  const long j = get_group_id(0) * s.blockColumns, i = get_group_id(1) * s.blockRows;
  const product_t at = product_at(get_group_id(2), s.parts, s.inner);
  const long depth = at.part * s.partDepth;
  const block_t t = {
      .a = a + matrix_start(&s.a, at) + i * s.a.row + depth * s.a.column, .aRow = s.a.row, .aDepth = s.a.column,
      .b = b + matrix_start(&s.b, at) + depth * s.b.row, .bTile = s.bTile, .bDepth = s.b.row, .table = 0,
      .c = c + matrix_start(&s.c, at) + at.part * s.cPart + i * s.c.row, .cRow = s.c.row, .cColumn = s.c.column,
      .cLine = 0, .pitch = s.n, .width = s.n,
      .bias = s.epilogue.usesBias ? bias + bias_start(&s.epilogue, at) + i * s.epilogue.row : 0,
      .biasRow = s.epilogue.row, .biasColumn = s.epilogue.column, .activation = s.epilogue.activation,
      .rows = min(s.blockRows, s.m - i), .columns = s.n, .k = min(s.partDepth, s.k - depth), .bounded = s.bounded};
  block(&t, j, min(s.n, j + s.blockColumns));
}

typedef struct {
  long m, k, blockRows, blockColumns, groups;
  long a, aGroup, aPhase;             // weights: dense rows of k
  long bImage, bGroup, pitch;         // frame
  long c, cImage, cGroup, cRow, cLine, cColumn;
  long height, width;                 // of the result
  long phasesHeight, phasesWidth;     // results at distance phases form one convolution each (1 but for gradients)
  long padTop, padLeft, dilationHeight, dilationWidth, originHeight, originWidth;
  long bias, biasRow, usesBias, activation;
} conv_t;

/// Line of the frame where the windows of a phase of a gradient begin; `origin` is the least of all phases' first
/// lines. A phase that no tap reaches has weights of 0, so any line will do.
static inline long first_line(long phase, long pad, long dilation, long stride, long origin) {
  for (long tap = 0; tap < stride; tap++) {
    const long distance = phase + pad - tap * dilation;
    if (distance % stride == 0) return distance / stride - origin;
  }
  return 0;
}

__kernel GROUP_OF_ONE void conv_wide(
    __global const float *a, __global const float *b, __global STORAGE(RESULT) *c,
    __global const STORAGE(BIAS) *bias, __global const int *table, const conv_t s) {
  const long phases = s.phasesHeight * s.phasesWidth;
  const long phase = get_group_id(2) % phases, group = get_group_id(2) / phases % s.groups;
  const long image = get_group_id(2) / phases / s.groups;
  const long phaseY = phase / s.phasesWidth, phaseX = phase % s.phasesWidth;
  const long height = (s.height - phaseY + s.phasesHeight - 1) / s.phasesHeight;
  const long width = (s.width - phaseX + s.phasesWidth - 1) / s.phasesWidth;
  if (height <= 0 || width <= 0) return;
  const long columns = (height - 1) * s.pitch + width;
  const long j = get_group_id(0) * s.blockColumns, i = get_group_id(1) * s.blockRows;
  if (j >= columns) return;
  const long window =
      first_line(phaseY, s.padTop, s.dilationHeight, s.phasesHeight, s.originHeight) * s.pitch +
      first_line(phaseX, s.padLeft, s.dilationWidth, s.phasesWidth, s.originWidth);
  const block_t t = {
      .a = a + s.a + group * s.aGroup + phase * s.aPhase + i * s.k, .aRow = s.k, .aDepth = 1,
      .b = b + image * s.bImage + group * s.bGroup + window, .bTile = TILE_COLUMNS, .bDepth = 0, .table = table,
      .c = c + s.c + image * s.cImage + group * s.cGroup + phaseY * (s.cLine / s.phasesHeight) +
           phaseX * (s.cColumn / s.phasesWidth) + i * s.cRow,
      .cRow = s.cRow, .cColumn = s.cColumn, .cLine = s.cLine, .pitch = s.pitch, .width = width,
      .bias = s.usesBias ? bias + s.bias + (group * s.m + i) * s.biasRow : 0, .biasRow = s.biasRow, .biasColumn = 0,
      .activation = s.activation,
      .rows = min(s.blockRows, s.m - i), .columns = columns, .k = s.k, .bounded = 0};
  block(&t, j, min(columns, j + s.blockColumns));
}

typedef struct {
  long m, n, columnsPerItem;
  long segments, segmentLength, segmentsPerPass, segmentsPerSplit, splits;
  long aSegment, bSegment, cSplit, usesTable;
  operand_t a, b, c;  // b is n x k; only the outer batch index is used
  epilogue_t epilogue;
} dot_t;

/// One tile over the segments first ..< last.
static inline __attribute__((always_inline)) void dot_tile(
    const dot_t *s, __global const float *a, __global const float *b, __global const int *table, long i0, long j0,
    long first, long last, float result[DOT_ROWS][DOT_COLUMNS]) {
  vec sum[DOT_ROWS][DOT_COLUMNS];
  __global const float *rows[DOT_ROWS], *columns[DOT_COLUMNS];
#pragma unroll
  for (int i = 0; i < DOT_ROWS; i++) rows[i] = a + min(i0 + i, s->m - 1) * s->a.row;
#pragma unroll
  for (int j = 0; j < DOT_COLUMNS; j++) {
    const long column = min(j0 + j, s->n - 1);
    columns[j] = b + (s->usesTable ? (long)table[column] : column * s->b.row);
#pragma unroll
    for (int i = 0; i < DOT_ROWS; i++) sum[i][j] = 0.0f;
  }
  for (long segment = first; segment < last; segment++) {
    const long length = s->segmentLength;
    const long ao = segment * s->aSegment, bo = segment * s->bSegment;
    long p = 0;
    for (; p + VEC <= length; p += VEC) {
      vec x[DOT_ROWS];
#pragma unroll
      for (int i = 0; i < DOT_ROWS; i++) x[i] = LOAD_VEC(rows[i] + ao + p);
#pragma unroll
      for (int j = 0; j < DOT_COLUMNS; j++) {
        const vec y = LOAD_VEC(columns[j] + bo + p);
#pragma unroll
        for (int i = 0; i < DOT_ROWS; i++) sum[i][j] = fma(x[i], y, sum[i][j]);
      }
    }
    for (; p < length; p++)
#pragma unroll
      for (int j = 0; j < DOT_COLUMNS; j++)
#pragma unroll
        for (int i = 0; i < DOT_ROWS; i++)
          sum[i][j].s0 = fma(rows[i][ao + p], columns[j][bo + p], sum[i][j].s0);
  }
#pragma unroll
  for (int i = 0; i < DOT_ROWS; i++)
#pragma unroll
    for (int j = 0; j < DOT_COLUMNS; j++) result[i][j] = sum_of(sum[i][j]);
}

/// A work-item takes DOT_ROWS rows, `columnsPerItem` columns and one split of the segments; it adds up passes of a few
/// segments, so that what a pass reads of b stays in the cache while the tiles go over it.
__kernel GROUP_OF_ONE void gemm_dot(
    __global const float *a, __global const float *b, __global float *c, __global const STORAGE(BIAS) *bias,
    __global const int *table, const dot_t s) {
  const product_t at = product_at(get_group_id(2), s.splits, 1);
  const long i0 = get_group_id(1) * DOT_ROWS;
  const long firstColumn = get_group_id(0) * s.columnsPerItem, lastColumn = min(s.n, firstColumn + s.columnsPerItem);
  const long begin = at.part * s.segmentsPerSplit, end = min(s.segments, begin + s.segmentsPerSplit);
  a += matrix_start(&s.a, at);
  b += matrix_start(&s.b, at);
  c += matrix_start(&s.c, at) + at.part * s.cSplit;
  bias += bias_start(&s.epilogue, at);
  for (long pass = begin; pass < end; pass += s.segmentsPerPass) {
    const bool isLast = pass + s.segmentsPerPass >= end;
    for (long j0 = firstColumn; j0 < lastColumn; j0 += DOT_COLUMNS) {
      float result[DOT_ROWS][DOT_COLUMNS];
      dot_tile(&s, a, b, table, i0, j0, pass, min(end, pass + s.segmentsPerPass), result);
      for (int i = 0; i < DOT_ROWS && i0 + i < s.m; i++)
        for (int j = 0; j < DOT_COLUMNS && j0 + j < lastColumn; j++) {
          __global float *target = c + (i0 + i) * s.c.row + (j0 + j) * s.c.column;
          const float sum = pass > begin ? *target + result[i][j] : result[i][j];
          *target = isLast ? finished(sum, &s.epilogue, bias, i0 + i, j0 + j) : sum;
        }
    }
  }
}
