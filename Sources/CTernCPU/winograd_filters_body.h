// SPDX-License-Identifier: MIT
//
// Filters to points, and sums at points back to gradients of filters; a vector holds one value of many filters.

INLINE void TERN_VARIANT(winograd_transform_filters)(const int m, const tern_winograd_filters *f) {
  const int points = m + 2;
  const ptrdiff_t blocks = (f->outputs + LANES - 1) / LANES, padded = (f->inputs + LANES - 1) / LANES * LANES;
  for (ptrdiff_t block = 2 * f->first_panel; block < 2 * (f->first_panel + f->panels) && block < blocks; block++) {
    const ptrdiff_t vectors = block / 2 * 2 + 1 < blocks ? 2 : 1;
    const ptrdiff_t first = block * LANES, lanes = TERN_VARIANT(clamp)(f->outputs - first, 0, LANES);
    float *target = f->target + (block / 2 - f->first_panel) * 2 * LANES * padded + block % 2 * LANES;
    VECTOR taps[9] = {0};  // lanes beyond the last output stay zeros
    for (ptrdiff_t input = 0; input < padded; input++, target += vectors * LANES) {
      if (input < f->inputs) {
        TERN_VARIANT(pack_transposed)(
            f->filters + first * f->output_step + input * f->input_step, f->output_step, lanes, 9, (float *)taps,
            LANES);
      } else {
        memset(taps, 0, sizeof taps);
      }
      VECTOR lines[6][3], values[3], out[6];
#pragma clang loop unroll(full)
      for (int x = 0; x < 3; x++) {
#pragma clang loop unroll(full)
        for (int y = 0; y < 3; y++) values[y] = f->reversed ? taps[8 - (y * 3 + x)] : taps[y * 3 + x];
        TERN_VARIANT(line_filter)(m, values, out);
#pragma clang loop unroll(full)
        for (int i = 0; i < points; i++) lines[i][x] = out[i];
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < points; i++) {
        TERN_VARIANT(line_filter)(m, lines[i], out);
#pragma clang loop unroll(full)
        for (int j = 0; j < points; j++) TERN_VARIANT(write)(target + (i * points + j) * f->point_step, out[j]);
      }
    }
  }
}

INLINE void TERN_VARIANT(winograd_transform_gradient)(const int m, const tern_winograd_gradient *g) {
  const int points = m + 2;
  for (ptrdiff_t output = 0; output < g->outputs; output++) {
    for (ptrdiff_t input = 0; input < g->inputs; input += LANES) {
      const float *sums = g->sums + output * g->output_step + input;
      VECTOR lines[3][6], values[6], out[3], taps[9];
#pragma clang loop unroll(full)
      for (int j = 0; j < points; j++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < points; i++) values[i] = TERN_VARIANT(load)(sums + (i * points + j) * g->point_step);
        TERN_VARIANT(line_filter_gradient)(m, values, out);
#pragma clang loop unroll(full)
        for (int i = 0; i < 3; i++) lines[i][j] = out[i];
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < 3; i++) TERN_VARIANT(line_filter_gradient)(m, lines[i], &taps[i * 3]);
      TERN_VARIANT(pack_transposed)(
          (const float *)taps, LANES, 9, TERN_VARIANT(clamp)(g->inputs - input, 0, LANES),
          g->filters + (output * g->inputs + input) * 9, 9);
    }
  }
}
