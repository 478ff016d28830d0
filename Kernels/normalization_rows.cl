// SPDX-License-Identifier: MIT
// Layer, group, instance and RMS normalization, and their gradients. An array is seen as [batch, channels, inner]; a
// row is one of `groups` groups of neighbouring channels of an image. Inputs step through a row with one stride.
//
// norm_rows            Statistics and result. CPU device: a work-item does `share` rows; GPU: `share` work-items one.
// norm_rows_gradient   dx. On CPU devices a work-item does a part of the rows, and sums for the weights beside.
//
// norm_sums and norm_join (normalization.cl and its part for GPUs) sum for the gradients of the weights.

#include "normalization.cl"

#if TERN_CPU_DEVICE
#include "normalization_rows_cpu.cl"
#else
#include "normalization_rows_gpu.cl"
#endif
