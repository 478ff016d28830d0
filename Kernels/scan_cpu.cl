// SPDX-License-Identifier: MIT
// The kernel of scan.cl for devices of type CPU. Lines that are neighbours go 16 at a time, so that the compiler makes
// vectors of them; a line by itself goes block by block, and its blocks are loaded, looked through and stored by loops
// of their own.

/// Lines that a work-item does at once.
#define WIDTH 16

#if KIND == SUM || KIND == PRODUCT
#define RESULT_TYPE VALUE_TYPE
#else
#define RESULT_TYPE INT64
#endif

/// One chunk of `width` neighbouring lines. Where all types are those that are computed in, and the lines' elements
/// neighbours in memory, `is_plain` says so.
static void scan_strip(
    global const void *x, steps_t steps, int type, global void *y, long y_offset, int y_type, cut_t cut,
    global state_t *states, int totals, long o, long c, long i, int width, bool is_plain) {
  state_t before[WIDTH], block[WIDTH];
  long slot = (o * cut.chunks + c) * cut.inner + i;
  for (int j = 0; j < width; j++) {
    before[j] = totals || cut.chunks == 1 ? NOTHING : states[slot + j];
    block[j] = NOTHING;
  }
  long begin = c * cut.chunk, end = min(begin + cut.chunk, cut.n);
  for (long start = begin; start < end; start += BLOCK) {
    for (long p = start; p < min(start + BLOCK, end); p++) {
      long from = steps.offset + o * steps.outer + p * steps.axis + i * steps.inner;
      long to = y_offset + (o * cut.n + p) * cut.inner + i;
      for (int j = 0; j < width; j++) {
        value_t value =
            is_plain ? ((global const value_t *)x)[from + j] : load_value(x, from + j * steps.inner, type);
        block[j] = joined(block[j], ELEMENT(value, p));
      }
      if (totals) continue;
      for (int j = 0; j < width; j++) PUT(y, to + j, is_plain ? RESULT_TYPE : y_type, joined(before[j], block[j]));
    }
    for (int j = 0; j < width; j++) {
      before[j] = joined(before[j], block[j]);
      block[j] = NOTHING;
    }
  }
  if (totals)
    for (int j = 0; j < width; j++) states[slot + j] = before[j];
}

#if KIND == MAX_POSITION || KIND == MIN_POSITION
/// Whether one of the values is beyond what came before.
static bool holds_extreme(const value_t *values, int count, value_t bound) {
  int any = 0;
  VECTOR_LOOP
  for (int k = 0; k < count; k++)
    any |= BEYOND(values[k], bound) | (IS_NAN(values[k]) & !IS_NAN(bound));
  return any != 0;
}
#endif

/// One chunk of one line.
static void scan_line(
    global const void *x, steps_t steps, int type, global void *y, long y_offset, int y_type, cut_t cut,
    global state_t *states, int totals, long o, long c, long i) {
  long slot = (o * cut.chunks + c) * cut.inner + i;
  state_t before = totals || cut.chunks == 1 ? NOTHING : states[slot];
  value_t values[BLOCK];
  long begin = c * cut.chunk, end = min(begin + cut.chunk, cut.n);
  bool is_plain = cut.inner == 1 && y_type == RESULT_TYPE;
  for (long start = begin; start < end; start += BLOCK) {
    int count = (int)min(end - start, (long)BLOCK);
    long from = steps.offset + o * steps.outer + start * steps.axis + i * steps.inner;
    long to = y_offset + (o * cut.n + start) * cut.inner + i;
    if (type == VALUE_TYPE && steps.axis == 1) {
      for (int k = 0; k < count; k++) values[k] = ((global const value_t *)x)[from + k];
    } else {
      for (int k = 0; k < count; k++) values[k] = load_value(x, from + k * steps.axis, type);
    }
#if KIND == MAX_POSITION || KIND == MIN_POSITION
    if (before.place >= 0 && !holds_extreme(values, count, before.value)) {
      if (!totals)
        for (int k = 0; k < count; k++) ((global long *)y)[to + k * cut.inner] = before.place;
      continue;
    }
#endif
    state_t block = NOTHING;
    for (int k = 0; k < count; k++) {
      block = joined(block, ELEMENT(values[k], start + k));
      if (!totals) PUT(y, to + k * cut.inner, is_plain ? RESULT_TYPE : y_type, joined(before, block));
    }
    before = joined(before, block);
  }
  if (totals) states[slot] = before;
}

/// - totals: whether only the totals of the chunks are wanted, in `states`; else it holds what comes before each.
kernel void scan_columns(
    global const void *x, steps_t steps, int type, global void *y, long y_offset, int y_type, cut_t cut,
    global state_t *states, int totals) {
  long item = get_global_id(0), c = item % cut.chunks, line = item / cut.chunks * cut.share;
  long end = min(line + cut.share, cut.outer * cut.inner);
  while (line < end) {
    long o = line / cut.inner, i = line - o * cut.inner;
    int width = (int)min(min(end - line, cut.inner - i), (long)WIDTH);
    if (width == 1) {
      scan_line(x, steps, type, y, y_offset, y_type, cut, states, totals, o, c, i);
    } else if (width == WIDTH && type == VALUE_TYPE && y_type == RESULT_TYPE && steps.inner == 1) {
      scan_strip(x, steps, type, y, y_offset, y_type, cut, states, totals, o, c, i, WIDTH, true);
    } else {
      scan_strip(x, steps, type, y, y_offset, y_type, cut, states, totals, o, c, i, width, false);
    }
    line += width;
  }
}
