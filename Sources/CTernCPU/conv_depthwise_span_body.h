// SPDX-License-Identifier: MIT
//
// Vectors of every `stride`-th float of a row, zeros where the row has ended or not yet begun.

#if defined(TERN_AVX512)
typedef __mmask16 TERN_VARIANT(lanes_mask);
#elif defined(TERN_AVX2)
typedef __m256i TERN_VARIANT(lanes_mask);
#else
typedef struct TERN_VARIANT(lanes_mask) {
  ptrdiff_t low, high;
} TERN_VARIANT(lanes_mask);
#endif
#define MASK TERN_VARIANT(lanes_mask)

/// Lanes `low ..< high`, cut to those that there are.
INLINE MASK TERN_VARIANT(mask_between)(ptrdiff_t low, ptrdiff_t high) {
  low = TERN_VARIANT(clamp)(low, 0, LANES);
  high = TERN_VARIANT(clamp)(high, low, LANES);
#if defined(TERN_AVX512)
  return (__mmask16)(((1u << high) - 1) & ~((1u << low) - 1));
#elif defined(TERN_AVX2)
  return _mm256_andnot_si256(TERN_VARIANT(mask)(low), TERN_VARIANT(mask)(high));
#else
  return (MASK){low, high};
#endif
}

/// The lanes of the mask from memory, zeros in the others, whose memory is not touched.
INLINE VECTOR TERN_VARIANT(load_masked)(const float *p, MASK mask) {
#if defined(TERN_AVX512)
  return _mm512_maskz_loadu_ps(mask, p);
#elif defined(TERN_AVX2)
  return _mm256_maskload_ps(p, mask);
#else
  if (mask.low == 0 && mask.high == LANES) return TERN_VARIANT(load)(p);
  TERN_ALIGNED float lanes[LANES] = {0};
  for (ptrdiff_t lane = mask.low; lane < mask.high; lane++) lanes[lane] = p[lane];
  return TERN_VARIANT(load)(lanes);
#endif
}

#if TERN_VECTOR_BYTES == 64
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define LOW_PAIRS 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_PAIRS 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif TERN_VECTOR_BYTES == 32
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#define LOW_PAIRS 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_PAIRS 4, 12, 5, 13, 6, 14, 7, 15
#else
#define EVEN_LANES 0, 2, 4, 6
#define LOW_PAIRS 0, 4, 1, 5
#define HIGH_PAIRS 2, 6, 3, 7
#endif

/// Where one tap finds its lanes in a row.
typedef struct TERN_VARIANT(row_span) {
  ptrdiff_t offset;      ///< of lane 0
  MASK first, second;    ///< of the floats from there on
  ptrdiff_t low, high;   ///< the valid lanes
} TERN_VARIANT(row_span);
#define SPAN TERN_VARIANT(row_span)

/// Lanes `i` at `offset + i * stride` of a row of `width` floats.
INLINE SPAN TERN_VARIANT(span_of)(ptrdiff_t offset, ptrdiff_t stride, ptrdiff_t width) {
  // Lane i is valid if 0 <= offset + i * stride < width.
  ptrdiff_t low = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  ptrdiff_t high = width <= offset ? 0 : (width - offset + stride - 1) / stride;
  return (SPAN){
      .offset = offset,
      .first = TERN_VARIANT(mask_between)(-offset, width - offset),
      .second = TERN_VARIANT(mask_between)(-offset - LANES, width - offset - LANES),
      .low = TERN_VARIANT(clamp)(low, 0, LANES),
      .high = TERN_VARIANT(clamp)(high, 0, LANES),
  };
}

/// `stride` is a constant 1 or 2 where this is fast.
INLINE VECTOR TERN_VARIANT(load_span)(const float *row, const SPAN *span, ptrdiff_t stride) {
  const float *p = row + span->offset;
  if (stride == 1) return TERN_VARIANT(load_masked)(p, span->first);
  if (stride == 2)
    return __builtin_shufflevector(
        TERN_VARIANT(load_masked)(p, span->first), TERN_VARIANT(load_masked)(p + LANES, span->second), EVEN_LANES);
  TERN_ALIGNED float lanes[LANES] = {0};
  for (ptrdiff_t lane = span->low; lane < span->high; lane++) lanes[lane] = p[lane * stride];
  return TERN_VARIANT(load)(lanes);
}
