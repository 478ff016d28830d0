// SPDX-License-Identifier: MIT
#ifndef TERN_CONV_H
#define TERN_CONV_H
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// Zero-padded copies of the channels of one image, split into the phases of a stride, so that a convolution of any
/// stride, padding and dilation reads contiguous floats.
///
///     planes[c][r][s][i][j] = image[c][i * row_stride + r - pad_top][j * column_stride + s - pad_left], or 0 outside
typedef struct tern_conv_planes {
  const float *image;  ///< dense `[channels, height, width]`
  ptrdiff_t channels, height, width;
  ptrdiff_t row_stride, column_stride;  ///< of the convolution: phases along each axis
  ptrdiff_t pad_top, pad_left;          ///< may be negative, which crops
  ptrdiff_t plane_height, plane_width;  ///< of one phase
  float *planes;                        ///< `[channels, row_stride, column_stride, plane_height, plane_width]`
} tern_conv_planes;

/// A convolution of one image whose input rows are read in place from padded planes: for `h` in `0 ..< out_height`,
/// `w` in `0 ..< out_width`
///
///     target[o * channel_step + h * row_step + w * column_step]
///         = activation(bias[o] + sum over p of weights[o, p] * source[offsets[p] + h * pitch + w])
typedef struct tern_conv_pass {
  ptrdiff_t channels;      ///< of the output
  ptrdiff_t depth;         ///< how many products make one output
  const float *weights;    ///< `[channels, depth]` packed by `tern_gemm_functions.pack_rows`
  const int32_t *offsets;  ///< `[depth]`
  const float *source;     ///< readable for `TERN_CONV_SLACK` floats behind the last one that is needed
  ptrdiff_t pitch, out_height, out_width;
  float *target;
  ptrdiff_t channel_step, row_step, column_step;
  const float *bias;   ///< `[channels]`, or null
  int32_t activation;  ///< TERN_ACTIVATION_*
} tern_conv_pass;

/// The same with vectors that run along the output's channels instead of its columns, for images that are too narrow to
/// fill vectors: for `h` in `0 ..< out_height`, `w` in `0 ..< out_width`
///
///     target[o * channel_step + h * out_width + w]
///         = activation(bias[o] + sum over p of weights[o, p] * source[offsets[p] + h * row_step + w * column_step])
typedef struct tern_conv_channel_pass {
  ptrdiff_t channels;
  ptrdiff_t depth;
  const float *weights;    ///< `[depth, channels]` packed by `tern_gemm_functions.pack_columns`
  const int32_t *offsets;  ///< `[depth]`
  const float *source;
  ptrdiff_t row_step, column_step;  ///< the latter 1 or 2
  ptrdiff_t out_height, out_width;
  float *target;
  ptrdiff_t channel_step;
  const float *bias;   ///< `[channels]`, or null
  int32_t activation;  ///< TERN_ACTIVATION_*
} tern_conv_channel_pass;

/// Floats behind the padded planes that may be read, but never have an effect.
enum { TERN_CONV_SLACK = 64 };

/// The gradient of the weights from some images: dot products of output rows with shifted input rows.
///
///     target[o * target_step + p] += sum over n, q of dy[n * dy_image_step + o * dy_step + q]
///                                                   * source[n * image_step + offsets[p] + q]
typedef struct tern_conv_weight_pass {
  ptrdiff_t channels, depth;  ///< rows and columns of the result
  ptrdiff_t images;
  ptrdiff_t length;  ///< of the dot products within one image
  const float *dy;
  ptrdiff_t dy_image_step, dy_step;
  const float *source;
  ptrdiff_t image_step;
  const int32_t *offsets;  ///< `[depth]`
  float *target;
  ptrdiff_t target_step;
} tern_conv_weight_pass;

/// The loops of the convolution for one instruction set.
struct tern_conv_functions {
  /// Fills the planes of one image.
  void (*pad)(const tern_conv_planes *planes);
  /// Convolves one image.
  void (*convolve)(const tern_conv_pass *pass);
  /// Convolves one image with vectors of channels.
  void (*convolve_channels)(const tern_conv_channel_pass *pass);
  /// Packs pixels `first ..< first + count` (row-major over `out_height x out_width`; bias, activation and target are
  /// unused) into panels for `tern_gemm_functions.multiply`: `[depth][columns]`, the last one filled up with zeros.
  void (*pack_pixels)(const tern_conv_pass *pass, ptrdiff_t first, ptrdiff_t count, float *panels);
  /// Packs taps `first ..< first + count` (at most `columns` of them) of some images as a panel of columns for
  /// `tern_gemm_functions.multiply`: `[images * pixels][columns]`, filled up with zeros. `image_step` is the distance
  /// of the images' planes.
  void (*pack_taps)(
      const tern_conv_pass *pass, ptrdiff_t first, ptrdiff_t count, ptrdiff_t images, ptrdiff_t image_step,
      float *panel);
  /// Packs the output's gradient as rows for the same product: `rows` channels `row_step` apart, `length` pixels of
  /// each of some images.
  void (*pack_gradient)(
      const float *dy, ptrdiff_t rows, ptrdiff_t row_step, ptrdiff_t images, ptrdiff_t image_step, ptrdiff_t length,
      float *panels);
  /// Adds some images' part of the gradient of the weights.
  void (*add_weight_gradient)(const tern_conv_weight_pass *pass);
  /// Packs weights for a convolution that runs backwards: `depth = outer * taps`, and element (row, o * taps + t) is
  /// `weights[row * row_stride + o * outer_stride + tap_offsets[t]]`. The layout is `pack_rows`'s.
  void (*pack_weights)(
      const float *weights, ptrdiff_t rows, ptrdiff_t row_stride, ptrdiff_t outer, ptrdiff_t outer_stride,
      ptrdiff_t taps, const int32_t *tap_offsets, float *panels);
};

/// The convolution compiled for the instruction set in use.
const struct tern_conv_functions *tern_conv(void);
/// The convolution compiled for `isa`, which must be available.
const struct tern_conv_functions *tern_conv_functions_for(tern_isa isa);

#endif
