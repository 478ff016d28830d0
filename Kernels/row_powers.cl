// SPDX-License-Identifier: MIT
// The maximum of a row of logits and the sum of its exponentials, for softmax and cross-entropy.

#include "typed.cl"

/// What `exp` may subtract: not -inf, from which nothing can be subtracted.
static float finite_shift(float max) { return max == -INFINITY ? 0.0f : max; }

#if TERN_CPU_DEVICE
#define ROW_BLOCK 4096  // 16 KiB of float stay in the first-level cache

/// Leaves `exp(x - max)` of `count` elements in `powers` (0 up to the next multiple of 16), and adds them to the row's
/// `max` and `sum`. NaN makes the sum NaN.
static void add_powers(
    float *powers, global const void *x, long at, long stride, int count, int type, float *max, float *sum) {
  float16 highest = -INFINITY;
  for (int i = 0; i < count; i += 16) {
    float16 v = load_lanes(x, at + i * stride, stride, count - i, type, -INFINITY);
    vstore16(v, 0, powers + i);
    highest = v > highest ? v : highest;
  }
  float block_max = max_of_lanes(highest), shift = finite_shift(block_max);
  float16 total = 0.0f;
  for (int i = 0; i < count; i += 16) {
    float16 e = exp_below_zero(vload16(0, powers + i) - shift);
    vstore16(e, 0, powers + i);
    total += e;
  }
  float new_max = fmax(*max, block_max);
  float old_sum = *max == new_max ? *sum : *sum * exp(*max - new_max);
  float block_sum = sum_of_lanes(total);
  *sum = old_sum + (block_max == new_max ? block_sum : block_sum * exp(block_max - new_max));
  *max = new_max;
}

/// The same for a whole row. `powers` has room for ROW_BLOCK and is complete if the row is no longer.
static void row_powers(
    float *powers, global const void *x, long at, long stride, long n, int type, float *max, float *sum) {
  *max = -INFINITY;
  *sum = 0.0f;
  for (long start = 0; start < n; start += ROW_BLOCK)
    add_powers(powers, x, at + start * stride, stride, (int)min((long)ROW_BLOCK, n - start), type, max, sum);
}

#else
#include "row_lanes.cl"

/// Maximum and sum of exponentials of a row that `lanes` work-items share; without `active` a work-item only helps.
static void row_powers(
    local float *scratch, int lanes, bool active, global const void *x, long at, long stride, long n, int type,
    float *max, float *sum) {
  int lane = get_local_id(0) & (lanes - 1);
  float highest = -INFINITY;
  if (active)
    for (long i = lane; i < n; i += lanes) highest = fmax(highest, load_real(x, at + i * stride, type));
  *max = max_over_lanes(highest, scratch, lanes);
  float shift = finite_shift(*max), total = 0.0f;
  if (active)
    for (long i = lane; i < n; i += lanes) total += exp(load_real(x, at + i * stride, type) - shift);
  *sum = sum_over_lanes(total, scratch, lanes);
}
#endif
