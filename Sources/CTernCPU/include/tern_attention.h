// SPDX-License-Identifier: MIT
#ifndef TERN_ATTENTION_H
#define TERN_ATTENTION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// Dense rows of scores of neighbouring queries of one head.
typedef struct tern_attention_rows {
  size_t rows, keys;
  float *scores;  ///< forwards in place: products of queries and keys, which become probabilities
  float scale;
  ptrdiff_t visible;       ///< keys that the first row sees; the others get 0
  ptrdiff_t visible_step;  ///< how many more each row sees: 1, or 0
  const uint8_t *allowed;  ///< a mask, or null: false hides a key
  const float *added;      ///< a mask, or null: added to the scaled scores
  ptrdiff_t mask_row, mask_key;  ///< strides of the mask
  const float *probabilities;    ///< backwards, where `scores` are their gradients
} tern_attention_rows;

struct tern_attention_functions {
  void (*softmax)(const tern_attention_rows *rows);
  void (*softmax_gradient)(const tern_attention_rows *rows);
};

const struct tern_attention_functions *tern_attention(void);
const struct tern_attention_functions *tern_attention_functions_for(tern_isa isa);

#endif
