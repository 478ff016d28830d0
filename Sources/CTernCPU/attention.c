// SPDX-License-Identifier: MIT
#include "tern_attention.h"

#include <string.h>

#include "tern_math.h"

#define TERN_VARIANT_BODY "attention_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(attention)
