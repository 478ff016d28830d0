// SPDX-License-Identifier: MIT
#include "tern_unfold.h"

#include <string.h>

#include "tap_range.h"

#define TERN_VARIANT_BODY "unfold_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(unfolding)
