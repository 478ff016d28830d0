// SPDX-License-Identifier: MIT
#include "tern_resampling.h"

#include <string.h>

#define TERN_VARIANT_BODY "resampling_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(resampling)
