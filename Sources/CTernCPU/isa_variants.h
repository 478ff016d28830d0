// SPDX-License-Identifier: MIT
//
// Compiles a family's body once for each instruction set. A family `scale` consists of
//
//   include/tern_scale.h   struct tern_scale_functions { void (*scale)(…); };
//                          const struct tern_scale_functions *tern_scale(void);
//                          const struct tern_scale_functions *tern_scale_functions_for(tern_isa isa);
//   scale_body.h           static void TERN_VARIANT(scale)(…) { … }        every function through TERN_VARIANT, and
//                          static const struct tern_scale_functions
//                              TERN_VARIANT(scale_table) = { TERN_VARIANT(scale) };
//   scale.c                #include "tern_scale.h"
//                          #define TERN_VARIANT_BODY "scale_body.h"
//                          #include "isa_variants.h"
//                          TERN_VARIANT_TABLES(scale)
//
// The body sees TERN_VECTOR_BYTES (64, 32 or 16) and exactly one of TERN_AVX512, TERN_AVX2, TERN_BASELINE, and may use
// vector types of that width. System headers, <immintrin.h> among them, belong before this file; helpers that take or
// return vectors belong into the body, because the calling convention of a wide vector depends on the instruction set.
// The feature list is spelled out: target("arch=x86-64-v4") prefers 256-bit code even for 64-byte vector types.

#include "tern_isa.h"

/// For arrays on the stack that loops read and write in vectors. The ABI aligns them to 16 bytes; a vector that lies
/// across two cache lines takes twice as long: in some processes, but not in others.
#define TERN_ALIGNED _Alignas(64)

#define TERN_VARIANT_PASTE_(name, isa) tern_##name##_##isa
#define TERN_VARIANT_PASTE(name, isa) TERN_VARIANT_PASTE_(name, isa)
#define TERN_VARIANT(name) TERN_VARIANT_PASTE(name, TERN_VARIANT_ISA)

#if defined(__x86_64__)

#define TERN_VARIANT_ISA avx512
#define TERN_AVX512 1
#define TERN_VECTOR_BYTES 64
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#include TERN_VARIANT_BODY
#pragma clang attribute pop
#undef TERN_VARIANT_ISA
#undef TERN_AVX512
#undef TERN_VECTOR_BYTES

#define TERN_VARIANT_ISA avx2
#define TERN_AVX2 1
#define TERN_VECTOR_BYTES 32
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include TERN_VARIANT_BODY
#pragma clang attribute pop
#undef TERN_VARIANT_ISA
#undef TERN_AVX2
#undef TERN_VECTOR_BYTES

#define TERN_VARIANT_TABLES(name)                                                       \
  const struct tern_##name##_functions *tern_##name##_functions_for(tern_isa isa) {     \
    if (isa == TERN_ISA_AVX512) return &tern_##name##_table_avx512;                     \
    if (isa == TERN_ISA_AVX2) return &tern_##name##_table_avx2;                         \
    return &tern_##name##_table_baseline;                                               \
  }                                                                                     \
  const struct tern_##name##_functions *tern_##name(void) {                           \
    return tern_##name##_functions_for(tern_isa_chosen());                              \
  }

#else

#define TERN_VARIANT_TABLES(name)                                                       \
  const struct tern_##name##_functions *tern_##name##_functions_for(tern_isa isa) {     \
    (void)isa;                                                                          \
    return &tern_##name##_table_baseline;                                               \
  }                                                                                     \
  const struct tern_##name##_functions *tern_##name(void) {                           \
    return &tern_##name##_table_baseline;                                               \
  }

#endif

#define TERN_VARIANT_ISA baseline
#define TERN_BASELINE 1
#define TERN_VECTOR_BYTES 16
#include TERN_VARIANT_BODY
#undef TERN_VARIANT_ISA
#undef TERN_BASELINE
#undef TERN_VECTOR_BYTES
