// SPDX-License-Identifier: MIT
#include "CCLBlast.h"

TERN_LIBRARY(tern_clblast, TERN_CLBLAST_FUNCTIONS, "TERN_CLBLAST_LIBRARY", "libclblast.so.1")
