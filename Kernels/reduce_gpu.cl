// SPDX-License-Identifier: MIT
// The kernels of reduce.cl for GPUs.

/// Merges the states of `lanes` (a power of two) work-items that stand `step` apart in the group, for all such sets at
/// once; the first of each set gets the result.
static state_t merged_over_lanes(state_t state, local state_t *scratch, int lane, int lanes, int step) {
  int id = get_local_id(0);
  scratch[id] = state;
  for (int width = lanes / 2; width > 0; width /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < width) scratch[id] = merged(scratch[id], scratch[id + width * step]);
  }
  return scratch[id];
}

/// Reduces the elements `lane`, `lane + lanes`, … of a run of `n`.
static state_t lane_block(source_t x, long at, long stride, int n, int lane, int lanes) {
  value_t sum = IDENTITY;
#ifndef FUSED
  if (ARE_FLOATS(x)) {
    for (int i = lane; i < n; i += lanes) {
      value_t v = (value_t)FLOATS(x)[at + i * stride];
      sum = COMBINE(sum, ELEMENT(v));
    }
  } else
#endif
  {
    for (int i = lane; i < n; i += lanes) {
      value_t v = element_at(x, at + i * stride);
      sum = COMBINE(sum, ELEMENT(v));
    }
  }
  state_t state = {sum, (value_t)0};
#if KIND == LOG_SUM_EXP
  if (!isfinite(sum)) return (state_t){sum, ENDLESS(float, sum)};
  for (int i = lane; i < n; i += lanes) state.b += exp(element_at(x, at + i * stride) - sum);
#endif
  return state;
}

static state_t lane_part(source_t x, const reduce_plan *plan, long base, long part, int lane, int lanes) {
  state_t state = EMPTY_STATE;
  long last_block = min((part + 1) * plan->blocks_per_part, plan->blocks);
  for (long block = part * plan->blocks_per_part; block < last_block; block++) {
    long segment = block / plan->blocks_per_segment;
    long start = (block - segment * plan->blocks_per_segment) * plan->block;
    long at = base + position(plan->outer_extent, plan->outer_stride, segment) + start * plan->stride;
    int n = (int)min(plan->block, plan->length - start);
    state = merged(state, lane_block(x, at, plan->stride, n, lane, lanes));
  }
  return state;
}

kernel void reduce_rows(
    SOURCE_PARAMETERS, reduce_plan plan, global void *y, int y_type, float divisor, global state_t *partial) {
  source_t x = SOURCE;
  result_t to = {y, plan.y_offset, y_type, divisor};
  local state_t scratch[GROUP];
  int lanes = (int)plan.lanes, lane = get_local_id(0) % lanes;
  long set = get_global_id(0) / lanes, output = set / plan.parts, part = set % plan.parts;
  state_t state = EMPTY_STATE;
  if (output < plan.outputs) {
    long base = plan.offset + position(plan.kept_extent, plan.kept_stride, output);
    state = lane_part(x, &plan, base, part, lane, lanes);
  }
  state = merged_over_lanes(state, scratch, lane, lanes, 1);
  if (lane == 0 && output < plan.outputs)
    finish_part(state, output, part, &plan, partial, to);
}

kernel void reduce_columns(
    SOURCE_PARAMETERS, reduce_plan plan, global void *y, int y_type, float divisor, global state_t *partial) {
  source_t x = SOURCE;
  result_t to = {y, plan.y_offset, y_type, divisor};
  local state_t scratch[GROUP];
  int lane = get_local_id(0) / 32;
  long strips = (plan.columns + 31) / 32;
  long group = get_group_id(0), part = group % plan.parts, strip = group / plan.parts % strips;
  long column = strip * 32 + get_local_id(0) % 32, output = group / plan.parts / strips * plan.columns + column;
  state_t state = EMPTY_STATE;
  if (column < plan.columns) {
    long base = plan.offset + position(plan.kept_extent, plan.kept_stride, output);
    state = lane_part(x, &plan, base, part, lane, GROUP / 32);
  }
  state = merged_over_lanes(state, scratch, lane, GROUP / 32, 32);
  if (lane == 0 && column < plan.columns)
    finish_part(state, output, part, &plan, partial, to);
}

kernel void reduce_parts(
    global const state_t *partial, long parts, long outputs, global void *y, long y_offset, int y_type, float divisor) {
  local state_t scratch[GROUP];
  int lane = get_local_id(0);
  long output = get_group_id(0);
  state_t state = EMPTY_STATE;
  for (long part = lane; part < parts; part += GROUP) state = merged(state, partial[part * outputs + output]);
  state = merged_over_lanes(state, scratch, lane, GROUP, 1);
  if (lane == 0) finish(state, output, (result_t){y, y_offset, y_type, divisor});
}
