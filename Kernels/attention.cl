// SPDX-License-Identifier: MIT
// Scale, mask and softmax of rows of attention scores [batch, heads, queries, keys], in place, and the gradient.
//
// CPU device: a work-item does `share` rows; GPU: `share` work-items do one row. Local memory on a GPU: GROUP floats.

#include "typed.cl"

typedef struct {
  long heads, queries, keys, rows, share, causal, offset;
} attention_t;

/// Where a mask begins, its strides, and its type: bool, float32, or -1 for none.
typedef struct {
  long offset, batch, head, query, key, type;
} mask_t;

/// How many keys the query of a row sees.
static long visible_keys(attention_t plan, long row) {
  return plan.causal ? clamp(row % plan.queries + plan.offset + 1, 0L, plan.keys) : plan.keys;
}

static long mask_start(attention_t plan, mask_t mask, long row) {
  long head = row / plan.queries;
  return mask.offset + head / plan.heads * mask.batch + head % plan.heads * mask.head + row % plan.queries * mask.query;
}

#if TERN_CPU_DEVICE
kernel void attention_softmax(
    attention_t plan, float scale, global float *scores, long offset, global const void *mask, mask_t steps) {
  const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  long first = get_global_id(0) * plan.share;
  for (long row = first; row < min(first + plan.share, plan.rows); row++) {
    long at = offset + row * plan.keys, n = visible_keys(plan, row), from = mask_start(plan, steps, row);
    float16 highest = -INFINITY, total = 0.0f;
    for (long i = 0; i < n; i += 16) {
      float16 v = load_lanes(scores, at + i, 1, n - i, FLOAT32, 0.0f) * scale;
      if (steps.type >= 0) {
        float16 m = load_lanes(mask, from + i * steps.key, steps.key, n - i, (int)steps.type, 0.0f);
        v = steps.type == BOOL ? (m == 0.0f ? (float16)(-INFINITY) : v) : v + m;
      }
      if (n - i < 16) v = lane < (int)(n - i) ? v : (float16)(-INFINITY);
      store_lanes(scores, at + i, n - i, FLOAT32, v);
      highest = v > highest ? v : highest;
    }
    float max = max_of_lanes(highest), shift = max == -INFINITY ? 0.0f : max;
    for (long i = 0; i < n; i += 16) {
      float16 e = exp_below_zero(load_lanes(scores, at + i, 1, n - i, FLOAT32, -INFINITY) - shift);
      store_lanes(scores, at + i, n - i, FLOAT32, e);
      total += e;
    }
    float sum = sum_of_lanes(total), part = sum == 0.0f ? 0.0f : 1.0f / sum;
    for (long i = 0; i < n; i += 16)
      store_lanes(scores, at + i, n - i, FLOAT32, load_lanes(scores, at + i, 1, n - i, FLOAT32, 0.0f) * part);
    for (long i = n; i < plan.keys; i++) scores[at + i] = 0.0f;
  }
}

kernel void attention_softmax_gradient(
    attention_t plan, float scale, global const float *p, long p_offset, global float *g, long g_offset) {
  long first = get_global_id(0) * plan.share, n = plan.keys;
  for (long row = first; row < min(first + plan.share, plan.rows); row++) {
    long p_at = p_offset + row * n, g_at = g_offset + row * n;
    float16 total = 0.0f;
    for (long i = 0; i < n; i += 16)
      total += load_lanes(p, p_at + i, 1, n - i, FLOAT32, 0.0f) * load_lanes(g, g_at + i, 1, n - i, FLOAT32, 0.0f);
    float sum = sum_of_lanes(total);
    for (long i = 0; i < n; i += 16) {
      float16 share = load_lanes(p, p_at + i, 1, n - i, FLOAT32, 0.0f);
      float16 gradient = load_lanes(g, g_at + i, 1, n - i, FLOAT32, 0.0f);
      store_lanes(g, g_at + i, n - i, FLOAT32, share * (gradient - sum) * scale);
    }
  }
}

#else
#include "row_lanes.cl"

kernel void attention_softmax(
    attention_t plan, float scale, global float *scores, long offset, global const void *mask, mask_t steps) {
  local float scratch[GROUP];
  int lanes = (int)plan.share, lane = get_local_id(0) & (lanes - 1);
  long row = get_global_id(0) / lanes, at = offset + row * plan.keys;
  bool active = row < plan.rows;
  long n = active ? visible_keys(plan, row) : 0, from = mask_start(plan, steps, row);
  float highest = -INFINITY, total = 0.0f;
  for (long i = lane; i < n; i += lanes) {
    float v = scores[at + i] * scale;
    if (steps.type >= 0) {
      float m = load_real(mask, from + i * steps.key, (int)steps.type);
      v = steps.type == BOOL ? (m == 0.0f ? -INFINITY : v) : v + m;
    }
    scores[at + i] = v;
    highest = fmax(highest, v);
  }
  float max = max_over_lanes(highest, scratch, lanes), shift = max == -INFINITY ? 0.0f : max;
  for (long i = lane; i < n; i += lanes) {
    float e = exp(scores[at + i] - shift);
    scores[at + i] = e;
    total += e;
  }
  float sum = sum_over_lanes(total, scratch, lanes), part = sum == 0.0f ? 0.0f : 1.0f / sum;
  if (!active) return;
  for (long i = lane; i < plan.keys; i += lanes) scores[at + i] = i < n ? scores[at + i] * part : 0.0f;
}

kernel void attention_softmax_gradient(
    attention_t plan, float scale, global const float *p, long p_offset, global float *g, long g_offset) {
  local float scratch[GROUP];
  int lanes = (int)plan.share, lane = get_local_id(0) & (lanes - 1);
  long row = get_global_id(0) / lanes, p_at = p_offset + row * plan.keys, g_at = g_offset + row * plan.keys;
  float total = 0.0f;
  if (row < plan.rows)
    for (long i = lane; i < plan.keys; i += lanes) total += p[p_at + i] * g[g_at + i];
  float sum = sum_over_lanes(total, scratch, lanes);
  if (row >= plan.rows) return;
  for (long i = lane; i < plan.keys; i += lanes) g[g_at + i] = p[p_at + i] * (g[g_at + i] - sum) * scale;
}
#endif
