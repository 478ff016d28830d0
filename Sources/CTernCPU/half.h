// SPDX-License-Identifier: MIT
//
// Half-precision formats in integer arithmetic, the same on every instruction set; loops over them vectorize.
#ifndef TERN_HALF_H
#define TERN_HALF_H
#include <stdint.h>
#include <string.h>

static inline float tern_float_of_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline uint32_t tern_bits_of_float(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/// Scaling by 2^112 moves the exponent from binary16's bias to float's, subnormals included.
static inline float tern_float_of_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  uint32_t magnitude = (uint32_t)(half & 0x7fffu) << 13;
  uint32_t finite = tern_bits_of_float(tern_float_of_bits(magnitude) * 0x1p112f);
  uint32_t special = magnitude | 0x7f800000u;  // infinity and NaN keep their payload
  return tern_float_of_bits(sign | (magnitude >= 0x0f800000u ? special : finite));
}

/// Rounds to nearest even; overflow gives infinity, NaN stays NaN.
static inline uint16_t tern_half_of_float(float x) {
  uint32_t bits = tern_bits_of_float(x), sign = (bits >> 16) & 0x8000u;
  uint32_t magnitude = bits & 0x7fffffffu;
  // Below 2^-14 the unit in the last place is 2^-24: adding 0.5 rounds there and leaves the result in the low bits.
  uint32_t subnormal = tern_bits_of_float(tern_float_of_bits(magnitude) + 0.5f) - 0x3f000000u;
  uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  uint32_t finite = magnitude < 0x38800000u ? subnormal : normal < 0x7c00u ? normal : 0x7c00u;
  uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  return (uint16_t)(sign | (magnitude > 0x7f800000u ? nan : finite));
}

static inline float tern_float_of_bfloat16(uint16_t x) { return tern_float_of_bits((uint32_t)x << 16); }

/// Rounds to nearest even; NaN stays NaN.
static inline uint16_t tern_bfloat16_of_float(float x) {
  uint32_t bits = tern_bits_of_float(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40u);
  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static inline float tern_same(float x) { return x; }

#endif
