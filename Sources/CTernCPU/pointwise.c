// SPDX-License-Identifier: MIT
#include "tern_pointwise.h"

#include <string.h>

#include "tern_math.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define TERN_VARIANT_BODY "pointwise_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(pointwise)
