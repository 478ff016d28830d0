// SPDX-License-Identifier: MIT
#ifndef TERN_MATH_H
#define TERN_MATH_H
// The arithmetic of the pointwise operations and of the random normals, in the common subset of C and OpenCL C 1.2, so
// that every device computes with the same steps. All functions are free of branches: compilers turn a loop over one
// into vector code. Errors are stated in units in the last place (ulp) of the Float32 result.
//
// `tern_fma` is one instruction with one rounding where the device has it, else a multiplication and an addition; a few
// last bits depend on that.

#ifdef __OPENCL_VERSION__
#pragma OPENCL FP_CONTRACT OFF
#define TERN_MATH static inline
typedef long tern_int;
typedef ulong tern_uint;
typedef uint tern_word;
typedef ushort tern_half_bits;
// Define TERN_HAS_FMA as 0 or 1 to overrule this.
#ifndef TERN_HAS_FMA
#if defined(FP_FAST_FMAF) || defined(__FMA__) || defined(cl_nv_pragma_unroll)
#define TERN_HAS_FMA 1
#else
#define TERN_HAS_FMA 0
#endif
#endif
#define tern_bits(x) as_int(x)
#define tern_float(i) as_float((int)(i))
#define tern_sqrt(x) sqrt(x)
#define tern_exact_fma(a, b, c) fma(a, b, c)
#if TERN_HAS_FMA
#define tern_fma(a, b, c) fma(a, b, c)
#else
#define tern_fma(a, b, c) ((a) * (b) + (c))
#endif
#define tern_floor(x) floor(x)
#define tern_ceil(x) ceil(x)
#define tern_rint(x) rint(x)
#define tern_trunc(x) trunc(x)
#else
#include <stdint.h>
#pragma STDC FP_CONTRACT OFF
#define TERN_MATH static inline __attribute__((always_inline, unused))
typedef int64_t tern_int;
typedef uint64_t tern_uint;
typedef uint32_t tern_word;
typedef uint16_t tern_half_bits;
TERN_MATH int32_t tern_bits(float x) {
  int32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  return bits;
}
TERN_MATH float tern_float(int32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, 4);
  return x;
}
// The elementwise builtins never set errno, which is what lets loops over them become vector code.
#define tern_sqrt(x) __builtin_elementwise_sqrt((float)(x))
#define tern_floor(x) __builtin_elementwise_floor((float)(x))
#define tern_ceil(x) __builtin_elementwise_ceil((float)(x))
#define tern_rint(x) __builtin_elementwise_rint((float)(x))
#define tern_trunc(x) __builtin_elementwise_trunc((float)(x))
/// Always rounded once, by a library call where there is no instruction.
#define tern_exact_fma(a, b, c) __builtin_elementwise_fma((float)(a), (float)(b), (float)(c))
TERN_MATH float tern_fma(float a, float b, float c) {
  // Contraction is settled after inlining, by the instruction set of the function that this becomes part of.
#pragma STDC FP_CONTRACT ON
  return a * b + c;
}
#endif

#define TERN_INFINITY tern_float(0x7f800000)
#define TERN_NAN tern_float(0x7fc00000)

TERN_MATH float tern_abs(float x) { return tern_float(tern_bits(x) & 0x7fffffff); }

/// The magnitude of `x` with the sign of `s`.
TERN_MATH float tern_copysign(float x, float s) {
  return tern_float((tern_bits(x) & 0x7fffffff) | (tern_bits(s) & (int)0x80000000));
}

TERN_MATH float tern_sign(float x) { return x != x ? x : (float)((x > 0.0f) - (x < 0.0f)); }

/// The greater; NaN if either is.
TERN_MATH float tern_max(float a, float b) {
  float greater = a > b ? a : b;
  return a != a ? a : greater;
}

/// The lesser; NaN if either is.
TERN_MATH float tern_min(float a, float b) {
  float lesser = a < b ? a : b;
  return a != a ? a : lesser;
}

// ---- Exponentials: x = n ln 2 + r with |r| <= ln 2 / 2, e^x = 2^n (1 + r + r^2 Q(r)); Q is a minimax fit.

// Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits of the sum.
#define TERN_ROUNDER 12582912.0f
#define TERN_ROUNDER_BITS 0x4b400000

/// 2^n for n in -126 ... 127.
TERN_MATH float tern_power_of_two(int n) { return tern_float((int)((tern_word)(n + 127) << 23)); }

/// `p * 2^n` for n in -252 ... 254, rounded once.
TERN_MATH float tern_scale(float p, int n) {
  int half_n = n >> 1;
  return p * tern_power_of_two(half_n) * tern_power_of_two(n - half_n);
}

/// e^r - 1 for |r| <= 0.35.
TERN_MATH float tern_small_expm1(float r) {
  float q = tern_fma(0.00138718786f, r, 0.00836687628f);
  q = tern_fma(q, r, 0.0416674316f);
  q = tern_fma(q, r, 0.16666542f);
  q = tern_fma(q, r, 0.49999997f);
  return tern_fma(r * r, q, r);
}

/// The remainder of `x` for the integer `n`; ln 2 in two parts, the first with 15 bits, so that `n` times it is exact.
TERN_MATH float tern_exp_remainder(float x, float n) {
  float r = tern_fma(n, -0.693145751953125f, x);
  return tern_fma(n, -1.42860677e-6f, r);
}

/// e^x within 1 ulp; subnormal results, 0 and infinity are right.
TERN_MATH float tern_exp(float x) {
  x = x > 89.0f ? 89.0f : x;
  x = x < -104.0f ? -104.0f : x;
  float shifted = tern_fma(x, 1.44269504f, TERN_ROUNDER);
  float r = tern_exp_remainder(x, shifted - TERN_ROUNDER);
  return tern_scale(1.0f + tern_small_expm1(r), tern_bits(shifted) - TERN_ROUNDER_BITS);
}

/// e^x - 1 within 2 ulp, near 0 too.
TERN_MATH float tern_expm1(float x) {
  float limited = x > 89.0f ? 89.0f : x;
  limited = limited < -18.0f ? -18.0f : limited;
  float shifted = tern_fma(limited, 1.44269504f, TERN_ROUNDER);
  float small = tern_small_expm1(tern_exp_remainder(limited, shifted - TERN_ROUNDER));
  // Half the power, because 2^128 is no float.
  float power = tern_power_of_two(tern_bits(shifted) - TERN_ROUNDER_BITS - 1);
  float y = tern_fma(power, small, power - 0.5f) * 2.0f;
  return tern_abs(x) < 5.96046448e-8f ? x : y;
}

/// 1 / (1 + e^-x) within 3 ulp; the small side keeps its relative accuracy down to subnormal results.
TERN_MATH float tern_sigmoid(float x) {
  float e = tern_exp(-tern_abs(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/// (1 - e^-2|x|) / (1 + e^-2|x|) with the sign of x, within 3 ulp, near 0 too.
TERN_MATH float tern_tanh(float x) {
  float t = -2.0f * tern_abs(x);
  t = t < -20.0f ? -20.0f : t;
  float shifted = tern_fma(t, 1.44269504f, TERN_ROUNDER);
  float small = tern_small_expm1(tern_exp_remainder(t, shifted - TERN_ROUNDER));
  float power = tern_power_of_two(tern_bits(shifted) - TERN_ROUNDER_BITS);
  float e = tern_fma(power, small, power - 1.0f);
  float y = tern_abs(e) / (2.0f + e);
  return x != x ? x : tern_copysign(y, x);
}

// ---- Logarithms: x = 2^e m with m in [sqrt(1/2), sqrt 2), log x = e ln 2 + f - f^2/2 + f^3 P(f), f = m - 1.

/// The exponent `e` of positive `x`; `*mantissa` becomes m. Subnormal numbers are scaled into the normal range first.
TERN_MATH float tern_split(float x, float *mantissa) {
  int subnormal = x < 1.17549435e-38f;
  // Unsigned, because the bits of a negative number, of which the caller makes NaN, may pass the end of int.
  int bits = (int)((tern_word)tern_bits(subnormal ? x * 8388608.0f : x) - 0x3f3504f3u);
  *mantissa = tern_float((bits & 0x007fffff) + 0x3f3504f3);
  return (float)((bits >> 23) - (subnormal ? 23 : 0));
}

/// log(2^exponent * mantissa) + tail, for a small tail.
TERN_MATH float tern_log_sum(float exponent, float mantissa, float tail) {
  float f = mantissa - 1.0f;
  float p = tern_fma(0.0674955621f, f, -0.116701923f);
  p = tern_fma(p, f, 0.118834704f);
  p = tern_fma(p, f, -0.124062076f);
  p = tern_fma(p, f, 0.142203629f);
  p = tern_fma(p, f, -0.166679904f);
  p = tern_fma(p, f, 0.200020716f);
  p = tern_fma(p, f, -0.250000089f);
  p = tern_fma(p, f, 0.333333135f);
  float square = f * f;
  p = tern_fma(square * f, p, tail);
  p = tern_fma(exponent, 1.42860677e-6f, p);
  p = tern_fma(-0.5f, square, p);
  return tern_fma(exponent, 0.693145751953125f, f + p);
}

/// Natural logarithm within 2 ulp; log 0 = -infinity, negative numbers give NaN.
TERN_MATH float tern_log(float x) {
  float mantissa;
  float exponent = tern_split(x, &mantissa);
  float y = tern_log_sum(exponent, mantissa, 0.0f);
  y = x == TERN_INFINITY ? x : y;
  y = x == 0.0f ? -TERN_INFINITY : y;
  return x >= 0.0f ? y : TERN_NAN;
}

/// log(1 + x) within 2 ulp, near 0 too.
TERN_MATH float tern_log1p(float x) {
  float u = 1.0f + x;
  float mantissa;
  float exponent = tern_split(u, &mantissa);
  // What the rounding of 1 + x lost, relative to it: the larger term first, or the difference would be lost as well.
  float lost = x > 1.0f ? 1.0f - (u - x) : x - (u - 1.0f);
  float y = tern_log_sum(exponent, mantissa, lost / u);
  y = u == TERN_INFINITY ? u : y;
  y = u == 0.0f ? -TERN_INFINITY : y;
  y = u >= 0.0f ? y : TERN_NAN;
  return x == 0.0f ? x : y;
}

// ---- Sine and cosine: x = q pi/2 + r in three parts (Cody and Waite), good to |x| = 2^21. From 2^22 on a float's
// neighbours lie so far apart that the remainder means little: NaN there.

/// The remainder of x; `*quadrant` becomes q, of which the two low bits count.
TERN_MATH float tern_reduce_angle(float x, int *quadrant) {
  float shifted = tern_fma(x, 0.636619772f, TERN_ROUNDER);
  float n = shifted - TERN_ROUNDER;
  *quadrant = tern_bits(shifted) & 3;
  float r = tern_exact_fma(n, -1.57079637f, x);
  r = tern_exact_fma(n, 4.37113883e-8f, r);
  r = tern_exact_fma(n, 1.71512451e-15f, r);
  return tern_abs(x) < 4194304.0f ? r : TERN_NAN;
}

/// sin(r + quadrant * pi/2) for |r| <= pi/4 and a bit.
TERN_MATH float tern_sin_quadrant(float r, int quadrant) {
  float z = r * r;
  float s = tern_fma(2.80889708e-6f, z, -0.000198510985f);
  s = tern_fma(s, z, 0.00833337568f);
  s = tern_fma(s, z, -0.166666672f);
  s = tern_fma(z * r, s, r);
  float c = tern_fma(-2.84995849e-7f, z, 2.48184169e-5f);
  c = tern_fma(c, z, -0.00138889719f);
  c = tern_fma(c, z, 0.0416666679f);
  c = tern_fma(z * z, c, tern_fma(-0.5f, z, 1.0f));
  float y = (quadrant & 1) != 0 ? c : s;
  return (quadrant & 2) != 0 ? -y : y;
}

/// Within 2 ulp.
TERN_MATH float tern_sin(float x) {
  int quadrant;
  float r = tern_reduce_angle(x, &quadrant);
  return x == 0.0f ? x : tern_sin_quadrant(r, quadrant);
}

/// Within 2 ulp.
TERN_MATH float tern_cos(float x) {
  int quadrant;
  float r = tern_reduce_angle(x, &quadrant);
  return tern_sin_quadrant(r, quadrant + 1);
}

/// The arc tangent within 3 ulp: an odd polynomial (S. L. Moshier, Cephes) of a number in -0.42 ... 0.42, where
/// atan x = pi/4 + atan((x - 1) / (x + 1)) = pi/2 - atan(1 / x) leads.
TERN_MATH float tern_atan(float x) {
  float t = tern_abs(x);
  int is_large = t > 2.41421356f, is_middle = t > 0.414213562f;
  float low = is_middle ? (t - 1.0f) / (t + 1.0f) : t;
  float r = is_large ? -1.0f / t : low;
  float low_angle = is_middle ? 0.785398163f : 0.0f;
  float angle = is_large ? 1.57079633f : low_angle;
  float z = r * r;
  float p = tern_fma(0.0805374450f, z, -0.138776856f);
  p = tern_fma(p, z, 0.199777106f);
  p = tern_fma(p, z, -0.333329492f);
  float y = angle + tern_fma(p * z, r, r);
  return x != x ? x : tern_copysign(y, x);
}

/// The error function within 2 ulp: an odd polynomial to |x| = 1, 1 - e^-Q(|x|) above.
TERN_MATH float tern_erf(float x) {
  float t = tern_abs(x);
  float z = x * x;
  float p = tern_fma(7.80690316e-5f, z, -0.00079978531f);
  p = tern_fma(p, z, 0.0051871622f);
  p = tern_fma(p, z, -0.0268533472f);
  p = tern_fma(p, z, 0.112835787f);
  p = tern_fma(p, z, -0.37612626f);
  p = tern_fma(p, z, 0.128379166f);
  p = tern_fma(p, x, x);
  float u = t > 4.0f ? 4.0f : t;
  float q = tern_fma(2.17015167e-5f, u, -0.000441512617f);
  q = tern_fma(q, u, 0.00420544902f);
  q = tern_fma(q, u, -0.0252106898f);
  q = tern_fma(q, u, 0.10842251f);
  q = tern_fma(q, u, 0.633216143f);
  q = tern_fma(q, u, 1.12958038f);
  q = tern_fma(q, u, -0.000188469639f);
  return t > 1.0f ? tern_copysign(1.0f - tern_exp(-q), x) : p;
}

// ---- Powers: log2 |x| as a sum of two floats, times y, and 2 to that.

/// log2 of positive finite `x` as `*high + *low`, from atanh: with s = (m - 1) / (m + 1),
/// log m = 2 s (1 + s^2 (1/3 + s^2 R(s^2))), every term that counts carried in two floats.
TERN_MATH void tern_log2_pair(float x, float *high, float *low) {
  float mantissa;
  float exponent = tern_split(x, &mantissa);
  float f = mantissa - 1.0f;
  float d = mantissa + 1.0f;
  float d_low = mantissa - (d - 1.0f);
  float s = f / d;
  float s_low = (tern_exact_fma(-s, d, f) - s * d_low) / d;
  float z = s * s;
  float z_low = tern_exact_fma(s, s, -z) + 2.0f * s * s_low;
  float r = tern_fma(0.0954176858f, z, 0.111040726f);
  r = tern_fma(r, z, 0.142857209f);
  r = tern_fma(r, z, 0.200000003f);
  float w = z * r;
  float t = 0.333333343f + w;
  float t_low = ((0.333333343f - t) + w) - 9.93410776e-9f;
  float u = z * t;
  float u_low = tern_exact_fma(z, t, -u) + (z * t_low + z_low * t);
  float a = s * u;
  float a_low = tern_exact_fma(s, u, -a) + s * u_low;
  float h = s + a;
  float l = ((s - h) + a) + (a_low + (s_low + s_low * u));
  float p = 2.88539004f * h;
  float p_low = tern_exact_fma(2.88539004f, h, -p) + (2.88539004f * l + 3.85192602e-8f * h);
  float sum = exponent + p;
  *high = sum;
  *low = ((exponent - sum) + p) + p_low;
}

/// 2^(high + low) for a small `low`.
TERN_MATH float tern_exp2_pair(float high, float low) {
  float shifted = high + TERN_ROUNDER;
  float r = (high - (shifted - TERN_ROUNDER)) + low;
  float t = tern_fma(1.46811635e-5f, r, 0.000154523412f);
  t = tern_fma(t, r, 0.00133366429f);
  t = tern_fma(t, r, 0.00961808674f);
  t = tern_fma(t, r, 0.0555040613f);
  t = tern_fma(t, r, 0.240226507f);
  t = tern_fma(t, r, 0.693147182f);
  return tern_scale(tern_fma(t, r, 1.0f), tern_bits(shifted) - TERN_ROUNDER_BITS);
}

/// x to the power y within 4 ulp, with C's special cases (x^0 = 1^y = 1, odd powers keep the sign, and so on).
TERN_MATH float tern_pow(float x, float y) {
  float magnitude = tern_abs(x);
  int vanishes = magnitude == 0.0f, endless = magnitude == TERN_INFINITY;
  float high, low;
  tern_log2_pair((vanishes | endless) ? 1.0f : magnitude, &high, &low);
  high = vanishes ? -TERN_INFINITY : high;
  high = endless ? TERN_INFINITY : high;
  float product = y * high;
  float product_low = tern_exact_fma(y, high, -product) + y * low;
  int ordinary = tern_abs(product) < 160.0f;
  product = product > 160.0f ? 160.0f : product;
  product = product < -160.0f ? -160.0f : product;
  float power = tern_exp2_pair(product, ordinary ? product_low : 0.0f);
  power = magnitude == 1.0f && y == y ? 1.0f : power;
  int whole = tern_rint(y) == y;
  int odd = whole & (tern_rint(0.5f * y) != 0.5f * y);
  int negative = tern_bits(x) < 0;
  power = (negative & odd) ? -power : power;
  power = x < 0.0f && !whole && magnitude != TERN_INFINITY ? TERN_NAN : power;
  power = x != x ? x : power;
  return y == 0.0f || x == 1.0f ? 1.0f : power;
}

// ---- Integers, 64 bits; overflow wraps.

TERN_MATH tern_int tern_wrapping_add(tern_int a, tern_int b) { return (tern_int)((tern_uint)a + (tern_uint)b); }
TERN_MATH tern_int tern_wrapping_sub(tern_int a, tern_int b) { return (tern_int)((tern_uint)a - (tern_uint)b); }
TERN_MATH tern_int tern_wrapping_mul(tern_int a, tern_int b) { return (tern_int)((tern_uint)a * (tern_uint)b); }

/// The quotient rounded down; 0 for a divisor of 0.
TERN_MATH tern_int tern_floor_divide(tern_int a, tern_int b) {
  tern_int safe = ((b == 0) | (b == -1)) ? 1 : b;  // the processor traps on both 0 and the lowest number over -1
  tern_int quotient = a / safe;
  tern_int rest = a - quotient * safe;
  quotient -= (tern_int)((rest != 0) & ((rest < 0) != (safe < 0)));
  quotient = b == -1 ? tern_wrapping_sub(0, a) : quotient;
  return b == 0 ? 0 : quotient;
}

/// Truncates; NaN gives 0, what is out of range saturates.
TERN_MATH tern_int tern_to_int(float x) {
  int fits = (x > -9.22337204e18f) & (x < 9.22337204e18f);
  tern_int converted = (tern_int)(fits ? x : 0.0f);
  tern_int highest = (tern_int)(~(tern_uint)0 >> 1);
  tern_int limit = x >= 9.22337204e18f ? highest : tern_wrapping_sub(-highest, 1);
  tern_int outside = x != x ? 0 : limit;
  return fits ? converted : outside;
}

/// The same for the range of 32 bits.
TERN_MATH tern_int tern_to_int32(float x) {
  tern_int wide = tern_to_int(x), highest = 2147483647;
  return wide > highest ? highest : wide < -highest - 1 ? -highest - 1 : wide;
}

// ---- Half-width formats, through their bits; to nearest, ties to even.

TERN_MATH tern_half_bits tern_half_from_float(float x) {
  int bits = tern_bits(x) & 0x7fffffff;
  int sign = (tern_bits(x) >> 16) & 0x8000;
  int normal = (bits + 0xfff + ((bits >> 13) & 1) - 0x38000000) >> 13;
  normal = normal > 0x7c00 ? 0x7c00 : normal;
  // The unit of half's subnormal numbers is 2^-24, that of floats from 0.5 on.
  int subnormal = tern_bits(tern_float(bits) + 0.5f) - 0x3f000000;
  int result = bits < 0x38800000 ? subnormal : normal;
  result = bits > 0x7f800000 ? 0x7e00 | ((bits >> 13) & 0x3ff) : result;
  return (tern_half_bits)(result | sign);
}

TERN_MATH float tern_float_from_half(tern_half_bits half_bits) {
  int shifted = (half_bits & 0x7fff) << 13;
  int exponent = shifted & 0x0f800000;
  int normal = shifted + 0x38000000;
  int special = shifted + 0x70000000;
  int subnormal = tern_bits(tern_float(shifted + 0x38800000) - 6.10351562e-5f);
  int result = exponent == 0 ? subnormal : (exponent == 0x0f800000 ? special : normal);
  return tern_float(result | (int)((tern_word)(half_bits & 0x8000) << 16));
}

TERN_MATH tern_half_bits tern_bfloat16_from_float(float x) {
  tern_word bits = (tern_word)tern_bits(x);
  tern_word rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return (tern_half_bits)((bits & 0x7fffffffu) > 0x7f800000u ? (bits >> 16) | 0x40u : rounded);
}

TERN_MATH float tern_float_from_bfloat16(tern_half_bits bfloat_bits) {
  return tern_float((int)((tern_word)bfloat_bits << 16));
}

TERN_MATH float tern_round_half(float x) { return tern_float_from_half(tern_half_from_float(x)); }
TERN_MATH float tern_round_bfloat16(float x) { return tern_float_from_bfloat16(tern_bfloat16_from_float(x)); }

#endif
