// SPDX-License-Identifier: MIT
// Samples of an image at the points of a grid. Places and weights of some points are worked out once for all channels;
// then each channel gathers them, point by point next to each other.

/// The terms of some points: term t of point p is element `place[t][p]`, which stands inside of the plane even where
/// the term counts as zero.
typedef struct {
  int terms;
  TERN_ALIGNED int32_t place[16][POINTS];
  float weight[16][POINTS];
  float inside[16][POINTS];   // 1 or 0
  float slope_x[16][POINTS], slope_y[16][POINTS];
} TERN_VARIANT(points);

static void TERN_VARIANT(find_points)(
    const tern_sampling *plan, const float *grid, ptrdiff_t count, TERN_VARIANT(points) *points) {
  const int terms = tern_grid_terms(plan->mode);
  points->terms = terms * terms;
  for (ptrdiff_t p = 0; p < count; p++) {
    const tern_grid_axis column = tern_grid_along(grid[2 * p], plan->width, plan->mode, plan->padding, plan->aligns);
    const tern_grid_axis row = tern_grid_along(grid[2 * p + 1], plan->height, plan->mode, plan->padding, plan->aligns);
    for (int r = 0; r < terms; r++) {
      for (int c = 0; c < terms; c++) {
        const int t = r * terms + c;
        const int is_inside = row.place[r] >= 0 && column.place[c] >= 0;
        points->place[t][p] = is_inside ? row.place[r] * plan->width + column.place[c] : 0;
        points->inside[t][p] = is_inside ? 1.0f : 0.0f;
        points->weight[t][p] = row.weight[r] * column.weight[c];
        points->slope_x[t][p] = row.weight[r] * column.slope[c];
        points->slope_y[t][p] = row.slope[r] * column.weight[c];
      }
    }
  }
}

static void TERN_VARIANT(sample)(
    const tern_sampling *plan, ptrdiff_t first, ptrdiff_t count, const float *x, const float *grid, float *y) {
  TERN_VARIANT(points) points;
  const ptrdiff_t plane = (ptrdiff_t)plan->height * plan->width;
  for (ptrdiff_t start = first; start < first + count; start += POINTS) {
    const ptrdiff_t here = first + count - start < POINTS ? first + count - start : POINTS;
    TERN_VARIANT(find_points)(plan, grid + 2 * start, here, &points);
    for (ptrdiff_t channel = 0; channel < plan->channels; channel++) {
      const float *from = x + channel * plane;
      float *to = y + channel * plan->points + start;
      TERN_ALIGNED float sum[POINTS] = {0};
      for (int t = 0; t < points.terms; t++) {
        // What is outside counts as zero even where the element read instead is infinite.
        for (ptrdiff_t p = 0; p < here; p++) {
          const float v = from[points.place[t][p]];
          sum[p] += points.inside[t][p] != 0.0f ? points.weight[t][p] * v : 0.0f;
        }
      }
      memcpy(to, sum, (size_t)here * sizeof *to);
    }
  }
}

static void TERN_VARIANT(input_gradient)(
    const tern_sampling *plan, ptrdiff_t first, ptrdiff_t count, const float *dy, const float *grid, float *dx) {
  TERN_VARIANT(points) points;
  const ptrdiff_t plane = (ptrdiff_t)plan->height * plan->width;
  for (ptrdiff_t start = first; start < first + count; start += POINTS) {
    const ptrdiff_t here = first + count - start < POINTS ? first + count - start : POINTS;
    TERN_VARIANT(find_points)(plan, grid + 2 * start, here, &points);
    for (ptrdiff_t channel = 0; channel < plan->channels; channel++) {
      const float *from = dy + channel * plan->points + start;
      float *to = dx + channel * plane;
      for (ptrdiff_t p = 0; p < here; p++)
        for (int t = 0; t < points.terms; t++)
          if (points.inside[t][p] != 0.0f) to[points.place[t][p]] += points.weight[t][p] * from[p];
    }
  }
}

static void TERN_VARIANT(grid_gradient)(
    const tern_sampling *plan, ptrdiff_t first, ptrdiff_t count, const float *dy, const float *x, const float *grid,
    float *dgrid) {
  TERN_VARIANT(points) points;
  const ptrdiff_t plane = (ptrdiff_t)plan->height * plan->width;
  for (ptrdiff_t start = first; start < first + count; start += POINTS) {
    const ptrdiff_t here = first + count - start < POINTS ? first + count - start : POINTS;
    TERN_VARIANT(find_points)(plan, grid + 2 * start, here, &points);
    TERN_ALIGNED float sum_x[POINTS] = {0}, sum_y[POINTS] = {0};
    for (ptrdiff_t channel = 0; channel < plan->channels; channel++) {
      const float *from = x + channel * plane, *gradient = dy + channel * plan->points + start;
      for (int t = 0; t < points.terms; t++) {
        for (ptrdiff_t p = 0; p < here; p++) {
          // The slopes of a position that is no number are none either.
          const int is_inside = points.inside[t][p] != 0.0f;
          const float v = from[points.place[t][p]] * gradient[p];
          sum_x[p] += is_inside ? points.slope_x[t][p] * v : 0.0f;
          sum_y[p] += is_inside ? points.slope_y[t][p] * v : 0.0f;
        }
      }
    }
    for (ptrdiff_t p = 0; p < here; p++) {
      dgrid[2 * (start + p)] = sum_x[p];
      dgrid[2 * (start + p) + 1] = sum_y[p];
    }
  }
}

static const struct tern_gridding_functions TERN_VARIANT(gridding_table) = {
    .sample = TERN_VARIANT(sample),
    .input_gradient = TERN_VARIANT(input_gradient),
    .grid_gradient = TERN_VARIANT(grid_gradient),
};
