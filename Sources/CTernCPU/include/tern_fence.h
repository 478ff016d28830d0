// SPDX-License-Identifier: MIT
#ifndef TERN_FENCE_H
#define TERN_FENCE_H
#include <stddef.h>

/// Lets AddressSanitizer report accesses to a block that is kept for reuse, but for its first `used` bytes: it sees the
/// ends of what the system allocates, not those of the parts that a pool gives out. Without the sanitizer a no-op.
void tern_fence(const void *block, size_t used, size_t capacity);

#endif
