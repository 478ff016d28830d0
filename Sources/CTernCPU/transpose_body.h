// SPDX-License-Identifier: MIT
//
// Transposition of strips whose lanes are rows in memory: `panel[p][lane] = source[lane * lane_step + p]`.

/// Four steps of four lanes.
INLINE void TERN_VARIANT(pack_4x4)(
    const float *lane0, const float *lane1, const float *lane2, const float *lane3, float *panel, ptrdiff_t width) {
  QUAD a = TERN_VARIANT(load_quad)(lane0), b = TERN_VARIANT(load_quad)(lane1);
  QUAD c = TERN_VARIANT(load_quad)(lane2), d = TERN_VARIANT(load_quad)(lane3);
  QUAD ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  QUAD cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  TERN_VARIANT(write_quad)(panel, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
  TERN_VARIANT(write_quad)(panel + width, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
  TERN_VARIANT(write_quad)(panel + 2 * width, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
  TERN_VARIANT(write_quad)(panel + 3 * width, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

/// `count` steps of four lanes. The lanes are four arguments, because an array of them would go through memory. A
/// square at the end overlaps the one before it and writes the same again.
INLINE void TERN_VARIANT(pack_four)(
    const float *lane0, const float *lane1, const float *lane2, const float *lane3, ptrdiff_t count, float *panel,
    ptrdiff_t width) {
  if (count < 4) {
    for (ptrdiff_t p = 0; p < count; p++, panel += width)
      (panel[0] = lane0[p], panel[1] = lane1[p], panel[2] = lane2[p], panel[3] = lane3[p]);
    return;
  }
  for (ptrdiff_t next = 0; next < count; next += 4) {
    ptrdiff_t p = next + 4 <= count ? next : count - 4;
    TERN_VARIANT(pack_4x4)(lane0 + p, lane1 + p, lane2 + p, lane3 + p, panel + p * width, width);
  }
}

/// Steps are contiguous. A few steps at a time, so that lines of the panel are written while they are near.
static __attribute__((unused)) void TERN_VARIANT(pack_transposed)(
    const float *source, ptrdiff_t lane_step, ptrdiff_t lanes, ptrdiff_t k, float *panel, ptrdiff_t width) {
  if (lanes < 4) {
    for (ptrdiff_t p = 0; p < k; p++)
      for (ptrdiff_t lane = 0; lane < lanes; lane++) panel[p * width + lane] = source[lane * lane_step + p];
    return;
  }
  for (ptrdiff_t p = 0; p < k; p += 16) {
    ptrdiff_t count = k - p < 16 ? k - p : 16;
    for (ptrdiff_t next = 0; next < lanes; next += 4) {
      ptrdiff_t lane = next + 4 <= lanes ? next : lanes - 4;
      const float *first = source + lane * lane_step + p;
      TERN_VARIANT(pack_four)(
          first, first + lane_step, first + 2 * lane_step, first + 3 * lane_step, count, panel + p * width + lane,
          width);
    }
  }
}

/// Writes `count` pixels of some channels, each `step` floats behind the last one, to rows of the channels' planes.
/// Four planes at a time: lines of more, often a power of two apart, would drive each other out of the cache.
static __attribute__((unused)) void TERN_VARIANT(store_pixels)(
    const float *pixels, ptrdiff_t step, ptrdiff_t channels, ptrdiff_t count, float *target, ptrdiff_t plane) {
  if (channels < 4 || count < 4) {
    for (ptrdiff_t c = 0; c < channels; c++)
      for (ptrdiff_t x = 0; x < count; x++) target[c * plane + x] = pixels[x * step + c];
    return;
  }
  for (ptrdiff_t next = 0; next < channels; next += 4) {
    const ptrdiff_t c = next + 4 <= channels ? next : channels - 4;
    for (ptrdiff_t next_x = 0; next_x < count; next_x += 4) {
      const ptrdiff_t x = next_x + 4 <= count ? next_x : count - 4;
      const float *first = pixels + x * step + c;
      TERN_VARIANT(pack_4x4)(first, first + step, first + 2 * step, first + 3 * step, target + c * plane + x, plane);
    }
  }
}
