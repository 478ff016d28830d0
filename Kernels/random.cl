// SPDX-License-Identifier: MIT
// Numbers of the counter-based stream Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011): block j has key `seed` and counter (j, stream), and gives elements 4j to 4j + 3. Words, uniforms and masks are
// the same bits as the CPU's; normals follow the same steps.
//
// CPU device: a work-item does SHARE blocks, in loops that become vector code. GPU: a work-item does one block.
// No local memory.

#include "typed.cl"

#if TERN_CPU_DEVICE
#define SHARE 256  // their words are 4 KiB
#else
#define SHARE 1
#endif
#define WORDS (4 * SHARE)

/// The words of the work-item's blocks. No vector types: only then do compilers make vector code of the loop.
static void fill_words(uint *words, ulong seed, ulong stream) {
  ulong first = (ulong)get_global_id(0) * SHARE;
  for (int i = 0; i < SHARE; i++) {
    uint c0 = (uint)(first + i), c1 = (uint)((first + i) >> 32), c2 = (uint)stream, c3 = (uint)(stream >> 32);
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
#pragma unroll
    for (int round = 0; round < 10; round++) {
      ulong a = (ulong)c0 * 0xD2511F53u, b = (ulong)c2 * 0xCD9E8D57u;
      c0 = (uint)(b >> 32) ^ c1 ^ k0;
      c1 = (uint)b;
      c2 = (uint)(a >> 32) ^ c3 ^ k1;
      c3 = (uint)a;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    words[4 * i] = c0;
    words[4 * i + 1] = c1;
    words[4 * i + 2] = c2;
    words[4 * i + 3] = c3;
  }
}

/// 24 bits as a number of [0, 1).
static float unit(uint word) { return (float)(int)(word >> 8) * 5.96046448e-8f; }

/// Stores the elements of the work-item's blocks that lie in the output.
static void store_values(const float *values, global void *y, long offset, int type, long count) {
  long first = (long)get_global_id(0) * WORDS, end = min((long)WORDS, count - first);
  if (type == FLOAT32 && end == WORDS) {
    for (int i = 0; i < WORDS; i++) ((global float *)y)[offset + first + i] = values[i];
  } else {
    for (long i = 0; i < end; i++) store_real(y, offset + first + i, values[i], type);
  }
}

kernel void random_words(global void *y, long offset, int type, long count, ulong seed, ulong stream) {
  uint words[WORDS];
  fill_words(words, seed, stream);
  long first = (long)get_global_id(0) * WORDS, end = min((long)WORDS, count - first);
  for (long i = 0; i < end; i++) store_int(y, offset + first + i, (long)words[i], type);
}

/// low + range * u, rounded twice.
kernel void random_uniform(
    global void *y, long offset, int type, long count, ulong seed, ulong stream, float low, float range) {
  uint words[WORDS];
  float values[WORDS];
  fill_words(words, seed, stream);
  for (int i = 0; i < WORDS; i++) values[i] = low + range * unit(words[i]);
  store_values(values, y, offset, type, count);
}

/// Box and Muller's transform of words in pairs.
kernel void random_normal(
    global void *y, long offset, int type, long count, ulong seed, ulong stream, float mean, float deviation) {
  uint words[WORDS];
  float values[WORDS];
  fill_words(words, seed, stream);
  for (int i = 0; i < WORDS / 2; i++) {
    // (w + 1) * 2^-24 is never 0, so its logarithm is finite.
    float u1 = (float)(int)((words[2 * i] >> 8) + 1) * 5.96046448e-8f, angle = 6.28318531f * unit(words[2 * i + 1]);
    float radius = deviation * tern_sqrt(-2.0f * tern_log(u1));
    values[2 * i] = mean + radius * tern_cos(angle);
    values[2 * i + 1] = mean + radius * tern_sin(angle);
  }
  store_values(values, y, offset, type, count);
}

kernel void random_mask(
    global void *y, long offset, int type, long count, ulong seed, ulong stream, uint threshold) {
  uint words[WORDS];
  float values[WORDS];
  fill_words(words, seed, stream);
  for (int i = 0; i < WORDS; i++) values[i] = words[i] >= threshold ? 1.0f : 0.0f;
  store_values(values, y, offset, type, count);
}
