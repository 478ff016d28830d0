// SPDX-License-Identifier: MIT
#ifndef TERN_ACTIVATION_H
#define TERN_ACTIVATION_H
// The activations that products and convolutions apply before they store an element, in the common subset of C and
// OpenCL C 1.2. Each has the steps of the tensor function of its name, so that fusing one never changes a bit.
#ifndef __OPENCL_VERSION__
#include "tern_math.h"
#endif

// The raw values of Swift's Activation.
#define TERN_ACTIVATION_NONE 0
#define TERN_ACTIVATION_RELU 1
#define TERN_ACTIVATION_TANH 2
#define TERN_ACTIVATION_SIGMOID 3
#define TERN_ACTIVATION_GELU 4
#define TERN_ACTIVATION_GELU_TANH 5
#define TERN_ACTIVATION_SILU 6

TERN_MATH float tern_relu(float x) { return tern_max(x, 0.0f); }

TERN_MATH float tern_gelu(float x) { return x * 0.5f * (tern_erf(x * 0.70710677f) + 1.0f); }

TERN_MATH float tern_gelu_tanh(float x) {
  return x * 0.5f * (tern_tanh((x + x * (x * x) * 0.044715f) * 0.79788456f) + 1.0f);
}

TERN_MATH float tern_silu(float x) { return x * tern_sigmoid(x); }

/// `ACTIVATE(code, function)` for each activation but none.
#define TERN_ACTIVATIONS(ACTIVATE)                    \
  ACTIVATE(TERN_ACTIVATION_RELU, tern_relu)           \
  ACTIVATE(TERN_ACTIVATION_TANH, tern_tanh)           \
  ACTIVATE(TERN_ACTIVATION_SIGMOID, tern_sigmoid)     \
  ACTIVATE(TERN_ACTIVATION_GELU, tern_gelu)           \
  ACTIVATE(TERN_ACTIVATION_GELU_TANH, tern_gelu_tanh) \
  ACTIVATE(TERN_ACTIVATION_SILU, tern_silu)

/// One element; for an `activation` that is no constant, loops are faster with the switch around them.
TERN_MATH float tern_activated(float x, int activation) {
#define TERN_ACTIVATE(CODE, FUNCTION) \
  case CODE: return FUNCTION(x);
  switch (activation) {
    TERN_ACTIVATIONS(TERN_ACTIVATE)
    default: return x;
  }
#undef TERN_ACTIVATE
}
#endif
