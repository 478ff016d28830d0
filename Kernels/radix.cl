// SPDX-License-Identifier: MIT
// One pass of a sort of pairs (key, payload) by a digit of the key, least significant digit first. Each pass keeps the
// order of equal digits. A work-item counts the digits of `share` neighbouring pairs, a chunk; one work-item or group
// turns the counts into places; and the chunks write.
//
// digit_counts        counts[digit * chunks + chunk].
// digit_starts        Exclusive running sum over all counts.
// digit_places        Moves the pairs to their places.
// Local memory on a GPU: 1 KiB in digit_starts.

#ifndef DIGIT_BITS
#define DIGIT_BITS (TERN_CPU_DEVICE ? 8 : 4)
#endif
#define DIGITS (1 << DIGIT_BITS)

// Work-items of a group on a GPU, a power of two and at least 32.
#ifndef GROUP
#define GROUP 256
#endif

kernel void digit_counts(global const int2 *pairs, global int *counts, int count, int shift, int share, int chunks) {
  int chunk = get_global_id(0), first = chunk * share;
  if (chunk >= chunks) return;
  int own[DIGITS];
  for (int d = 0; d < DIGITS; d++) own[d] = 0;
  for (int i = first; i < min(first + share, count); i++) own[(pairs[i].x >> shift) & (DIGITS - 1)]++;
  for (int d = 0; d < DIGITS; d++) counts[d * chunks + chunk] = own[d];
}

kernel void digit_starts(global int *counts, int total) {
#if TERN_CPU_DEVICE
  int sum = 0;
  for (int i = 0; i < total; i++) {
    int here = counts[i];
    counts[i] = sum;
    sum += here;
  }
#else
  // One group; each work-item owns a stretch: sums it, waits for the sums before it, and writes the running sums.
  local int sums[GROUP];
  int id = get_local_id(0), stretch = (total + GROUP - 1) / GROUP;
  int first = min(id * stretch, total), end = min(first + stretch, total);
  int own = 0;
  for (int i = first; i < end; i++) own += counts[i];
  sums[id] = own;
  for (int step = 1; step < GROUP; step *= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    int before = id >= step ? sums[id - step] : 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    sums[id] += before;
  }
  int sum = sums[id] - own;
  for (int i = first; i < end; i++) {
    int here = counts[i];
    counts[i] = sum;
    sum += here;
  }
#endif
}

kernel void digit_places(
    global const int2 *pairs, global int2 *sorted, global const int *starts, int count, int shift, int share,
    int chunks) {
  int chunk = get_global_id(0), first = chunk * share;
  if (chunk >= chunks) return;
  int next[DIGITS];
  for (int d = 0; d < DIGITS; d++) next[d] = starts[d * chunks + chunk];
  for (int i = first; i < min(first + share, count); i++) {
    int2 pair = pairs[i];
    sorted[next[(pair.x >> shift) & (DIGITS - 1)]++] = pair;
  }
}
