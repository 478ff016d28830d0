// SPDX-License-Identifier: MIT
// The kernels of scan.cl for GPUs.

/// - totals: whether only the totals of the chunks are wanted, in `states`; else it holds what comes before each.
kernel void scan_columns(
    global const void *x, steps_t steps, int type, global void *y, long y_offset, int y_type, cut_t cut,
    global state_t *states, int totals) {
  long item = get_global_id(0), i = item % cut.inner, slot = item / cut.inner;
  long c = slot % cut.chunks, o = slot / cut.chunks;
  if (o >= cut.outer) return;
  long at = (o * cut.chunks + c) * cut.inner + i;
  state_t before = totals || cut.chunks == 1 ? NOTHING : states[at], block = NOTHING;
  long begin = c * cut.chunk, end = min(begin + cut.chunk, cut.n);
  for (long start = begin; start < end; start += BLOCK) {
    for (long p = start; p < min(start + BLOCK, end); p++) {
      long from = steps.offset + o * steps.outer + p * steps.axis + i * steps.inner;
      block = joined(block, ELEMENT(load_value(x, from, type), p));
      if (!totals) PUT(y, y_offset + (o * cut.n + p) * cut.inner + i, y_type, joined(before, block));
    }
    before = joined(before, block);
    block = NOTHING;
  }
  if (totals) states[at] = before;
}

kernel void scan_rows(
    global const void *x, steps_t steps, int type, global void *y, long y_offset, int y_type, cut_t cut,
    global state_t *states, int totals) {
  local state_t tile[GROUP];
  int id = get_local_id(0);
  long slot = get_group_id(0), c = slot % cut.chunks, o = slot / cut.chunks;
  long begin = c * cut.chunk, end = min(begin + cut.chunk, cut.n);
  state_t before = totals || cut.chunks == 1 ? NOTHING : states[slot];
  for (long start = begin; start < end; start += GROUP) {
    long p = start + id;
    state_t own = NOTHING;
    if (p < end) own = ELEMENT(load_value(x, steps.offset + o * steps.outer + p * steps.axis, type), p);
    tile[id] = own;
    for (int step = 1; step < GROUP; step *= 2) {
      barrier(CLK_LOCAL_MEM_FENCE);
      state_t earlier = id >= step ? tile[id - step] : NOTHING;
      barrier(CLK_LOCAL_MEM_FENCE);
      own = joined(earlier, own);
      tile[id] = own;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (p < end && !totals) PUT(y, y_offset + o * cut.n + p, y_type, joined(before, own));
    before = joined(before, tile[GROUP - 1]);
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (totals && id == 0) states[slot] = before;
}
