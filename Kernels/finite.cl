// SPDX-License-Identifier: MIT
// Whether an element of up to 16 dense arrays is infinite or NaN: sets a flag, which the host has cleared.
//
// A work-group does `share` neighbouring elements of one array; the group's number says of which. GPU: its work-items
// take every GROUP-th. What is not finite has all exponent bits set, so integers are compared, whatever the type.
// No local memory. The flag is set by an atomic or, whose order does not matter.

#include "typed.cl"

#define ARRAYS 16

/// Of each array: the first work-group, the place of the first element, how many there are, and their type.
typedef struct {
  long first[ARRAYS], offset[ARRAYS], count[ARRAYS], type[ARRAYS], share;
} finite_plan;

#if TERN_CPU_DEVICE
#define LANE 0
#define LANES 1
#define ALL_BITS VECTOR_LOOP
#else
#define LANE get_local_id(0)
#define LANES GROUP
#define ALL_BITS
#endif

static int is_any_wide(global const uint *x, long from, long end) {
  int found = 0;
  ALL_BITS
  for (long i = from + LANE; i < end; i += LANES) found |= (x[i] & 0x7F800000u) == 0x7F800000u;
  return found;
}

static int is_any_half(global const ushort *x, long from, long end, ushort exponent) {
  int found = 0;
  ALL_BITS
  for (long i = from + LANE; i < end; i += LANES) found |= (x[i] & exponent) == exponent;
  return found;
}

kernel void find_not_finite(
    global const void *x0, global const void *x1, global const void *x2, global const void *x3, global const void *x4,
    global const void *x5, global const void *x6, global const void *x7, global const void *x8, global const void *x9,
    global const void *x10, global const void *x11, global const void *x12, global const void *x13,
    global const void *x14, global const void *x15, finite_plan plan, global int *flag, long flag_offset) {
  long group = get_group_id(0);
  int array = 0;
  for (int a = 1; a < ARRAYS; a++) array += group >= plan.first[a];
  global const void *x = x0;
  switch (array) {
    case 1: x = x1; break;
    case 2: x = x2; break;
    case 3: x = x3; break;
    case 4: x = x4; break;
    case 5: x = x5; break;
    case 6: x = x6; break;
    case 7: x = x7; break;
    case 8: x = x8; break;
    case 9: x = x9; break;
    case 10: x = x10; break;
    case 11: x = x11; break;
    case 12: x = x12; break;
    case 13: x = x13; break;
    case 14: x = x14; break;
    case 15: x = x15; break;
  }
  long from = (group - plan.first[array]) * plan.share, end = min(from + plan.share, plan.count[array]);
  long offset = plan.offset[array], type = plan.type[array];
  int found = type == FLOAT32 ? is_any_wide((global const uint *)x, offset + from, offset + end)
                              : is_any_half((global const ushort *)x, offset + from, offset + end,
                                            type == FLOAT16 ? 0x7C00 : 0x7F80);
  if (found) atomic_or(flag + flag_offset, 1);
}
