// SPDX-License-Identifier: MIT
// A row of the result: rows of the input are combined into a line, vector by vector, and the line's elements into the
// row. A line that is one row as it is, is not copied.

/// The combination of rows that output row `i` is made of; in `x` itself, or in `line`.
static const float *TERN_VARIANT(combined_row)(
    const tern_axis_map *rows, ptrdiff_t width, ptrdiff_t i, const float *x, ptrdiff_t x_row, float *restrict line) {
  if (!rows->starts) return x + i * x_row;
  const ptrdiff_t start = rows->starts[i], end = rows->starts[i + 1];
  if (end == start) {
    memset(line, 0, (size_t)width * sizeof *line);
    return line;
  }
  const float *a = x + rows->places[start] * x_row, wa = rows->weights[start];
  if (end == start + 1) {
    if (wa == 1.0f) return a;
    for (ptrdiff_t c = 0; c < width; c++) line[c] = wa * a[c];
    return line;
  }
  const float *b = x + rows->places[start + 1] * x_row, wb = rows->weights[start + 1];
  for (ptrdiff_t c = 0; c < width; c++) line[c] = wa * a[c] + wb * b[c];
  for (ptrdiff_t k = start + 2; k < end; k++) {
    const float *d = x + rows->places[k] * x_row, wd = rows->weights[k];
    for (ptrdiff_t c = 0; c < width; c++) line[c] += wd * d[c];
  }
  return line;
}

static void TERN_VARIANT(gather_columns)(
    const tern_axis_map *columns, const float *restrict line, float *restrict y) {
  const int32_t *restrict places = columns->places;
  const float *restrict weights = columns->weights;
  const ptrdiff_t outputs = columns->outputs;
  switch (columns->terms) {
    case 1:
      for (ptrdiff_t j = 0; j < outputs; j++) y[j] = weights[j] * line[places[j]];
      return;
    case 2:
      for (ptrdiff_t j = 0; j < outputs; j++)
        y[j] = weights[2 * j] * line[places[2 * j]] + weights[2 * j + 1] * line[places[2 * j + 1]];
      return;
    case 4:
      for (ptrdiff_t j = 0; j < outputs; j++)
        y[j] = weights[4 * j] * line[places[4 * j]] + weights[4 * j + 1] * line[places[4 * j + 1]] +
               weights[4 * j + 2] * line[places[4 * j + 2]] + weights[4 * j + 3] * line[places[4 * j + 3]];
      return;
    default:
      for (ptrdiff_t j = 0; j < outputs; j++) {
        float sum = 0;
        for (ptrdiff_t k = columns->starts[j]; k < columns->starts[j + 1]; k++) sum += weights[k] * line[places[k]];
        y[j] = sum;
      }
  }
}

static void TERN_VARIANT(resample_rows)(
    const tern_axis_map *rows, const tern_axis_map *columns, ptrdiff_t first, ptrdiff_t count, const float *x,
    ptrdiff_t x_row, float *line, float *y) {
  const ptrdiff_t width = columns->outputs;
  const float *before = NULL;
  for (ptrdiff_t i = first; i < first + count; i++) {
    float *to = y + i * width;
    const float *from = TERN_VARIANT(combined_row)(rows, columns->inputs, i, x, x_row, line);
    // Rows of one and the same input row are equal, as when images are enlarged by nearest neighbours.
    if (from == before && from != line) memcpy(to, to - width, (size_t)width * sizeof *to);
    else if (!columns->starts) memcpy(to, from, (size_t)width * sizeof *to);
    else TERN_VARIANT(gather_columns)(columns, from, to);
    before = from;
  }
}

static const struct tern_resampling_functions TERN_VARIANT(resampling_table) = {
    .rows = TERN_VARIANT(resample_rows),
};
