// SPDX-License-Identifier: MIT
// Elements moved by their bits, so that 64-bit integers stay whole.

#include "typed.cl"

#define COPY(T, NOT_A_NUMBER) \
  ((global T *)y)[to] = valid ? ((global const T *)table)[from] : (T)(NOT_A_NUMBER)

/// Copies bits, so that 64-bit integers stay whole; a row of NaN, or 0 for integers, where the index is bad.
static void copy_element(global const void *table, long from, global void *y, long to, int type, bool valid) {
  switch (type) {
    case FLOAT32: COPY(uint, 0x7fc00000); break;
    case FLOAT16: COPY(ushort, 0x7e00); break;
    case BFLOAT16: COPY(ushort, 0x7fc0); break;
    case INT32: COPY(uint, 0); break;
    case INT64: COPY(ulong, 0); break;
    default: COPY(uchar, 0);
  }
}
