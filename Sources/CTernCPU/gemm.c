// SPDX-License-Identifier: MIT
#include "tern_gemm.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "half.h"
#include "tern_activation.h"

#define TERN_VARIANT_BODY "gemm_body.h"
#include "isa_variants.h"
TERN_VARIANT_TABLES(gemm)
