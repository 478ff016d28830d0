// SPDX-License-Identifier: MIT
//
// Convolution by register tiles that read shifted rows of padded planes in place.

#include "vector_body.h"
#include "epilogue_body.h"
#include "tile_body.h"
#include "transpose_body.h"
#include "conv_planes_body.h"
#include "conv_tile_body.h"
#include "conv_channels_body.h"
#include "conv_weight_body.h"

static const struct tern_conv_functions TERN_VARIANT(conv_table) = {
    .pad = TERN_VARIANT(conv_pad),
    .convolve = TERN_VARIANT(conv_convolve),
    .convolve_channels = TERN_VARIANT(conv_convolve_channels),
    .pack_pixels = TERN_VARIANT(conv_pack_pixels),
    .pack_taps = TERN_VARIANT(conv_pack_taps),
    .pack_gradient = TERN_VARIANT(conv_pack_gradient),
    .add_weight_gradient = TERN_VARIANT(conv_add_weight_gradient),
    .pack_weights = TERN_VARIANT(conv_pack_weights),
};

#include "tile_end.h"
