// SPDX-License-Identifier: MIT
#include "tern_probe.h"

#define TERN_VARIANT_BODY "probe_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(probe)
