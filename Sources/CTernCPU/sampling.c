// SPDX-License-Identifier: MIT
#include "tern_sampling.h"

#include <string.h>

#include "tern_grid.h"

/// Points whose places and weights are worked out at a time.
#define POINTS 32

#define TERN_VARIANT_BODY "sampling_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(gridding)
