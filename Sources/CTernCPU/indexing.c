// SPDX-License-Identifier: MIT
#include "tern_indexing.h"

#include <string.h>

// Memory at random places is what these loops wait for, so there is one form for all instruction sets.

static inline int64_t position_at(const tern_axis_positions *positions, ptrdiff_t at) {
  return positions->is_wide ? ((const int64_t *)positions->view.data)[at]
                            : ((const int32_t *)positions->view.data)[at];
}

#define TERN_GATHER(bits)                                                                                        \
  static void gather_##bits(                                                                                     \
      const tern_axis_view *x, const tern_axis_positions *positions, tern_axis_extents e, uint64_t missing,      \
      void *target, size_t first, size_t last) {                                                                 \
    typedef uint##bits##_t word;                                                                                 \
    word *y = target;                                                                                            \
    const tern_axis_view *list = &positions->view;                                                               \
    while (first < last) {                                                                                       \
      const size_t i = first % e.inner, row = first / e.inner, p = row % e.picked, o = row / e.picked;           \
      /* Neighbours along the axis of a line by itself, else those behind it. */                                 \
      const size_t room = e.inner == 1 ? e.picked - p : e.inner - i;                                             \
      const size_t run = last - first < room ? last - first : room;                                              \
      const word *from = (const word *)x->data + (ptrdiff_t)o * x->outer + (ptrdiff_t)i * x->inner;              \
      const ptrdiff_t at = (ptrdiff_t)o * list->outer + (ptrdiff_t)p * list->axis + (ptrdiff_t)i * list->inner;  \
      if (e.inner == 1) {                                                                                        \
        for (size_t j = 0; j < run; j++) {                                                                       \
          const int64_t k = position_at(positions, at + (ptrdiff_t)j * list->axis);                              \
          y[first + j] = k >= 0 && k < (int64_t)e.n ? from[k * x->axis] : (word)missing;                         \
        }                                                                                                        \
      } else if (list->inner == 0) {                                                                             \
        const int64_t k = position_at(positions, at);                                                            \
        const bool valid = k >= 0 && k < (int64_t)e.n;                                                           \
        from += valid ? k * x->axis : 0;                                                                         \
        if (!valid) {                                                                                            \
          for (size_t j = 0; j < run; j++) y[first + j] = (word)missing;                                         \
        } else if (x->inner == 1) {                                                                              \
          memcpy(y + first, from, run * sizeof *y);                                                              \
        } else {                                                                                                 \
          for (size_t j = 0; j < run; j++) y[first + j] = from[(ptrdiff_t)j * x->inner];                         \
        }                                                                                                        \
      } else {                                                                                                   \
        for (size_t j = 0; j < run; j++, from += x->inner) {                                                     \
          const int64_t k = position_at(positions, at + (ptrdiff_t)j * list->inner);                             \
          y[first + j] = k >= 0 && k < (int64_t)e.n ? from[k * x->axis] : (word)missing;                         \
        }                                                                                                        \
      }                                                                                                          \
      first += run;                                                                                              \
    }                                                                                                            \
  }

TERN_GATHER(8)
TERN_GATHER(16)
TERN_GATHER(32)
TERN_GATHER(64)

void tern_gather_axis(
    const tern_axis_view *x, const tern_axis_positions *positions, tern_axis_extents extents, size_t width,
    uint64_t missing, void *y, size_t first, size_t last) {
  switch (width) {
    case 1: gather_8(x, positions, extents, missing, y, first, last); break;
    case 2: gather_16(x, positions, extents, missing, y, first, last); break;
    case 4: gather_32(x, positions, extents, missing, y, first, last); break;
    default: gather_64(x, positions, extents, missing, y, first, last);
  }
}

#define TERN_SCATTER(name, type, add)                                                                              \
  void name(                                                                                                       \
      const tern_axis_view *x, const tern_axis_positions *positions, tern_axis_extents e, type *y, size_t first,   \
      size_t last) {                                                                                               \
    const tern_axis_view *list = &positions->view;                                                                 \
    while (first < last) {                                                                                         \
      const size_t i = first % e.inner, o = first / e.inner;                                                       \
      const size_t run = last - first < e.inner - i ? last - first : e.inner - i;                                  \
      type *out = y + o * e.n * e.inner + i;                                                                       \
      for (size_t k = 0; k < e.n; k++) memset(out + k * e.inner, 0, run * sizeof *out);                            \
      for (size_t p = 0; p < e.picked; p++) {                                                                      \
        const type *from =                                                                                         \
            (const type *)x->data + (ptrdiff_t)o * x->outer + (ptrdiff_t)p * x->axis + (ptrdiff_t)i * x->inner;    \
        const ptrdiff_t at = (ptrdiff_t)o * list->outer + (ptrdiff_t)p * list->axis + (ptrdiff_t)i * list->inner;  \
        for (size_t j = 0; j < run; j++, from += x->inner) {                                                       \
          const int64_t k = position_at(positions, at + (ptrdiff_t)j * list->inner);                               \
          if (k < 0 || k >= (int64_t)e.n) continue;                                                                \
          type *sum = out + (size_t)k * e.inner + j;                                                               \
          *sum = add(*sum, *from);                                                                                 \
        }                                                                                                          \
      }                                                                                                            \
      first += run;                                                                                                \
    }                                                                                                              \
  }

#define ADD(a, b) ((a) + (b))
// Overflow wraps.
#define ADD_INT(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))

TERN_SCATTER(tern_scatter_axis, float, ADD)
TERN_SCATTER(tern_scatter_axis_int, int64_t, ADD_INT)
