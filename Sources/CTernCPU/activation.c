// SPDX-License-Identifier: MIT
#include "tern_activation.h"

#include <stddef.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define TERN_VARIANT_BODY "activation_body.h"
#include "isa_variants.h"
