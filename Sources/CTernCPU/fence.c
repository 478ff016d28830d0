// SPDX-License-Identifier: MIT
#include "tern_fence.h"

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>

void tern_fence(const void *block, size_t used, size_t capacity) {
  __asan_unpoison_memory_region(block, used);
  __asan_poison_memory_region((const char *)block + used, capacity - used);
}
#else
void tern_fence(const void *block, size_t used, size_t capacity) {
  (void)block;
  (void)used;
  (void)capacity;
}
#endif
