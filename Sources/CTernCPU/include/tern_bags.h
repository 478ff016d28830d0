// SPDX-License-Identifier: MIT
#ifndef TERN_BAGS_H
#define TERN_BAGS_H
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// What happens to a row of `n` floats of a bag.
struct tern_bags_functions {
  /// `target += share * row`.
  void (*add)(float *target, const float *row, float share, size_t n);
  /// Keeps the greater, and whose it is; NaN is greater than all.
  void (*keep_greater)(float *target, int32_t *owners, const float *row, int32_t owner, size_t n);
  /// `target += row` where the owner is `owner`.
  void (*add_owned)(float *target, const int32_t *owners, const float *row, int32_t owner, size_t n);
};

const struct tern_bags_functions *tern_bags(void);
const struct tern_bags_functions *tern_bags_functions_for(tern_isa isa);

#endif
