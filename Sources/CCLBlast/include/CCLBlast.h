// SPDX-License-Identifier: MIT
// The CLBlast entry points that Tern uses, found at run time.
#ifndef TERN_CCLBLAST_H
#define TERN_CCLBLAST_H

#include "COpenCL.h"
#include <clblast_c.h>

#define TERN_CLBLAST_FUNCTIONS(X) \
  X(CLBlastSgemm)                 \
  X(CLBlastSgemmWithTempBuffer)   \
  X(CLBlastSGemmTempBufferSize)   \
  X(CLBlastSgemmStridedBatched)   \
  X(CLBlastHgemm)                 \
  X(CLBlastOverrideParameters)    \
  X(CLBlastClearCache)

TERN_TABLE(tern_clblast, TERN_CLBLAST_FUNCTIONS)

/// The functions of `libclblast.so.1`, or of the file that `TERN_CLBLAST_LIBRARY` names. Loaded by the first call, from
/// any thread. Null when there is no such library or a function is missing from it.
const tern_clblast_table *tern_clblast_load(void);

/// Why `tern_clblast_load` gave null, in the dynamic linker's words; empty if it did not.
const char *tern_clblast_load_error(void);

#endif
