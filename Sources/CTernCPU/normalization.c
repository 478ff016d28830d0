// SPDX-License-Identifier: MIT
#include "tern_normalization.h"

#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "half.h"

#define TERN_VARIANT_BODY "normalization_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(normalization)
