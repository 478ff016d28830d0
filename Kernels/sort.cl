// SPDX-License-Identifier: MIT
// Positions that sort the lines along one axis of [outer, n, inner], by the keys of sort_key.cl; equal ones keep their
// places.
//
// sort_keys           The keys, line after line: one work-item for each element.
// Short lines: sort_ranks; a work-item (CPU device: for each of `share` neighbours) counts the elements that come
// before its own.
// Longer ones are sorted together, digit by digit (radix.cl), by key and then by line:
// sort_pairs          (one word of the key, element) from the elements in their order so far; word 2 is the line.
// sort_places         Positions from the sorted pairs.
// No local memory.

#include "sort_key.cl"

kernel void sort_keys(
    global const void *x, steps_t steps, int type, global sort_key_t *keys, long n, long inner, int descending,
    long count, long share) {
  FOR_OWN(e, count, share) {
    long line = e / n, p = e - line * n, o = line / inner, i = line - o * inner;
    long at = steps.offset + o * steps.outer + p * steps.axis + i * steps.inner;
    keys[e] = sort_key_at(x, at, type, descending);
  }
}

/// Puts an element of a line to its rank, if that is among the first `kept`.
static void place_element(
    global long *y, long y_offset, long line, long rank, long kept, long inner, long position) {
  if (rank < kept) y[y_offset + (line / inner * kept + rank) * inner + line % inner] = position;
}

kernel void sort_ranks(
    global const sort_key_t *keys, global long *y, long y_offset, long n, long kept, long inner, long count,
    long share) {
  FOR_OWN(e, count, share) {
    long line = e / n;
    int p = (int)(e - line * n), rank = 0;
    global const sort_key_t *row = keys + line * n;
    sort_key_t own = row[p];
    for (int j = 0; j < p; j++) rank += row[j] <= own;
    for (int j = p + 1; j < (int)n; j++) rank += row[j] < own;
    place_element(y, y_offset, line, rank, kept, inner, p);
  }
}

/// - started: whether `pairs` holds an order already; else it is the elements' own.
kernel void sort_pairs(
    global const sort_key_t *keys, global int2 *pairs, int n, int word, int started, long count, long share) {
  FOR_OWN(i, count, share) {
    int e = started ? pairs[i].y : (int)i;
    int key = word == 2 ? e / n : (int)(uint)(word == 0 ? keys[e] : (sort_key_t)((ulong)keys[e] >> 32));
    pairs[i] = (int2)(key, e);
  }
}

kernel void sort_places(
    global const int2 *sorted, global long *y, long y_offset, int n, long kept, long inner, long count, long share) {
  FOR_OWN(i, count, share) {
    int line = (int)i / n;
    place_element(y, y_offset, line, i - line * n, kept, inner, sorted[i].y - line * n);
  }
}
