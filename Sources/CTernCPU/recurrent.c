// SPDX-License-Identifier: MIT
#include "tern_recurrent.h"

#include <string.h>

#include "tern_activation.h"

#define TERN_VARIANT_BODY "recurrent_body.h"
#include "isa_variants.h"

TERN_VARIANT_TABLES(recurrent)
