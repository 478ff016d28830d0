// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // sched_getaffinity
#include "tern_threads.h"

#if defined(__linux__)
#include <sched.h>

int tern_available_cores(void) {
  // A machine may have more processors than a cpu_set_t holds: larger masks until the kernel is content.
  for (int processors = CPU_SETSIZE; processors <= 1 << 16; processors *= 2) {
    cpu_set_t *mask = CPU_ALLOC((size_t)processors);
    if (!mask) return 0;
    const size_t size = CPU_ALLOC_SIZE((size_t)processors);
    const int count = sched_getaffinity(0, size, mask) == 0 ? CPU_COUNT_S(size, mask) : 0;
    CPU_FREE(mask);
    if (count > 0) return count;
  }
  return 0;
}
#else
int tern_available_cores(void) { return 0; }
#endif
