// SPDX-License-Identifier: MIT
// The first few positions that sorting the lines along one axis of [outer, n, inner] gives, without a sort: by the keys
// of sort_key.cl, and equal ones by their places. A line is cut into `parts` of `part` elements where there are too few
// lines to keep a device busy; each part then leaves its own candidates, and the second kernel finds the first of them.
//
// topk_lines          Positions, or with several parts candidates. CPU device: a work-item does a part of `share` lines
//                     one after the other and inserts what belongs to the best so far; GPU: a group does one part.
// topk_candidates     Positions from a line's candidates; CPU device: a work-item a line, GPU: a group a line.
// Local memory on a GPU: see topk_gpu.cl.

#include "sort_key.cl"

/// What is wanted: the first `kept` of each line; at most MOST_KEPT, on a GPU GROUP.
typedef struct {
  long lines, n, inner, part, parts, kept, share;
} topk_t;

/// Positions go to `y`, or, where there is more than one part, candidates to `keys` and `places`.
typedef struct {
  global long *y;
  global sort_key_t *keys;
  global int *places;
} topk_target;

/// The greatest key fills up a part of fewer elements than are wanted. It is the last of its line, so elements of the
/// same key come first.
#define FILLER (~(sort_key_t)0)

static void put(topk_target to, const topk_t *plan, long line, long part, int rank, sort_key_t key, int place) {
  if (to.keys) {
    long at = (line * plan->parts + part) * plan->kept + rank;
    to.keys[at] = key;
    to.places[at] = place;
  } else {
    to.y[(line / plan->inner * plan->kept + rank) * plan->inner + line % plan->inner] = place;
  }
}

/// Where elements come from: a stretch of a line, or candidates where `places` is set.
typedef struct {
  global const void *x;
  global const sort_key_t *keys;
  global const int *places;
  long at, stride;
  int type, descending, first, count;
} topk_source;

static sort_key_t source_key(const topk_source *from, int i) {
  if (from->places) return from->keys[from->at + i];
  return sort_key_at(from->x, from->at + i * from->stride, from->type, from->descending);
}

static int source_place(const topk_source *from, int i) {
  return from->places ? from->places[from->at + i] : from->first + i;
}

static topk_source part_of_line(
    global const void *x, steps_t steps, int type, int descending, const topk_t *plan, long line, long part) {
  long o = line / plan->inner, i = line - o * plan->inner, first = part * plan->part;
  topk_source from = {x, 0, 0, steps.offset + o * steps.outer + i * steps.inner + first * steps.axis, steps.axis};
  from.type = type;
  from.descending = descending;
  from.first = (int)first;
  from.count = (int)min(plan->part, plan->n - first);
  return from;
}

static topk_source candidates_of_line(
    global const sort_key_t *keys, global const int *places, const topk_t *plan, long line) {
  int count = (int)(plan->parts * plan->kept);
  topk_source from = {0, keys, places, line * count, 1};
  from.count = count;
  return from;
}

#if TERN_CPU_DEVICE
#define MOST_KEPT 64

/// Whether one of 64 elements may have a key below `bound`; elements behind the end may be taken for one.
static bool may_hold(const topk_source *from, int start, sort_key_t bound) {
#if !WIDE
  if (from->type < INT32 && !from->places) {
    const uint16 flip = from->descending ? ~0u : 0u;
    int16 below = 0;
    for (int i = start; i < min(start + 64, from->count); i += 16) {
      float16 v = load_lanes(
          from->x, from->at + i * from->stride, from->stride, from->count - i, from->type, 0.0f);
      uint16 bits = as_uint16(v + 0.0f);
      uint16 key = bits ^ (as_uint16(as_int16(bits) >> 31) | 0x80000000u);
      key = v != v ? (uint16)(0xffffffffu) : key;
      below |= (key ^ flip) < (uint16)(bound);
    }
    return any(below);
  }
#endif
  return true;
}

/// Inserts each element into the ordered list of the best so far, where few elements of a long line belong.
static void select_first(topk_source from, topk_target to, const topk_t *plan, long line, long part) {
  sort_key_t best[MOST_KEPT];
  int places[MOST_KEPT], held = 0, kept = (int)plan->kept;
  for (int start = 0; start < from.count; start += 64) {
    if (held == kept && !may_hold(&from, start, best[kept - 1])) continue;
    for (int i = start; i < min(start + 64, from.count); i++) {
      sort_key_t key = source_key(&from, i);
      if (held == kept && key >= best[kept - 1]) continue;
      int j = held < kept ? held++ : kept - 1;
      for (; j > 0 && best[j - 1] > key; j--) {
        best[j] = best[j - 1];
        places[j] = places[j - 1];
      }
      best[j] = key;
      places[j] = source_place(&from, i);
    }
  }
  for (int rank = 0; rank < kept; rank++) {
    bool is_there = rank < held;
    put(to, plan, line, part, rank, is_there ? best[rank] : FILLER, is_there ? places[rank] : 0);
  }
}
#else
#include "topk_gpu.cl"
#endif

kernel void topk_lines(
    global const void *x, steps_t steps, int type, int descending, global long *y, long y_offset,
    global sort_key_t *keys, global int *places, topk_t plan) {
  topk_target to = {y + y_offset, plan.parts > 1 ? keys : 0, places};
#if TERN_CPU_DEVICE
  long item = get_global_id(0), part = item % plan.parts, first = item / plan.parts * plan.share;
  for (long line = first; line < min(first + plan.share, plan.lines); line++)
    select_first(part_of_line(x, steps, type, descending, &plan, line, part), to, &plan, line, part);
#else
  local scratch_t scratch;
  long slot = get_group_id(0), line = slot / plan.parts, part = slot - line * plan.parts;
  select_first(part_of_line(x, steps, type, descending, &plan, line, part), to, &plan, line, part, &scratch);
#endif
}

kernel void topk_candidates(
    global const sort_key_t *keys, global const int *places, global long *y, long y_offset, topk_t plan) {
  topk_target to = {y + y_offset, 0, 0};
#if TERN_CPU_DEVICE
  long line = get_global_id(0);
  if (line < plan.lines) select_first(candidates_of_line(keys, places, &plan, line), to, &plan, line, 0);
#else
  local scratch_t scratch;
  long line = get_group_id(0);
  select_first(candidates_of_line(keys, places, &plan, line), to, &plan, line, 0, &scratch);
#endif
}
