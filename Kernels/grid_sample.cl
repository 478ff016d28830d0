// SPDX-License-Identifier: MIT
// Samples of images [N, C, H, W] at the points of grids [N, outH, outW, 2], and the gradients of both.
//
// grid_sample          A work-item finds the places of a point and samples all channels there.
// grid_gradient        A work-item sums over all channels for a point.
//     CPU device: a work-item does `share` points one after the other; GPU: one.
// grid_input_gradient  Several points add to one element.
//     CPU device: a work-item owns `share` channels of an image, and takes its points in order.
//     GPU: grid_terms lists the terms of all samples as (element of the image, number of the term), and their weights;
//     once these are sorted, a work-item sums what belongs to one element, in order of the points.
// No local memory.

#include "tern_grid.h"
#include "typed.cl"

typedef struct {
  long x, x_image, x_channel, x_row, x_column;
  long grid, grid_image, grid_row, grid_column, grid_axis;
  long dy, dy_image, dy_channel, dy_row, dy_column;
  long result;  // which is dense
  long batch, channels, height, width, out_height, out_width;
  long mode, padding, aligns;
  long share;
} sampling_t;

/// A point: its place in the output, and what both axes contribute to it.
typedef struct {
  long image, row, column;
  tern_grid_axis along_row, along_column;
} point_t;

static point_t point_at(const sampling_t *s, global const void *grid, int type, long index) {
  point_t p;
  long rest = index / s->out_width;
  p.column = index - rest * s->out_width;
  p.image = rest / s->out_height;
  p.row = rest - p.image * s->out_height;
  long at = s->grid + p.image * s->grid_image + p.row * s->grid_row + p.column * s->grid_column;
  float gx = load_real(grid, at, type), gy = load_real(grid, at + s->grid_axis, type);
  p.along_row = tern_grid_along(gx, (int)s->width, (int)s->mode, (int)s->padding, (int)s->aligns);
  p.along_column = tern_grid_along(gy, (int)s->height, (int)s->mode, (int)s->padding, (int)s->aligns);
  return p;
}

static void sample_point(
    const sampling_t *s, global const void *x, global const void *grid, global void *y, int type, long index) {
  point_t p = point_at(s, grid, type, index);
  int terms = tern_grid_terms((int)s->mode);
  long points = s->out_height * s->out_width, from = s->x + p.image * s->x_image;
  long to = s->result + p.image * s->channels * points + p.row * s->out_width + p.column;
  for (long c = 0; c < s->channels; c++, from += s->x_channel, to += points) {
    float sum = 0.0f;
    for (int r = 0; r < terms; r++) {
      if (p.along_column.place[r] < 0) continue;
      for (int q = 0; q < terms; q++) {
        if (p.along_row.place[q] < 0) continue;
        float v = load_real(x, from + p.along_column.place[r] * s->x_row + p.along_row.place[q] * s->x_column, type);
        sum += p.along_column.weight[r] * p.along_row.weight[q] * v;
      }
    }
    store_real(y, to, sum, type);
  }
}

static void point_gradient(
    const sampling_t *s, global const void *dy, global const void *x, global const void *grid, global void *dgrid,
    int type, long index) {
  point_t p = point_at(s, grid, type, index);
  int terms = tern_grid_terms((int)s->mode);
  long from = s->x + p.image * s->x_image;
  long at = s->dy + p.image * s->dy_image + p.row * s->dy_row + p.column * s->dy_column;
  float sum_x = 0.0f, sum_y = 0.0f;
  for (long c = 0; c < s->channels; c++, from += s->x_channel, at += s->dy_channel) {
    float gradient = load_real(dy, at, type);
    for (int r = 0; r < terms; r++) {
      if (p.along_column.place[r] < 0) continue;
      for (int q = 0; q < terms; q++) {
        if (p.along_row.place[q] < 0) continue;
        float v = load_real(x, from + p.along_column.place[r] * s->x_row + p.along_row.place[q] * s->x_column, type);
        sum_x += p.along_column.weight[r] * p.along_row.slope[q] * (v * gradient);
        sum_y += p.along_column.slope[r] * p.along_row.weight[q] * (v * gradient);
      }
    }
  }
  store_real(dgrid, s->result + 2 * index, sum_x, type);
  store_real(dgrid, s->result + 2 * index + 1, sum_y, type);
}

#if TERN_CPU_DEVICE
#define FOR_POINTS(index)                                                                     \
  long points_first = get_global_id(0) * s.share, points_all = s.batch * s.out_height * s.out_width; \
  for (long index = points_first; index < min(points_first + s.share, points_all); index++)
#else
#define FOR_POINTS(index)           \
  const long index = get_global_id(0); \
  if (index < s.batch * s.out_height * s.out_width)
#endif

kernel void grid_sample(global const void *x, global const void *grid, global void *y, int type, sampling_t s) {
  FOR_POINTS(index) sample_point(&s, x, grid, y, type, index);
}

kernel void grid_gradient(
    global const void *dy, global const void *x, global const void *grid, global void *dgrid, int type, sampling_t s) {
  FOR_POINTS(index) point_gradient(&s, dy, x, grid, dgrid, type, index);
}

#if TERN_CPU_DEVICE
#include "grid_sample_cpu.cl"
#else
#include "grid_sample_gpu.cl"
#endif
