// SPDX-License-Identifier: MIT
#include "tern_isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const char *tern_isa_name(tern_isa isa) {
  switch (isa) {
    case TERN_ISA_AVX512: return "avx512";
    case TERN_ISA_AVX2: return "avx2";
    case TERN_ISA_BASELINE: return "baseline";
  }
  return "unknown";
}

bool tern_isa_available(tern_isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (isa == TERN_ISA_AVX2) return avx2;
  if (isa == TERN_ISA_AVX512) {
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
#endif
  return isa == TERN_ISA_BASELINE;
}

/// The index of the instruction set called `name`, or -1.
static int isa_named(const char *name) {
  for (int isa = 0; isa < TERN_ISA_COUNT; isa++) {
    if (strcmp(name, tern_isa_name((tern_isa)isa)) == 0) return isa;
  }
  return -1;
}

/// `TERN_ISA`, or null when it is unset or empty.
static const char *isa_setting(void) {
  const char *setting = getenv("TERN_ISA");
  return setting && setting[0] ? setting : NULL;
}

const char *tern_isa_unknown_setting(void) {
  const char *setting = isa_setting();
  return setting && isa_named(setting) < 0 ? setting : NULL;
}

tern_isa tern_isa_chosen(void) {
  // Two threads may both decide, and then decide the same.
  static atomic_int decided = -1;
  int isa = atomic_load_explicit(&decided, memory_order_relaxed);
  if (isa >= 0) return (tern_isa)isa;
  const char *setting = isa_setting();
  int cap = setting ? isa_named(setting) : -1;
  isa = cap >= 0 ? cap : TERN_ISA_COUNT - 1;
  while (!tern_isa_available((tern_isa)isa)) isa--;
  atomic_store_explicit(&decided, isa, memory_order_relaxed);
  return (tern_isa)isa;
}
