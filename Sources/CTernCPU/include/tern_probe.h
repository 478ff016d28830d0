// SPDX-License-Identifier: MIT
#ifndef TERN_PROBE_H
#define TERN_PROBE_H
#include <stdint.h>

#include "tern_isa.h"

/// Arithmetic that nothing slows down: the most that a core can do, for `tern devices --measure`.
struct tern_probe_functions {
  /// Multiplies and adds `rounds` times in each of `chains` independent vectors; the result only keeps the compiler
  /// from leaving it out.
  float (*multiply_add)(int64_t rounds);
  int chains;
  int lanes;  ///< floats of a vector
};

const struct tern_probe_functions *tern_probe(void);
const struct tern_probe_functions *tern_probe_functions_for(tern_isa isa);

#endif
