// SPDX-License-Identifier: MIT
#ifndef TERN_DEPTHWISE_H
#define TERN_DEPTHWISE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// How a plane is slid over by a kernel, when each output channel sees one input channel.
typedef struct tern_depthwise_geometry {
  ptrdiff_t height, width;          ///< of the input
  ptrdiff_t out_height, out_width;  ///< of the output
  ptrdiff_t kernel_height, kernel_width;  ///< the width at most `TERN_DEPTHWISE_WIDTH`
  ptrdiff_t row_stride, column_stride, row_dilation, column_dilation;
  ptrdiff_t pad_top, pad_left;  ///< may be negative, which crops
} tern_depthwise_geometry;

/// The widest kernel.
enum { TERN_DEPTHWISE_WIDTH = 16 };

/// One plane of a result from one or more planes: `target = activation(bias + sum over terms of source[term] slid over
/// by weights[term])`.
typedef struct tern_depthwise_pass {
  const float *source;     ///< planes of the terms, one after the other
  const float *weights;    ///< kernels of the terms, one after the other
  ptrdiff_t terms;
  const float *bias;       ///< one number, or null
  int32_t activation;      ///< TERN_ACTIVATION_*, of `convolve`
  float *target;
} tern_depthwise_pass;

/// The gradient of one kernel: `target[tap] = sum over images, rows, columns of dy * the input under the tap`.
typedef struct tern_depthwise_sum {
  const float *x;
  const float *dy;
  ptrdiff_t images, x_step, dy_step;  ///< steps from image to image
  float *target;
} tern_depthwise_sum;

/// Direct depthwise convolution by one instruction set. Vectors run along the rows of the output; what lies outside of
/// the input is masked, not copied.
struct tern_depthwise_functions {
  /// The convolution: `source` is the input. With `reversed` taps it is the gradient of the input for stride 1, if the
  /// geometry is that of the output slid over the other way.
  void (*convolve)(const tern_depthwise_geometry *geometry, const tern_depthwise_pass *pass, bool reversed);
  /// The gradient of the input for any stride: `source` are gradients of the output, `target` one of the input.
  void (*input_gradient)(const tern_depthwise_geometry *geometry, const tern_depthwise_pass *pass);
  void (*weight_gradient)(const tern_depthwise_geometry *geometry, const tern_depthwise_sum *sum);
};

/// Depthwise convolution compiled for the instruction set in use.
const struct tern_depthwise_functions *tern_depthwise(void);
/// Depthwise convolution compiled for `isa`, which must be available.
const struct tern_depthwise_functions *tern_depthwise_functions_for(tern_isa isa);

#endif
