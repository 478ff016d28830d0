// SPDX-License-Identifier: MIT
// How a group of a GPU finds the first elements of topk.cl: digit by digit of 8 bits, the most significant one first,
// it counts the keys that begin as the last wanted one does, until that key is known. What comes before it is gathered
// in any order, of what equals it the first ones, and then each finds its rank. So elements are read once for each
// digit and once more, mostly from a cache.
// Local memory: 1 KiB of counters, and GROUP keys, places and flags; 5 KiB at most.

#define DIGITS 256
#define SETS 16

typedef struct {
  int counts[DIGITS], sums[SETS];
  sort_key_t keys[GROUP];
  int places[GROUP], flags[GROUP];
  int digit, before, held;
} scratch_t;

/// The digit that the element number `wanted` has, counted from 1, in `digit`; how many have a lower one in `before`.
static void find_digit(local scratch_t *scratch, int wanted) {
  int id = get_local_id(0);
  barrier(CLK_LOCAL_MEM_FENCE);
  if (id < SETS) {
    int sum = 0;
    for (int d = 0; d < DIGITS / SETS; d++) sum += scratch->counts[id * (DIGITS / SETS) + d];
    scratch->sums[id] = sum;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  if (id == 0) {
    int set = 0, before = 0;
    while (before + scratch->sums[set] < wanted) before += scratch->sums[set++];
    int digit = set * (DIGITS / SETS);
    while (before + scratch->counts[digit] < wanted) before += scratch->counts[digit++];
    scratch->digit = digit;
    scratch->before = before;
    scratch->held = 0;
  }
  barrier(CLK_LOCAL_MEM_FENCE);
}

/// Appends the first `wanted` elements of the key `last` to those that are held.
static void append_equals(
    const topk_source *from, local scratch_t *scratch, sort_key_t last, int held, int wanted) {
  int id = get_local_id(0), taken = 0;
  for (int start = 0; taken < wanted; start += GROUP) {
    int i = start + id;
    bool is_equal = i < from->count && source_key(from, i) == last;
    int sum = is_equal;
    scratch->flags[id] = sum;
    for (int step = 1; step < GROUP; step *= 2) {
      barrier(CLK_LOCAL_MEM_FENCE);
      int earlier = id >= step ? scratch->flags[id - step] : 0;
      barrier(CLK_LOCAL_MEM_FENCE);
      sum += earlier;
      scratch->flags[id] = sum;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    int slot = taken + sum - 1;
    if (is_equal && slot < wanted) {
      scratch->keys[held + slot] = last;
      scratch->places[held + slot] = source_place(from, i);
    }
    taken += scratch->flags[GROUP - 1];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
}

static void select_first(
    topk_source from, topk_target to, const topk_t *plan, long line, long part, local scratch_t *scratch) {
  int id = get_local_id(0), kept = (int)plan->kept, found = min(kept, from.count), wanted = found;
  sort_key_t last = 0, known = 0;
  for (int shift = 8 * (int)sizeof(sort_key_t) - 8; shift >= 0; shift -= 8) {
    for (int d = id; d < DIGITS; d += GROUP) scratch->counts[d] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = id; i < from.count; i += GROUP) {
      sort_key_t key = source_key(&from, i);
      if ((key & known) == last) atomic_inc(&scratch->counts[(int)(key >> shift) & (DIGITS - 1)]);
    }
    find_digit(scratch, wanted);
    last |= (sort_key_t)scratch->digit << shift;
    known |= (sort_key_t)(DIGITS - 1) << shift;
    wanted -= scratch->before;
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  // `wanted` elements of the key `last` belong to the first ones, and all with a lower key.
  for (int i = id; i < from.count; i += GROUP) {
    sort_key_t key = source_key(&from, i);
    if (key >= last) continue;
    int slot = atomic_inc(&scratch->held);
    scratch->keys[slot] = key;
    scratch->places[slot] = source_place(&from, i);
  }
  append_equals(&from, scratch, last, found - wanted, wanted);
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int i = id; i < kept; i += GROUP) {
    if (i >= found) {
      put(to, plan, line, part, i, FILLER, 0);
      continue;
    }
    sort_key_t key = scratch->keys[i];
    int place = scratch->places[i], rank = 0;
    for (int j = 0; j < found; j++)
      rank += scratch->keys[j] < key || (scratch->keys[j] == key && scratch->places[j] < place);
    put(to, plan, line, part, rank, key, place);
  }
}
