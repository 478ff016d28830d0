// SPDX-License-Identifier: MIT
#include "tern_sorting.h"

#include <string.h>

// Runs that insertion sorts faster than counting, which has 256 counters to clear for every digit.
enum { SHORT_RUN = 48, DIGITS = 256 };

void tern_sort_keys(const float *x, ptrdiff_t stride, size_t n, bool descending, uint32_t *keys) {
  const uint32_t flip = descending ? ~(uint32_t)0 : 0;
  for (size_t i = 0; i < n; i++) {
    const float value = x[(ptrdiff_t)i * stride] + 0.0f;  // -0 becomes 0
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t key = bits ^ (bits >> 31 ? ~(uint32_t)0 : (uint32_t)1 << 31);
    keys[i] = (value != value ? ~(uint32_t)0 : key) ^ flip;
  }
}

void tern_sort_keys_int(const int64_t *x, ptrdiff_t stride, size_t n, bool descending, uint64_t *keys) {
  const uint64_t flip = ((uint64_t)1 << 63) ^ (descending ? ~(uint64_t)0 : 0);
  for (size_t i = 0; i < n; i++) keys[i] = (uint64_t)x[(ptrdiff_t)i * stride] ^ flip;
}

#define TERN_SORT(word, bits)                                                                                     \
  static void insertion_##bits(word *keys, uint32_t *order, size_t n) {                                           \
    for (size_t i = 1; i < n; i++) {                                                                              \
      const word key = keys[i];                                                                                   \
      const uint32_t place = order[i];                                                                            \
      size_t j = i;                                                                                               \
      for (; j > 0 && keys[j - 1] > key; j--) {                                                                   \
        keys[j] = keys[j - 1];                                                                                    \
        order[j] = order[j - 1];                                                                                  \
      }                                                                                                           \
      keys[j] = key;                                                                                              \
      order[j] = place;                                                                                           \
    }                                                                                                             \
  }                                                                                                               \
                                                                                                                  \
  /* A digit that all keys share is passed over. */                                                               \
  static void run_##bits(                                                                                         \
      word *keys, uint32_t *order, size_t n, uint32_t first, word *spare_keys, uint32_t *spare_order) {           \
    for (size_t i = 0; i < n; i++) order[i] = first + (uint32_t)i;                                                \
    if (n <= SHORT_RUN) {                                                                                         \
      insertion_##bits(keys, order, n);                                                                           \
      return;                                                                                                     \
    }                                                                                                             \
    word *from = keys, *to = spare_keys;                                                                          \
    uint32_t *from_order = order, *to_order = spare_order;                                                        \
    for (int shift = 0; shift < bits; shift += 8) {                                                               \
      size_t starts[DIGITS] = {0};                                                                                \
      for (size_t i = 0; i < n; i++) starts[from[i] >> shift & (DIGITS - 1)]++;                                   \
      if (starts[from[0] >> shift & (DIGITS - 1)] == n) continue;                                                 \
      for (size_t d = 0, sum = 0; d < DIGITS; d++) {                                                              \
        const size_t here = starts[d];                                                                            \
        starts[d] = sum;                                                                                          \
        sum += here;                                                                                              \
      }                                                                                                           \
      for (size_t i = 0; i < n; i++) {                                                                            \
        const size_t place = starts[from[i] >> shift & (DIGITS - 1)]++;                                           \
        to[place] = from[i];                                                                                      \
        to_order[place] = from_order[i];                                                                          \
      }                                                                                                           \
      word *const keys_now = to;                                                                                  \
      uint32_t *const order_now = to_order;                                                                       \
      to = from, to_order = from_order;                                                                           \
      from = keys_now, from_order = order_now;                                                                    \
    }                                                                                                             \
    if (from != keys) {                                                                                           \
      memcpy(keys, from, n * sizeof *keys);                                                                       \
      memcpy(order, from_order, n * sizeof *order);                                                               \
    }                                                                                                             \
  }                                                                                                               \
                                                                                                                  \
  /* How many of the first `count` merged elements come from the left run: equal keys do first. */                \
  static size_t taken_##bits(const word *a, size_t m, const word *b, size_t n, size_t count) {                    \
    size_t low = count > n ? count - n : 0, high = count < m ? count : m;                                         \
    while (low < high) {                                                                                          \
      const size_t middle = low + (high - low) / 2;                                                               \
      if (a[middle] <= b[count - middle - 1]) low = middle + 1;                                                   \
      else high = middle;                                                                                         \
    }                                                                                                             \
    return low;                                                                                                   \
  }                                                                                                               \
                                                                                                                  \
  static void merge_##bits(                                                                                       \
      const word *keys, const uint32_t *order, size_t left, size_t n, word *target, uint32_t *target_order,       \
      size_t first, size_t last) {                                                                                \
    const word *right_keys = keys + left;                                                                         \
    const size_t right = n - left;                                                                                \
    size_t i = taken_##bits(keys, left, right_keys, right, first), j = first - i;                                 \
    for (size_t k = first; k < last; k++) {                                                                       \
      const bool takes_left = j >= right || (i < left && keys[i] <= right_keys[j]);                               \
      const size_t source = takes_left ? i++ : left + j++;                                                        \
      target[k] = keys[source];                                                                                   \
      target_order[k] = order[source];                                                                            \
    }                                                                                                             \
  }                                                                                                               \
                                                                                                                  \
  static void least_##bits(const word *keys, size_t n, size_t k, word *best, uint32_t *order) {                   \
    size_t held = 0;                                                                                              \
    for (size_t i = 0; i < n; i++) {                                                                              \
      const word key = keys[i];                                                                                   \
      if (held == k && key >= best[k - 1]) continue;                                                              \
      size_t j = held < k ? held++ : k - 1;                                                                       \
      for (; j > 0 && best[j - 1] > key; j--) {                                                                   \
        best[j] = best[j - 1];                                                                                    \
        order[j] = order[j - 1];                                                                                  \
      }                                                                                                           \
      best[j] = key;                                                                                              \
      order[j] = (uint32_t)i;                                                                                     \
    }                                                                                                             \
  }

TERN_SORT(uint32_t, 32)
TERN_SORT(uint64_t, 64)

void tern_sort_run(
    bool wide, void *keys, uint32_t *order, size_t n, uint32_t first, void *spare_keys, uint32_t *spare_order) {
  if (wide) run_64(keys, order, n, first, spare_keys, spare_order);
  else run_32(keys, order, n, first, spare_keys, spare_order);
}

void tern_sort_merge(
    bool wide, const void *keys, const uint32_t *order, size_t left, size_t n, void *target_keys,
    uint32_t *target_order, size_t first, size_t last) {
  if (wide) merge_64(keys, order, left, n, target_keys, target_order, first, last);
  else merge_32(keys, order, left, n, target_keys, target_order, first, last);
}

void tern_sort_least(bool wide, const void *keys, size_t n, size_t k, void *best, uint32_t *order) {
  if (wide) least_64(keys, n, k, best, order);
  else least_32(keys, n, k, best, order);
}
