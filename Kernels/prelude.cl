// SPDX-License-Identifier: MIT
// What every kernel may use; compiled before its text, after tern_math.h. Defined by the host: TERN_CPU_DEVICE,
// 0 or 1.
//
// Element types are named as in Swift: float32, float16, bfloat16, int32, int64, bool. For one of them, or a macro that
// expands to one (-DX=float16):
//
//   STORAGE(X)        the type of an element in memory:  __global const STORAGE(X) *x
//   VALUE(X)          the type it is computed in: float for the floating-point types, else long
//   LOAD(X, p, i)     element i of p as VALUE(X); i is a long
//   STORE(X, p, i, v) stores a VALUE(X), rounded to nearest even, or cut to the integer's width; bool becomes 0 or 1
//   LOAD4, STORE4     the same for elements i to i + 3, with i a multiple of 4 in an aligned array
//   IS_FLOAT32(X)     1 for float32, else 0; for #if, too
//
// VECTOR_LOOP before a `for` says that its iterations are independent, though pointers may be equal. On CPU devices the
// compiler then makes 16-wide code of it, which it would not choose by itself: 7 ms instead of 12 for a chain with tanh
// and sigmoid over 16M elements on two AVX-512 cores.
//
// STREAM(v, p) stores a float16 to a global float pointer aligned to 64 bytes, on CPU devices past the cache where the
// compiler can: for results that are read when they would have left the caches anyway.
//
// LOW, HIGH, EVEN, ODD name eight elements of a vector of 16, for a vector literal: (float8)(HIGH(v)). Compilers make
// one shuffle of them, as of v.hi; but Oclgrind 21.10 takes element 11 of a shuffle for an undefined one, and reads
// outside of its tables where an element is undefined. So vectors of 12 and more elements are taken apart in this way
// only, and vectors are never joined, (float16)(a, b), or written in part, v.even = a.
#pragma OPENCL FP_CONTRACT OFF

#define LOW(v) (v).s0, (v).s1, (v).s2, (v).s3, (v).s4, (v).s5, (v).s6, (v).s7
#define HIGH(v) (v).s8, (v).s9, (v).sa, (v).sb, (v).sc, (v).sd, (v).se, (v).sf
#define EVEN(v) (v).s0, (v).s2, (v).s4, (v).s6, (v).s8, (v).sa, (v).sc, (v).se
#define ODD(v) (v).s1, (v).s3, (v).s5, (v).s7, (v).s9, (v).sb, (v).sd, (v).sf

/// Sums and products of any floating-point type are accumulated in it.
typedef float acc_t;

typedef float storage_float32;
typedef half storage_float16;
typedef ushort storage_bfloat16;
typedef int storage_int32;
typedef long storage_int64;
typedef uchar storage_bool;

typedef float value_float32;
typedef float value_float16;
typedef float value_bfloat16;
typedef long value_int32;
typedef long value_int64;
typedef long value_bool;

typedef float4 value4_float32;
typedef float4 value4_float16;
typedef float4 value4_bfloat16;
typedef long4 value4_int32;
typedef long4 value4_int64;
typedef long4 value4_bool;

#define TERN_JOIN_(a, b) a##b
#define TERN_JOIN(a, b) TERN_JOIN_(a, b)
#define STORAGE(X) TERN_JOIN(storage_, X)
#define IS_FLOAT32(X) TERN_JOIN(is_float32_, X)
#define is_float32_float32 1
#define is_float32_float16 0
#define is_float32_bfloat16 0
#define is_float32_int32 0
#define is_float32_int64 0
#define is_float32_bool 0
#define VALUE(X) TERN_JOIN(value_, X)
#define LOAD(X, p, i) TERN_JOIN(load_, X)(p, i)
#define STORE(X, p, i, v) TERN_JOIN(store_, X)(p, i, v)
#define VALUE4(X) TERN_JOIN(value4_, X)
#define LOAD4(X, p, i) TERN_JOIN(load4_, X)(p, i)
#define STORE4(X, p, i, v) TERN_JOIN(store4_, X)(p, i, v)

#if TERN_CPU_DEVICE
#define VECTOR_LOOP _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(2)")
#else
#define VECTOR_LOOP
#endif

#if TERN_CPU_DEVICE && defined(__has_builtin)
#if __has_builtin(__builtin_nontemporal_store)
#define STREAM(v, p) __builtin_nontemporal_store(v, (global float16 *)(p))
#endif
#endif
#ifndef STREAM
#define STREAM(v, p) vstore16(v, 0, p)
#endif

static inline float load_float32(__global const float *p, long i) { return p[i]; }
static inline float load_bfloat16(__global const ushort *p, long i) { return tern_float_from_bfloat16(p[i]); }
static inline long load_int32(__global const int *p, long i) { return p[i]; }
static inline long load_int64(__global const long *p, long i) { return p[i]; }
static inline long load_bool(__global const uchar *p, long i) { return p[i]; }

static inline void store_float32(__global float *p, long i, float v) { p[i] = v; }
static inline void store_bfloat16(__global ushort *p, long i, float v) { p[i] = tern_bfloat16_from_float(v); }
static inline void store_int32(__global int *p, long i, long v) { p[i] = (int)v; }
static inline void store_int64(__global long *p, long i, long v) { p[i] = v; }
static inline void store_bool(__global uchar *p, long i, long v) { p[i] = v != 0; }

#if TERN_CPU_DEVICE
// Through the bits: compilers for CPUs turn this into vector code, and vload_half into calls.
static inline float load_float16(__global const half *p, long i) {
  return tern_float_from_half(((__global const ushort *)p)[i]);
}
static inline void store_float16(__global half *p, long i, float v) {
  ((__global ushort *)p)[i] = tern_half_from_float(v);
}
#else
static inline float load_float16(__global const half *p, long i) { return vload_half(i, p); }
static inline void store_float16(__global half *p, long i, float v) { vstore_half_rte(v, i, p); }
#endif

#define TERN_FOUR(p, T) ((__global const T *)(p))
static inline float4 load4_float32(__global const float *p, long i) { return TERN_FOUR(p, float4)[i / 4]; }
static inline float4 load4_float16(__global const half *p, long i) {
  return (float4)(load_float16(p, i), load_float16(p, i + 1), load_float16(p, i + 2), load_float16(p, i + 3));
}
static inline float4 load4_bfloat16(__global const ushort *p, long i) {
  return as_float4(convert_uint4(TERN_FOUR(p, ushort4)[i / 4]) << 16);
}
static inline long4 load4_int32(__global const int *p, long i) { return convert_long4(TERN_FOUR(p, int4)[i / 4]); }
static inline long4 load4_int64(__global const long *p, long i) { return TERN_FOUR(p, long4)[i / 4]; }
static inline long4 load4_bool(__global const uchar *p, long i) { return convert_long4(TERN_FOUR(p, uchar4)[i / 4]); }
#undef TERN_FOUR

#define TERN_FOUR(p, T) ((__global T *)(p))
static inline void store4_float32(__global float *p, long i, float4 v) { TERN_FOUR(p, float4)[i / 4] = v; }
static inline void store4_float16(__global half *p, long i, float4 v) {
  store_float16(p, i, v.s0), store_float16(p, i + 1, v.s1);
  store_float16(p, i + 2, v.s2), store_float16(p, i + 3, v.s3);
}
static inline void store4_bfloat16(__global ushort *p, long i, float4 v) {
  TERN_FOUR(p, ushort4)[i / 4] = (ushort4)(tern_bfloat16_from_float(v.s0), tern_bfloat16_from_float(v.s1),
                                           tern_bfloat16_from_float(v.s2), tern_bfloat16_from_float(v.s3));
}
static inline void store4_int32(__global int *p, long i, long4 v) { TERN_FOUR(p, int4)[i / 4] = convert_int4(v); }
static inline void store4_int64(__global long *p, long i, long4 v) { TERN_FOUR(p, long4)[i / 4] = v; }
static inline void store4_bool(__global uchar *p, long i, long4 v) {
  TERN_FOUR(p, uchar4)[i / 4] = (uchar4)(v.s0 != 0, v.s1 != 0, v.s2 != 0, v.s3 != 0);
}
#undef TERN_FOUR
