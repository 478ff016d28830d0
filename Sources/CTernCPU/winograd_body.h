// SPDX-License-Identifier: MIT
//
// Winograd's convolution: transforms and products of one instruction set, for both tile sizes.

#include "vector_body.h"
#include "epilogue_body.h"
#include "tile_body.h"
#include "transpose_body.h"
#include "winograd_line_body.h"
#include "winograd_tiles_body.h"
#include "winograd_filters_body.h"
#include "winograd_product_body.h"

#define TRANSFORMS(m)                                                                                           \
  static void TERN_VARIANT(winograd_input_##m)(const tern_winograd_source *source) {                            \
    TERN_VARIANT(winograd_transform_tiles)(m, m + 2, TERN_VARIANT(line_input), source);                         \
  }                                                                                                             \
  static void TERN_VARIANT(winograd_gradient_##m)(const tern_winograd_source *source) {                         \
    TERN_VARIANT(winograd_transform_tiles)(m, m, TERN_VARIANT(line_gradient), source);                          \
  }                                                                                                             \
  static void TERN_VARIANT(winograd_output_##m)(const tern_winograd_target *target) {                           \
    TERN_VARIANT(winograd_transform_sums)(m, target);                                                           \
  }                                                                                                             \
  static void TERN_VARIANT(winograd_filters_##m)(const tern_winograd_filters *filters) {                        \
    TERN_VARIANT(winograd_transform_filters)(m, filters);                                                       \
  }                                                                                                             \
  static void TERN_VARIANT(winograd_filter_gradient_##m)(const tern_winograd_gradient *gradient) {              \
    TERN_VARIANT(winograd_transform_gradient)(m, gradient);                                                     \
  }
TRANSFORMS(2)
TRANSFORMS(4)
#define TRANSFORMS_NAMED(m)                                                                         \
  {                                                                                                 \
      .input = TERN_VARIANT(winograd_input_##m), .gradient = TERN_VARIANT(winograd_gradient_##m),   \
      .output = TERN_VARIANT(winograd_output_##m), .filters = TERN_VARIANT(winograd_filters_##m),   \
      .filter_gradient = TERN_VARIANT(winograd_filter_gradient_##m),                                \
  }

static const struct tern_winograd_functions TERN_VARIANT(winograd_table) = {
    .lanes = LANES,
    .rows = TILE_ROWS,
    .two = TRANSFORMS_NAMED(2),
    .four = TRANSFORMS_NAMED(4),
    .multiply = TERN_VARIANT(winograd_multiply),
    .correlate = TERN_VARIANT(winograd_correlate),
};
#undef TRANSFORMS
#undef TRANSFORMS_NAMED

#include "tile_end.h"
