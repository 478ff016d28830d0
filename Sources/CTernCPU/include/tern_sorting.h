// SPDX-License-Identifier: MIT
#ifndef TERN_SORTING_H
#define TERN_SORTING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Sorting by unsigned keys that keep the order of the numbers they stand for. Every sort keeps the order of equal
/// keys. Arrays of keys are `uint32_t`, or `uint64_t` where `wide`; orders are positions in a line.

/// Keys of `n` floats, or 64-bit integers, `stride` apart; complemented where `descending`. NaN is the greatest, and
/// both zeros are one.
void tern_sort_keys(const float *x, ptrdiff_t stride, size_t n, bool descending, uint32_t *keys);
void tern_sort_keys_int(const int64_t *x, ptrdiff_t stride, size_t n, bool descending, uint64_t *keys);

/// Sorts `keys` and with them their positions, which start at `first`. `spare_keys` and `spare_order` are room for as
/// many.
void tern_sort_run(
    bool wide, void *keys, uint32_t *order, size_t n, uint32_t first, void *spare_keys, uint32_t *spare_order);

/// Elements `first ..< last` of the merge of two sorted runs that stand one behind the other, the first `left` elements
/// of `n`.
void tern_sort_merge(
    bool wide, const void *keys, const uint32_t *order, size_t left, size_t n, void *target_keys,
    uint32_t *target_order, size_t first, size_t last);

/// The positions of the `k` least keys in order, for a `k` so small that insertion is the fastest way. `best` is room
/// for `k` keys.
void tern_sort_least(bool wide, const void *keys, size_t n, size_t k, void *best, uint32_t *order);

#endif
