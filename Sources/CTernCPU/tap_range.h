// SPDX-License-Identifier: MIT
#ifndef TERN_TAP_RANGE_H
#define TERN_TAP_RANGE_H
#include <stddef.h>

/// The outputs `*first ..< *last` for which tap `tap` of the window lies inside the input, along one axis.
static inline void tap_range(
    ptrdiff_t tap, ptrdiff_t dilation, ptrdiff_t stride, ptrdiff_t pad, ptrdiff_t input, ptrdiff_t output,
    ptrdiff_t *first, ptrdiff_t *last) {
  const ptrdiff_t shift = tap * dilation - pad;  // input position = output * stride + shift
  *first = shift < 0 ? (-shift + stride - 1) / stride : 0;
  *last = input - 1 - shift < 0 ? 0 : (input - 1 - shift) / stride + 1;
  if (*last > output) *last = output;
  if (*first > *last) *first = *last;
}
#endif
