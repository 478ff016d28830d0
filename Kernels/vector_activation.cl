// SPDX-License-Identifier: MIT
// activation.cl for vectors.
#include "vector.cl"
#include "activation.cl"

static inline vec activated_vector(vec v) {
#if ACTIVATION == TERN_ACTIVATION_NONE
  return v;
#elif ACTIVATION == TERN_ACTIVATION_RELU
  return v <= 0.0f ? (vec)0.0f : v;  // NaN stays, as in tern_relu
#else
  float lanes[VEC];
  STORE_VEC(v, lanes);
  LANES_LOOP for (int i = 0; i < VEC; i++) lanes[i] = activated(lanes[i]);
  return LOAD_VEC(lanes);
#endif
}
