// SPDX-License-Identifier: MIT
// Lists of (key, place), sorted by key; `radix.cl` sorts them.

/// The first pair whose key is at least `key`.
static int first_pair(global const int2 *sorted, int count, int key) {
  int low = 0, high = count;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (sorted[middle].x < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
