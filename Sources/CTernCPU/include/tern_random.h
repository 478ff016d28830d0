// SPDX-License-Identifier: MIT
#ifndef TERN_RANDOM_H
#define TERN_RANDOM_H
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// A stretch of the Philox4x32-10 stream, in whole blocks of four words.
typedef struct tern_stream {
  uint64_t seed, stream;
  uint64_t first_block;
} tern_stream;

struct tern_random_functions {
  /// `4 * blocks` words.
  void (*words)(const tern_stream *stream, uint32_t *out, size_t blocks);
  /// `low + (high - low) * (word >> 8) * 2^-24` for each word.
  void (*uniform)(const uint32_t *words, float low, float high, float *out, size_t n);
  /// Box-Muller on pairs of words; `n` even.
  void (*normal)(const uint32_t *words, float mean, float deviation, float *out, size_t n);
  /// 1 where the word is at least `threshold`, else 0.
  void (*mask)(const uint32_t *words, uint32_t threshold, float *out, size_t n);
};

const struct tern_random_functions *tern_random(void);
const struct tern_random_functions *tern_random_functions_for(tern_isa isa);

#endif
