// SPDX-License-Identifier: MIT
#include "tern_depthwise.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "tern_activation.h"

#define TERN_VARIANT_BODY "conv_depthwise_body.h"
#include "isa_variants.h"
TERN_VARIANT_TABLES(depthwise)
