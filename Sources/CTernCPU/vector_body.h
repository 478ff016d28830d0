// SPDX-License-Identifier: MIT
//
// The widest vector of floats of the instruction set, for bodies of the matrix product and the convolution.

enum { TERN_VARIANT(lanes) = TERN_VECTOR_BYTES / 4 };
#define LANES TERN_VARIANT(lanes)

typedef float TERN_VARIANT(vector) __attribute__((ext_vector_type(TERN_VECTOR_BYTES / 4)));
#define VECTOR TERN_VARIANT(vector)

typedef float TERN_VARIANT(unaligned_vector)
    __attribute__((ext_vector_type(TERN_VECTOR_BYTES / 4), aligned(4), may_alias));

typedef float TERN_VARIANT(quad) __attribute__((ext_vector_type(4)));
typedef float TERN_VARIANT(unaligned_quad) __attribute__((ext_vector_type(4), aligned(4), may_alias));
#define QUAD TERN_VARIANT(quad)

#define INLINE static inline __attribute__((always_inline, unused))

INLINE ptrdiff_t TERN_VARIANT(clamp)(ptrdiff_t x, ptrdiff_t low, ptrdiff_t high) {
  return x < low ? low : x > high ? high : x;
}

INLINE QUAD TERN_VARIANT(load_quad)(const float *p) { return *(const TERN_VARIANT(unaligned_quad) *)p; }
INLINE void TERN_VARIANT(write_quad)(float *p, QUAD v) { *(TERN_VARIANT(unaligned_quad) *)p = v; }

INLINE VECTOR TERN_VARIANT(load)(const float *p) { return *(const TERN_VARIANT(unaligned_vector) *)p; }
INLINE void TERN_VARIANT(write)(float *p, VECTOR v) { *(TERN_VARIANT(unaligned_vector) *)p = v; }
INLINE VECTOR TERN_VARIANT(splat)(float x) { return (VECTOR)x; }

/// `a * b + c`, in one rounding where the instruction set has it.
INLINE VECTOR TERN_VARIANT(fma)(VECTOR a, VECTOR b, VECTOR c) {
#if defined(TERN_BASELINE) && defined(__x86_64__)
  return a * b + c;
#else
  return __builtin_elementwise_fma(a, b, c);
#endif
}

#if defined(TERN_AVX2)
/// All bits in the first `count` lanes.
INLINE __m256i TERN_VARIANT(mask)(ptrdiff_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

/// The first `count` lanes from memory, zeros behind them.
INLINE VECTOR TERN_VARIANT(load_first)(const float *p, ptrdiff_t count) {
#if defined(TERN_AVX512)
  return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
#elif defined(TERN_AVX2)
  return _mm256_maskload_ps(p, TERN_VARIANT(mask)(count));
#else
  VECTOR v = {0};
  memcpy(&v, p, (size_t)count * sizeof(float));
  return v;
#endif
}

/// Writes the first `count` lanes.
INLINE void TERN_VARIANT(write_first)(float *p, VECTOR v, ptrdiff_t count) {
#if defined(TERN_AVX512)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), v);
#elif defined(TERN_AVX2)
  // In pieces: AMD's processors take ten times as long for a masked store as for a plain one.
  if (count >= LANES) return TERN_VARIANT(write)(p, v);
  __m128 rest = _mm256_castps256_ps128(v);
  if (count & 4) {
    _mm_storeu_ps(p, rest);
    rest = _mm256_extractf128_ps(v, 1);
    p += 4;
  }
  if (count & 2) {
    _mm_storel_pi((__m64 *)p, rest);
    rest = _mm_movehl_ps(rest, rest);
    p += 2;
  }
  if (count & 1) _mm_store_ss(p, rest);
#else
  memcpy(p, &v, (size_t)count * sizeof(float));
#endif
}

/// The sum of all lanes, halves added to halves.
INLINE float TERN_VARIANT(sum)(VECTOR v) {
#if TERN_VECTOR_BYTES == 64
  typedef float half __attribute__((ext_vector_type(8)));
  half eight = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
               __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
#elif TERN_VECTOR_BYTES == 32
  VECTOR eight = v;
#endif
  typedef float quarter __attribute__((ext_vector_type(4)));
#if TERN_VECTOR_BYTES > 16
  quarter four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
#else
  quarter four = v;
#endif
  return (four[0] + four[2]) + (four[1] + four[3]);
}

/// The sums of all lanes of four vectors, in a third of the steps that four separate sums take.
INLINE TERN_VARIANT(quad) TERN_VARIANT(sum_of_four)(VECTOR a, VECTOR b, VECTOR c, VECTOR d) {
#if TERN_VECTOR_BYTES == 64
#define FOLD(x)                                               \
  (__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +    \
   __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15))
  typedef float half __attribute__((ext_vector_type(8)));
  half e = FOLD(a), f = FOLD(b), g = FOLD(c), h = FOLD(d);
#undef FOLD
#else
  VECTOR e = a, f = b, g = c, h = d;
#endif
#if TERN_VECTOR_BYTES > 16
#define FOLD(x) (__builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7))
  TERN_VARIANT(quad) i = FOLD(e), j = FOLD(f), k = FOLD(g), l = FOLD(h);
#undef FOLD
#else
  TERN_VARIANT(quad) i = e, j = f, k = g, l = h;
#endif
  TERN_VARIANT(quad) ij = __builtin_shufflevector(i, j, 0, 4, 1, 5) + __builtin_shufflevector(i, j, 2, 6, 3, 7);
  TERN_VARIANT(quad) kl = __builtin_shufflevector(k, l, 0, 4, 1, 5) + __builtin_shufflevector(k, l, 2, 6, 3, 7);
  return __builtin_shufflevector(ij, kl, 0, 1, 4, 5) + __builtin_shufflevector(ij, kl, 2, 3, 6, 7);
}
