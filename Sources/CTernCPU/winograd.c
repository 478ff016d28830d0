// SPDX-License-Identifier: MIT
#include "tern_winograd.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "tern_activation.h"
#include "tern_gemm.h"

#define TERN_VARIANT_BODY "winograd_body.h"
#include "isa_variants.h"
TERN_VARIANT_TABLES(winograd)
