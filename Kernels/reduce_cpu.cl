// SPDX-License-Identifier: MIT
// The kernels of reduce.cl for devices of type CPU.

/// `count` elements from position `at`, `stride` apart, in the first lanes; what changes nothing in the others.
#if !INTEGER && !defined(FUSED)
#define load16(x, at, stride, count) load_lanes((x).p, at, stride, count, (x).dtype, IDENTITY)
#else
static value16_t load16(source_t x, long at, long stride, int count) {
  value_t lanes[16];
#ifdef FUSED
  if (count >= 16 && stride == 1) {
    _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1)")
    for (int l = 0; l < 16; l++) lanes[l] = element_at(x, at + l);
    return vload16(0, lanes);
  }
#endif
  for (int l = 0; l < 16; l++) lanes[l] = l < count ? element_at(x, at + l * stride) : IDENTITY;
  return vload16(0, lanes);
}
#endif

// Sixteen neighbours where `ARE_FLOATS(x)`.
#ifdef FUSED
#define ARE_FLOATS(x) (!INTEGER)
#define floats16(x, at) load16(x, at, 1, 16)
#else
#define floats16(x, at) vload16(0, FLOATS(x) + (at))
#endif

/// What the 16 lanes know together.
static state_t across(state16_t state) {
#define MERGE_FOLDED(a_, b_)                                  \
  {                                                          \
    state16_t folded = {a_, b_};                             \
    MERGE(value16_t, state, folded)                          \
  }
  // The lanes above the first half, quarter, ... carry numbers that nobody reads.
  MERGE_FOLDED((value16_t)(HIGH(state.a), HIGH(state.a)), (value16_t)(HIGH(state.b), HIGH(state.b)))
  MERGE_FOLDED(state.a.s4567456745674567, state.b.s4567456745674567)
  MERGE_FOLDED(state.a.s2323232323232323, state.b.s2323232323232323)
  MERGE_FOLDED((value16_t)(state.a.s1), (value16_t)(state.b.s1))
  return (state_t){state.a.s0, state.b.s0};
}

#if KIND == LOG_SUM_EXP
#define SHIFT(max) (isfinite(max) ? (max) : (float16)(0.0f))
#define POWER_SUM(powers, max) (isfinite(max) ? (powers) : ENDLESS(float16, max))
#endif

/// Reduces `n` elements of a row, element `i` in lane `i % 16`.
static state16_t row_block(source_t x, long at, long stride, int n) {
  value16_t sum[4];
  for (int v = 0; v < 4; v++) sum[v] = IDENTITY;
  int i = 0;
  for (; i + 64 <= n; i += 64) {
    value16_t v0 = load16(x, at + i * stride, stride, 16);
    value16_t v1 = load16(x, at + (i + 16) * stride, stride, 16);
    value16_t v2 = load16(x, at + (i + 32) * stride, stride, 16);
    value16_t v3 = load16(x, at + (i + 48) * stride, stride, 16);
    sum[0] = COMBINE(sum[0], ELEMENT(v0));
    sum[1] = COMBINE(sum[1], ELEMENT(v1));
    sum[2] = COMBINE(sum[2], ELEMENT(v2));
    sum[3] = COMBINE(sum[3], ELEMENT(v3));
  }
  for (; i < n; i += 16) {
    value16_t v = load16(x, at + i * stride, stride, n - i);
    sum[0] = COMBINE(sum[0], ELEMENT(v));
  }
  value16_t low = COMBINE(sum[0], sum[1]), high = COMBINE(sum[2], sum[3]);
  state16_t state = EMPTY_STATE16;
  state.a = COMBINE(low, high);
#if KIND == LOG_SUM_EXP
  float16 shift = SHIFT(state.a);
  for (i = 0; i < n; i += 16) state.b += exp_below_zero(load16(x, at + i * stride, stride, n - i) - shift);
  state.b = POWER_SUM(state.b, state.a);
#endif
  return state;
}

kernel void reduce_rows(
    SOURCE_PARAMETERS, reduce_plan plan, global void *y, int y_type, float divisor, global state_t *partial) {
  source_t x = SOURCE;
  result_t to = {y, plan.y_offset, y_type, divisor};
  long item = get_global_id(0), part = item % plan.parts, first = item / plan.parts * plan.share;
  long last_block = min((part + 1) * plan.blocks_per_part, plan.blocks);
  for (long output = first; output < min(first + plan.share, plan.outputs); output++) {
    long base = plan.offset + position(plan.kept_extent, plan.kept_stride, output);
    state16_t state = EMPTY_STATE16;
    for (long block = part * plan.blocks_per_part; block < last_block; block++) {
      long segment = block / plan.blocks_per_segment, start = (block - segment * plan.blocks_per_segment) * plan.block;
      long at = base + position(plan.outer_extent, plan.outer_stride, segment) + start * plan.stride;
      state16_t next = row_block(x, at, plan.stride, (int)min(plan.block, plan.length - start));
      MERGE(value16_t, state, next)
    }
    finish_part(across(state), output, part, &plan, partial, to);
  }
}

#define STRIP 64  // vectors: 1024 columns, a page of float, because prefetchers stop at its end

/// Reduces `n` elements of each of `width` columns into `states`.
static void column_block(
    private state16_t *states, source_t x, long at, long stride, int n, long column_stride, int width) {
  value16_t sum[STRIP];
  for (int v = 0; v * 16 < width; v++) sum[v] = IDENTITY;
  int vectors = 0;  // those that the dense loop has done
#if !INTEGER
  if (ARE_FLOATS(x) && column_stride == 1) {
    vectors = width / 16;
    long row = at;
    int i = 0;
    for (; i + 4 <= n; i += 4, row += 4 * stride) {
      for (int v = 0; v < vectors; v++) {
        long from = row + 16 * v;
        value16_t v0 = floats16(x, from), v1 = floats16(x, from + stride);
        value16_t v2 = floats16(x, from + 2 * stride), v3 = floats16(x, from + 3 * stride);
        value16_t low = COMBINE(ELEMENT(v0), ELEMENT(v1)), high = COMBINE(ELEMENT(v2), ELEMENT(v3));
        value16_t four = COMBINE(low, high);
        sum[v] = COMBINE(sum[v], four);
      }
    }
    for (; i < n; i++, row += stride) {
      for (int v = 0; v < vectors; v++) {
        value16_t element = floats16(x, row + 16 * v);
        sum[v] = COMBINE(sum[v], ELEMENT(element));
      }
    }
  }
#endif
  for (int v = vectors; v * 16 < width; v++) {
    for (int i = 0; i < n; i++) {
      long start = at + i * stride + v * 16 * column_stride;
      value16_t element = load16(x, start, column_stride, width - v * 16);
      sum[v] = COMBINE(sum[v], ELEMENT(element));
    }
  }
  for (int v = 0; v * 16 < width; v++) {
    state16_t next = EMPTY_STATE16;
    next.a = sum[v];
#if KIND == LOG_SUM_EXP
    float16 shift = SHIFT(next.a);
    long start = at + v * 16 * column_stride;
    for (int i = 0; i < n; i++)
      next.b += exp_below_zero(load16(x, start + i * stride, column_stride, width - v * 16) - shift);
    next.b = POWER_SUM(next.b, next.a);
#endif
    MERGE(value16_t, states[v], next)
  }
}

kernel void reduce_columns(
    SOURCE_PARAMETERS, reduce_plan plan, global void *y, int y_type, float divisor, global state_t *partial) {
  source_t x = SOURCE;
  result_t to = {y, plan.y_offset, y_type, divisor};
  long strips = (plan.columns + STRIP * 16 - 1) / (STRIP * 16);
  long item = get_global_id(0), part = item % plan.parts, strip = item / plan.parts % strips;
  long column = strip * STRIP * 16, output = item / plan.parts / strips * plan.columns + column;
  int width = (int)min(STRIP * 16L, plan.columns - column);
  long base = plan.offset + position(plan.kept_extent, plan.kept_stride, output);
  state16_t states[STRIP];
  for (int v = 0; v * 16 < width; v++) states[v] = EMPTY_STATE16;
  long last_block = min((part + 1) * plan.blocks_per_part, plan.blocks);
  for (long block = part * plan.blocks_per_part; block < last_block; block++) {
    long segment = block / plan.blocks_per_segment, start = (block - segment * plan.blocks_per_segment) * plan.block;
    long at = base + position(plan.outer_extent, plan.outer_stride, segment) + start * plan.stride;
    int n = (int)min(plan.block, plan.length - start);
    column_block(states, x, at, plan.stride, n, plan.kept_stride[DIMENSIONS - 1], width);
  }
  for (int v = 0; v * 16 < width; v++) {
    value_t a[16], b[16];
    vstore16(states[v].a, 0, a);
    vstore16(states[v].b, 0, b);
    for (int l = 0; l < min(16, width - v * 16); l++)
      finish_part((state_t){a[l], b[l]}, output + v * 16 + l, part, &plan, partial, to);
  }
}

kernel void reduce_parts(
    global const state_t *partial, long parts, long outputs, global void *y, long y_offset, int y_type, float divisor) {
  long output = get_global_id(0);
  state_t state = partial[output];
  for (long part = 1; part < parts; part++) state = merged(state, partial[part * outputs + output]);
  finish(state, output, (result_t){y, y_offset, y_type, divisor});
}
