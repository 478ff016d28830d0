// SPDX-License-Identifier: MIT
// Numbers as unsigned keys of the same order, of 32 bits, or of 64 where WIDE (int64). NaN is the greatest, and both
// zeros are one.

#include "typed.cl"

#ifndef WIDE
#define WIDE 0
#endif
#if WIDE
typedef ulong sort_key_t;
#else
typedef uint sort_key_t;
#endif

typedef struct {
  long offset, outer, axis, inner;
} steps_t;

/// The key of the element at `at`; complemented where `descending`.
static sort_key_t sort_key_at(global const void *x, long at, int type, int descending) {
#if WIDE
  ulong key = (ulong)load_int(x, at, type) ^ 0x8000000000000000UL;
#else
  uint key;
  if (type >= INT32) {
    key = (uint)load_int(x, at, type) ^ 0x80000000u;
  } else {
    float value = load_real(x, at, type) + 0.0f;  // -0 becomes 0
    uint bits = as_uint(value);
    key = value != value ? 0xffffffffu : bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u);
  }
#endif
  return descending ? ~key : key;
}
