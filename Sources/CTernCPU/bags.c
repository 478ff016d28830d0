// SPDX-License-Identifier: MIT
#include "tern_bags.h"

#define TERN_VARIANT_BODY "bags_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(bags)
