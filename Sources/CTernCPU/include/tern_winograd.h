// SPDX-License-Identifier: MIT
#ifndef TERN_WINOGRAD_H
#define TERN_WINOGRAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// Winograd's minimal filtering F(m x m, 3 x 3) (Lavin, Gray: Fast Algorithms for Convolutional Neural Networks, 2016).
///
/// A 3x3 convolution of stride 1 is cut into tiles of `m` x `m` outputs, `m` 2 or 4. With `e = m + 2`, one tile of the
/// input `d` `[e, e]` and one filter `g` `[3, 3]` make the outputs
///
///     y = Aᵀ ((G g Gᵀ) ⊙ (Bᵀ d B)) A
///
/// so that all channels together are `e * e` ("points") matrix products, with `e² / m²` products for each output
/// instead of 9: 4 with `m = 2`, 2.25 with `m = 4`. The gradient of the filters is the adjoint,
///
///     dg = Gᵀ (sum over tiles of (A dy Aᵀ) ⊙ (Bᵀ d B)) G
///
/// Transformed tiles are `[point][channel block][tile][lane]`: a block has as many channels as a vector has lanes, so
/// that transforms are plain vector arithmetic; lanes beyond the last channel are zeros. All steps count floats.

/// How the planes of the images are cut into tiles. Tiles are numbered image by image, row by row.
typedef struct tern_winograd_grid {
  ptrdiff_t height, width;            ///< of the planes that are read or written
  ptrdiff_t top, left;                ///< the pixel at which tile (0, 0) begins; negative where there is padding
  ptrdiff_t tile_rows, tile_columns;  ///< tiles of an image
  ptrdiff_t first, count;             ///< the tiles at hand
  ptrdiff_t image_step;               ///< floats from image to image; planes are dense and follow each other
} tern_winograd_grid;

/// Transforms tiles of one block of channels.
typedef struct tern_winograd_source {
  tern_winograd_grid grid;
  const float *planes;  ///< of the block's first channel in the first image
  ptrdiff_t channels;   ///< of the block, at most `lanes`
  float *rows;          ///< scratch: `tern_winograd_row_floats`
  float *target;        ///< `target[point * point_step + tile * lanes + lane]`, tiles counted from the grid's first
  ptrdiff_t point_step;
} tern_winograd_source;

/// Transforms sums back to pixels; `grid.top` and `grid.left` are 0.
typedef struct tern_winograd_target {
  tern_winograd_grid grid;
  const float *sums;  ///< `sums[point * point_step + tile * lanes + lane]`
  ptrdiff_t point_step;
  const float *bias;   ///< of the block's channels, or null
  int32_t activation;  ///< TERN_ACTIVATION_*
  ptrdiff_t channels;
  float *planes;
} tern_winograd_target;

/// Transforms filters into the panels that `multiply` reads.
typedef struct tern_winograd_filters {
  const float *filters;  ///< `[output][input][tap]` at `output * output_step + input * input_step + tap`
  ptrdiff_t outputs, output_step;
  ptrdiff_t inputs, input_step;
  bool reversed;                  ///< taps in reverse, for the gradient of the input
  ptrdiff_t first_panel, panels;  ///< which panels of `2 * lanes` outputs to make
  float *target;  ///< `[point][panel made][padded inputs][vectors][lanes]`; the last panel may have one vector
  ptrdiff_t point_step;
} tern_winograd_filters;

/// Products for one panel of outputs: `c[point][vector][tile][lane] = sum over inputs of a * b`.
typedef struct tern_winograd_product {
  ptrdiff_t points, tiles;
  ptrdiff_t input_blocks, vectors;  ///< 1 or 2 vectors
  const float *a;  ///< transformed tiles `[point][input block][tile][lane]`
  ptrdiff_t a_point_step;
  ptrdiff_t a_block_step;  ///< floats from one block of inputs to the next
  const float *b;  ///< the panel of transformed filters
  ptrdiff_t b_point_step;
  float *c;
  ptrdiff_t c_point_step;
} tern_winograd_product;

/// Sums over tiles for the gradient of the filters at one point: `c[output][input] (+)= sum over tiles of a * b`.
typedef struct tern_winograd_correlation {
  ptrdiff_t tiles, output_blocks, input_blocks;
  const float *a;  ///< transformed gradients `[output block][tile][lane]`
  const float *b;  ///< transformed inputs `[input block][tile][lane]`
  float *c;        ///< `[output_blocks * lanes][input_blocks * lanes]`
  bool accumulate;
} tern_winograd_correlation;

/// Transforms sums over tiles back to gradients of filters.
typedef struct tern_winograd_gradient {
  const float *sums;  ///< `sums[point * point_step + output * output_step + input]`
  ptrdiff_t point_step, output_step;
  ptrdiff_t outputs, inputs;
  float *filters;  ///< dense `[outputs, inputs, 3, 3]`
} tern_winograd_gradient;

/// The transforms of one tile size.
struct tern_winograd_transforms {
  void (*input)(const tern_winograd_source *source);      ///< `Bᵀ d B`; tiles overlap by two pixels
  void (*gradient)(const tern_winograd_source *source);   ///< `A dy Aᵀ`
  void (*output)(const tern_winograd_target *target);     ///< `Aᵀ s A + bias`, activated
  void (*filters)(const tern_winograd_filters *filters);  ///< `G g Gᵀ`
  void (*filter_gradient)(const tern_winograd_gradient *gradient);  ///< `Gᵀ s G`
};

/// The loops for one instruction set.
struct tern_winograd_functions {
  ptrdiff_t lanes;  ///< channels of a block
  ptrdiff_t rows;   ///< tiles that `multiply` takes at once
  struct tern_winograd_transforms two, four;  ///< for `m = 2` and `m = 4`
  void (*multiply)(const tern_winograd_product *product);
  void (*correlate)(const tern_winograd_correlation *correlation);
};

/// Floats of scratch rows that transforming tiles of `edge` pixels, `size` apart, takes.
static inline ptrdiff_t tern_winograd_row_floats(
    ptrdiff_t lanes, ptrdiff_t size, ptrdiff_t edge, ptrdiff_t tile_columns) {
  return edge * (size * tile_columns + edge - size) * lanes;
}

/// Winograd's convolution compiled for the instruction set in use.
const struct tern_winograd_functions *tern_winograd(void);
/// Winograd's convolution compiled for `isa`, which must be available.
const struct tern_winograd_functions *tern_winograd_functions_for(tern_isa isa);

#endif
