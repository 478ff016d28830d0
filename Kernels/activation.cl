// SPDX-License-Identifier: MIT
// The activation that a kernel applies to its results, a constant of the program, so that none costs nothing.
//
// Definition: ACTIVATION, one of TERN_ACTIVATION_*.
#include "tern_activation.h"
#ifndef ACTIVATION
#define ACTIVATION TERN_ACTIVATION_NONE
#endif

static inline float activated(float x) { return tern_activated(x, ACTIVATION); }
