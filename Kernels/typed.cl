// SPDX-License-Identifier: MIT
// Elements whose type is known at run time, so that one program serves all types; and blocks of 16 neighbours for
// devices of type CPU, where one work-item runs through many elements with wide vectors.

// The raw values of Swift's DType.
#define FLOAT32 0
#define FLOAT16 1
#define BFLOAT16 2
#define INT32 3
#define INT64 4
#define BOOL 5

// Work-items of a group on a GPU, a power of two and at least 32.
#ifndef GROUP
#define GROUP 256
#endif

#define TYPED(X) __global STORAGE(X) *

// A loop over the elements of a work-item: `share` neighbours on a CPU device, one on a GPU.
#if TERN_CPU_DEVICE
#define FOR_OWN(e, count, share) \
  for (long e = get_global_id(0) * (share), end_##e = min(e + (share), count); e < end_##e; e++)
#else
#define FOR_OWN(e, count, share) for (long e = get_global_id(0); e < (count); e = (count))
#endif

static long load_int(global const void *p, long i, int type) {
  switch (type) {
    case INT32: return load_int32((const TYPED(int32))p, i);
    case INT64: return load_int64((const TYPED(int64))p, i);
    default: return load_bool((const TYPED(bool))p, i);
  }
}

static float load_real(global const void *p, long i, int type) {
  switch (type) {
    case FLOAT32: return load_float32((const TYPED(float32))p, i);
    case FLOAT16: return load_float16((const TYPED(float16))p, i);
    case BFLOAT16: return load_bfloat16((const TYPED(bfloat16))p, i);
    default: return (float)load_int(p, i, type);
  }
}

/// Stores into an integer type; a real one takes the nearest number.
static void store_int(global void *p, long i, long value, int type) {
  switch (type) {
    case INT32: store_int32((TYPED(int32))p, i, value); break;
    case INT64: store_int64((TYPED(int64))p, i, value); break;
    case BOOL: store_bool((TYPED(bool))p, i, value); break;
    case FLOAT16: store_float16((TYPED(float16))p, i, (float)value); break;
    case BFLOAT16: store_bfloat16((TYPED(bfloat16))p, i, (float)value); break;
    default: store_float32((TYPED(float32))p, i, (float)value);
  }
}

/// Stores into a real type; an integer one takes the number without its fraction.
static void store_real(global void *p, long i, float value, int type) {
  switch (type) {
    case FLOAT32: store_float32((TYPED(float32))p, i, value); break;
    case FLOAT16: store_float16((TYPED(float16))p, i, value); break;
    case BFLOAT16: store_bfloat16((TYPED(bfloat16))p, i, value); break;
    default: store_int(p, i, tern_to_int(value), type);
  }
}

#if TERN_CPU_DEVICE
/// `count` elements from position `at`, `stride` apart, in the first lanes; `fill` in the others.
static float16 load_lanes(global const void *p, long at, long stride, long count, int type, float fill) {
  if (count >= 16 && stride == 1) {
    if (type == FLOAT32) return vload16(0, (const TYPED(float32))p + at);
    if (type == FLOAT16) return vload_half16(0, (const TYPED(float16))p + at);
    if (type == BFLOAT16) return as_float16(convert_uint16(vload16(0, (const TYPED(bfloat16))p + at)) << 16);
  }
  float lanes[16];
  if (count >= 16 && type == FLOAT32) {
    for (int l = 0; l < 16; l++) lanes[l] = load_float32((const TYPED(float32))p, at + l * stride);
  } else {
    for (int l = 0; l < 16; l++) lanes[l] = l < count ? load_real(p, at + l * stride, type) : fill;
  }
  return vload16(0, lanes);
}

/// Stores the first `count` lanes next to each other from position `at`.
static void store_lanes(global void *p, long at, long count, int type, float16 value) {
  if (count >= 16) {
    if (type == FLOAT32) {
      vstore16(value, 0, (TYPED(float32))p + at);
      return;
    }
    if (type == FLOAT16) {
      vstore_half16_rte(value, 0, (TYPED(float16))p + at);
      return;
    }
  }
  float lanes[16];
  vstore16(value, 0, lanes);
  for (int l = 0; l < min(count, 16L); l++) store_real(p, at + l, lanes[l], type);
}

/// e^x for x <= 0, within 1 ulp, but 0 where the result would be subnormal. The polynomial is that of tern_exp; what
/// falls away are overflow and subnormal results, a third of the work.
static float16 exp_below_zero(float16 x) {
  x = x < -88.0f ? (float16)(-88.0f) : x;
  // Adding 1.5 * 2^23 rounds; 127 more leaves the exponent's bits of 2^n in the low bits of the sum.
  float16 shifted = fma(x, (float16)(1.44269504f), (float16)(12583039.0f)), n = shifted - 12583039.0f;
  float16 r = fma(n, (float16)(-0.693145751953125f), x);
  r = fma(n, (float16)(-1.42860677e-6f), r);
  float16 q = fma((float16)(0.00138718786f), r, (float16)(0.00836687628f));
  q = fma(q, r, (float16)(0.0416674316f));
  q = fma(q, r, (float16)(0.16666542f));
  q = fma(q, r, (float16)(0.49999997f));
  return (fma(r * r, q, r) + 1.0f) * as_float16(as_int16(shifted) << 23);
}

static float sum_of_lanes(float16 v) {
  float8 eight = v.lo + (float8)(HIGH(v));
  float4 four = eight.lo + eight.hi;
  return (four.x + four.z) + (four.y + four.w);
}

static float max_of_lanes(float16 v) {
  float8 eight = fmax(v.lo, (float8)(HIGH(v)));
  float4 four = fmax(eight.lo, eight.hi);
  return fmax(fmax(four.x, four.z), fmax(four.y, four.w));
}
#endif
