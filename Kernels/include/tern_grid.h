// SPDX-License-Identifier: MIT
#ifndef TERN_GRID_H
#define TERN_GRID_H
// Where a sampling grid reads an image, in the common subset of C and OpenCL C 1.2. Both axes are alike: each gives up
// to four places and their weights, and a sample is the sum over their products.
#ifndef __OPENCL_VERSION__
#include "tern_math.h"
#endif

// The raw values of Swift's GridSampling.Mode and GridSampling.Padding.
#define TERN_GRID_BILINEAR 0
#define TERN_GRID_NEAREST 1
#define TERN_GRID_BICUBIC 2
#define TERN_GRID_ZEROS 0
#define TERN_GRID_BORDER 1
#define TERN_GRID_REFLECTION 2

/// What an axis contributes to one sample.
typedef struct tern_grid_axis {
  int place[4];     // -1 for what is outside and counts as zero
  float weight[4];
  float slope[4];   // derivatives of the weights by the grid's coordinate
} tern_grid_axis;

/// The places of a sample along one axis: 2, 1 or 4.
TERN_MATH int tern_grid_terms(int mode) {
  return mode == TERN_GRID_BILINEAR ? 2 : mode == TERN_GRID_NEAREST ? 1 : 4;
}

/// Brings a position in elements into the image, as the padding has it; `slope` is the derivative.
TERN_MATH float tern_grid_inside(float at, float last, int padding, int aligns, float *slope) {
  *slope = 1.0f;
  if (padding == TERN_GRID_ZEROS) return at;
  if (padding == TERN_GRID_REFLECTION) {
    // About the centers of the first and last elements, or about their outer edges.
    const float low = aligns ? 0.0f : -0.5f, span = aligns ? last : last + 1.0f;
    if (!(span > 0.0f)) {
      *slope = 0.0f;
      return 0.0f;
    }
    float distance = at - low;
    if (distance < 0.0f) {
      distance = -distance;
      *slope = -1.0f;
    }
    const float turns = tern_floor(distance / span), rest = distance - turns * span;
    const int is_odd = turns - 2.0f * tern_floor(turns * 0.5f) != 0.0f;
    at = (is_odd ? span - rest : rest) + low;
    if (is_odd) *slope = -*slope;
  }
  // NaN is in no image: it goes to the first element, too.
  if (!(at > 0.0f)) {
    *slope = 0.0f;
    return 0.0f;
  }
  if (at >= last) {
    *slope = 0.0f;
    return last;
  }
  return at;
}

/// An element's number, or -1 where it is outside.
TERN_MATH int tern_grid_place(float at, float last) { return at >= 0.0f && at <= last ? (int)at : -1; }

/// Weights, and their derivatives by `t`, of the four elements around a position `t` behind the second one.
TERN_MATH void tern_grid_cubic(float t, float *weight, float *slope) {
  const float a = -0.75f;
  for (int k = 0; k < 4; k++) {
    const float sign = k < 2 ? 1.0f : -1.0f;
    const float d = sign * (t + 1.0f - (float)k);  // the distance to the element
    if (k == 1 || k == 2) {
      weight[k] = ((a + 2.0f) * d - (a + 3.0f)) * d * d + 1.0f;
      slope[k] = sign * (3.0f * (a + 2.0f) * d - 2.0f * (a + 3.0f)) * d;
    } else {
      weight[k] = ((a * d - 5.0f * a) * d + 8.0f * a) * d - 4.0f * a;
      slope[k] = sign * ((3.0f * a * d - 10.0f * a) * d + 8.0f * a);
    }
  }
}

/// The contribution of an axis of `size` elements to a sample at the grid's coordinate, which goes from -1 to 1.
TERN_MATH tern_grid_axis tern_grid_along(float coordinate, int size, int mode, int padding, int aligns) {
  tern_grid_axis axis;
  const float last = (float)(size - 1), scale = aligns ? last * 0.5f : (float)size * 0.5f;
  float at = aligns ? (coordinate + 1.0f) * scale : (coordinate + 1.0f) * scale - 0.5f, slope;
  if (mode == TERN_GRID_BICUBIC) {
    const float base = tern_floor(at);
    tern_grid_cubic(at - base, axis.weight, axis.slope);
    for (int k = 0; k < 4; k++) {
      axis.slope[k] *= scale;
      // Each element by itself is brought into the image.
      axis.place[k] = tern_grid_place(tern_grid_inside(base + (float)(k - 1), last, padding, aligns, &slope), last);
    }
    return axis;
  }
  at = tern_grid_inside(at, last, padding, aligns, &slope);
  if (mode == TERN_GRID_NEAREST) {
    axis.place[0] = tern_grid_place(tern_rint(at), last);
    axis.weight[0] = 1.0f;
    axis.slope[0] = 0.0f;
    return axis;
  }
  const float base = tern_floor(at);
  axis.weight[1] = at - base;
  axis.weight[0] = 1.0f - axis.weight[1];
  axis.slope[1] = slope * scale;
  axis.slope[0] = -axis.slope[1];
  axis.place[0] = tern_grid_place(base, last);
  axis.place[1] = tern_grid_place(base + 1.0f, last);
  return axis;
}
#endif
