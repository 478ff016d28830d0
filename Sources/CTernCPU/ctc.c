// SPDX-License-Identifier: MIT
#include "tern_ctc.h"

#include "tern_math.h"

#define TERN_VARIANT_BODY "ctc_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(ctc)
