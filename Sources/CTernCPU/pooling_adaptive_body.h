// SPDX-License-Identifier: MIT
// Adaptive windows that differ in size: each output is computed on its own, and its window's rows are contiguous.

static void TERN_VARIANT(adaptive_max)(const tern_pool *pool, const float *x, float *y, int32_t *indices) {
  for (ptrdiff_t i = 0; i < pool->output_height; i++) {
    const ptrdiff_t top = adaptive_start(i, pool->input_height, pool->output_height);
    const ptrdiff_t bottom = adaptive_end(i, pool->input_height, pool->output_height);
    for (ptrdiff_t j = 0; j < pool->output_width; j++) {
      const ptrdiff_t left = adaptive_start(j, pool->input_width, pool->output_width);
      const ptrdiff_t right = adaptive_end(j, pool->input_width, pool->output_width);
      float best = x[top * pool->x_row_stride + left];
      ptrdiff_t position = top * pool->input_width + left;
      for (ptrdiff_t h = top; h < bottom; h++) {
        const float *row = x + h * pool->x_row_stride;
        for (ptrdiff_t w = left; w < right; w++) {
          const int take = (row[w] > best) | ((row[w] != row[w]) & (best == best));
          best = take ? row[w] : best;
          position = take ? h * pool->input_width + w : position;
        }
      }
      *y++ = best;
      if (indices) *indices++ = (int32_t)position;
    }
  }
}

static void TERN_VARIANT(adaptive_average)(const tern_pool *pool, const float *x, float *y) {
  for (ptrdiff_t i = 0; i < pool->output_height; i++) {
    const ptrdiff_t top = adaptive_start(i, pool->input_height, pool->output_height);
    const ptrdiff_t bottom = adaptive_end(i, pool->input_height, pool->output_height);
    for (ptrdiff_t j = 0; j < pool->output_width; j++) {
      const ptrdiff_t left = adaptive_start(j, pool->input_width, pool->output_width);
      const ptrdiff_t right = adaptive_end(j, pool->input_width, pool->output_width);
      float sum = 0;
      for (ptrdiff_t h = top; h < bottom; h++)
        for (ptrdiff_t w = left; w < right; w++) sum += x[h * pool->x_row_stride + w];
      *y++ = sum / (float)((bottom - top) * (right - left));
    }
  }
}

static void TERN_VARIANT(adaptive_average_gradient)(const tern_pool *pool, const float *dy, float *dx) {
  memset(dx, 0, (size_t)(pool->input_height * pool->input_width) * sizeof *dx);
  for (ptrdiff_t i = 0; i < pool->output_height; i++) {
    const ptrdiff_t top = adaptive_start(i, pool->input_height, pool->output_height);
    const ptrdiff_t bottom = adaptive_end(i, pool->input_height, pool->output_height);
    for (ptrdiff_t j = 0; j < pool->output_width; j++) {
      const ptrdiff_t left = adaptive_start(j, pool->input_width, pool->output_width);
      const ptrdiff_t right = adaptive_end(j, pool->input_width, pool->output_width);
      const float share = *dy++ / (float)((bottom - top) * (right - left));
      for (ptrdiff_t h = top; h < bottom; h++)
        for (ptrdiff_t w = left; w < right; w++) dx[h * pool->input_width + w] += share;
    }
  }
}
