// SPDX-License-Identifier: MIT
#include "tern_scan.h"

#define TERN_VARIANT_BODY "scan_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(scan)
