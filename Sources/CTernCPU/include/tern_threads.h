// SPDX-License-Identifier: MIT
#ifndef TERN_THREADS_H
#define TERN_THREADS_H

/// Tells the processor that this thread spins, so that the core's other work goes first.
static inline void tern_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// The cores in this process's affinity mask, which containers and `taskset` narrow; 0 if the system does not say.
int tern_available_cores(void);

#endif
