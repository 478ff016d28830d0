// SPDX-License-Identifier: MIT
#ifndef TERN_ISA_H
#define TERN_ISA_H
#include <stdbool.h>

/// The instruction sets that the loops of this target are compiled for, weakest first.
///
/// Each family of loops is one body file that `isa_variants.h` compiles once for each of them into a table of
/// functions, `struct tern_NAME_functions`. `tern_NAME()` returns the table of `tern_isa_chosen()`,
/// `tern_NAME_functions_for(isa)` a particular one, for tests.
typedef enum tern_isa {
  TERN_ISA_BASELINE = 0,  ///< x86-64 as every processor has it (SSE2), or plain C on other architectures
  TERN_ISA_AVX2 = 1,      ///< AVX2, FMA, F16C
  TERN_ISA_AVX512 = 2,    ///< AVX-512 F, BW, DQ, VL
} tern_isa;

enum { TERN_ISA_COUNT = 3 };

/// The instruction set that is used: the best one this processor has, capped by the environment variable `TERN_ISA`
/// (`avx512`, `avx2` or `baseline`). Decided at the first call; any thread may call.
///
/// A value that means nothing does not cap; the caller should look at `tern_isa_unknown_setting` and refuse to start.
tern_isa tern_isa_chosen(void);

/// Whether this build and this processor can run `isa`, whatever `TERN_ISA` says.
bool tern_isa_available(tern_isa isa);

/// The name of `isa` as `TERN_ISA` spells it.
const char *tern_isa_name(tern_isa isa);

/// The value of `TERN_ISA` when it is none of the names (the empty string counts as unset), else null. The string
/// belongs to the environment.
const char *tern_isa_unknown_setting(void);

#endif
