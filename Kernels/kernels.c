// SPDX-License-Identifier: MIT
#include "tern_kernels.h"

#include <string.h>

#define TERN_TEXT(...) #__VA_ARGS__

static const tern_op_row rows[] = {
#define TERN_ROW(name, result, arity, a, b, c, ...) {#name, result, arity, {a, b, c}, TERN_TEXT(__VA_ARGS__)},
#include "tern_pointwise.def"
#undef TERN_ROW
};

const tern_op_row *tern_op_rows(int32_t op) { return &rows[op]; }

#pragma clang diagnostic ignored "-Wc23-extensions"  // #embed

// One array a file, so that a rebuild of this file is all that a kernel's change costs.
static const char math_h[] = {
#embed "include/tern_math.h"
};
static const char activation_h[] = {
#embed "include/tern_activation.h"
};
static const char grid_h[] = {
#embed "include/tern_grid.h"
};
static const char prelude_cl[] = {
#embed "prelude.cl"
};
static const char argreduce_cl[] = {
#embed "argreduce.cl"
};
static const char attention_cl[] = {
#embed "attention.cl"
};
static const char bags_cl[] = {
#embed "bags.cl"
};
static const char copy_element_cl[] = {
#embed "copy_element.cl"
};
static const char cross_entropy_cl[] = {
#embed "cross_entropy.cl"
};
static const char finite_cl[] = {
#embed "finite.cl"
};
static const char grid_sample_cl[] = {
#embed "grid_sample.cl"
};
static const char grid_sample_cpu_cl[] = {
#embed "grid_sample_cpu.cl"
};
static const char grid_sample_gpu_cl[] = {
#embed "grid_sample_gpu.cl"
};
static const char ctc_cl[] = {
#embed "ctc.cl"
};
static const char indexing_cl[] = {
#embed "indexing.cl"
};
static const char indexing_gpu_cl[] = {
#embed "indexing_gpu.cl"
};
static const char normalization_cl[] = {
#embed "normalization.cl"
};
static const char normalization_cpu_cl[] = {
#embed "normalization_cpu.cl"
};
static const char normalization_gpu_cl[] = {
#embed "normalization_gpu.cl"
};
static const char normalization_batch_cl[] = {
#embed "normalization_batch.cl"
};
static const char normalization_batch_cpu_cl[] = {
#embed "normalization_batch_cpu.cl"
};
static const char normalization_batch_gpu_cl[] = {
#embed "normalization_batch_gpu.cl"
};
static const char normalization_rows_cl[] = {
#embed "normalization_rows.cl"
};
static const char normalization_rows_cpu_cl[] = {
#embed "normalization_rows_cpu.cl"
};
static const char normalization_rows_gpu_cl[] = {
#embed "normalization_rows_gpu.cl"
};
static const char pooling_cl[] = {
#embed "pooling.cl"
};
static const char pooling_cpu_cl[] = {
#embed "pooling_cpu.cl"
};
static const char pooling_gpu_cl[] = {
#embed "pooling_gpu.cl"
};
static const char radix_cl[] = {
#embed "radix.cl"
};
static const char random_cl[] = {
#embed "random.cl"
};
static const char recurrent_cl[] = {
#embed "recurrent.cl"
};
static const char reduce_cl[] = {
#embed "reduce.cl"
};
static const char reduce_cpu_cl[] = {
#embed "reduce_cpu.cl"
};
static const char reduce_gpu_cl[] = {
#embed "reduce_gpu.cl"
};
static const char resample_cl[] = {
#embed "resample.cl"
};
static const char row_lanes_cl[] = {
#embed "row_lanes.cl"
};
static const char row_powers_cl[] = {
#embed "row_powers.cl"
};
static const char rows_cl[] = {
#embed "rows.cl"
};
static const char sorted_pairs_cl[] = {
#embed "sorted_pairs.cl"
};
static const char scan_cl[] = {
#embed "scan.cl"
};
static const char scan_cpu_cl[] = {
#embed "scan_cpu.cl"
};
static const char scan_gpu_cl[] = {
#embed "scan_gpu.cl"
};
static const char sort_cl[] = {
#embed "sort.cl"
};
static const char sort_key_cl[] = {
#embed "sort_key.cl"
};
static const char topk_cl[] = {
#embed "topk.cl"
};
static const char topk_gpu_cl[] = {
#embed "topk_gpu.cl"
};
static const char softmax_cl[] = {
#embed "softmax.cl"
};
static const char transpose_cl[] = {
#embed "transpose.cl"
};
static const char transpose_cpu_cl[] = {
#embed "transpose_cpu.cl"
};
static const char transpose_gpu_cl[] = {
#embed "transpose_gpu.cl"
};
static const char typed_cl[] = {
#embed "typed.cl"
};
static const char unfold_cl[] = {
#embed "unfold.cl"
};
static const char probe_cl[] = {
#embed "probe.cl"
};
static const char pointwise_cl[] = {
#embed "pointwise.cl"
};
static const char gemm_operand_cl[] = {
#embed "gemm_operand.cl"
};
static const char vector_cl[] = {
#embed "vector.cl"
};
static const char gemm_integer_cl[] = {
#embed "gemm_integer.cl"
};
static const char gemm_wide_cl[] = {
#embed "gemm_wide.cl"
};
static const char activation_cl[] = {
#embed "activation.cl"
};
static const char vector_activation_cl[] = {
#embed "vector_activation.cl"
};
static const char vector_transpose_cl[] = {
#embed "vector_transpose.cl"
};
static const char gemm_pack_cl[] = {
#embed "gemm_pack.cl"
};
static const char conv_frame_cl[] = {
#embed "conv_frame.cl"
};
static const char gemm_tile_cl[] = {
#embed "gemm_tile.cl"
};
static const char gemm_tensor_cl[] = {
#embed "gemm_tensor.cl"
};
static const char gemm_tiled_cl[] = {
#embed "gemm_tiled.cl"
};
static const char im2col_cl[] = {
#embed "im2col.cl"
};
static const char winograd_gpu_cl[] = {
#embed "winograd_gpu.cl"
};
static const char winograd_cpu_cl[] = {
#embed "winograd_cpu.cl"
};
static const char winograd_cl[] = {
#embed "winograd.cl"
};
static const char depthwise_gpu_cl[] = {
#embed "depthwise_gpu.cl"
};
static const char depthwise_cpu_cl[] = {
#embed "depthwise_cpu.cl"
};
static const char conv_dtypes_cl[] = {
#embed "conv_dtypes.cl"
};
static const char conv_implicit_cl[] = {
#embed "conv_implicit.cl"
};
static const char winograd_weights_cpu_cl[] = {
#embed "winograd_weights_cpu.cl"
};
static const char winograd_segments_cl[] = {
#embed "winograd_segments.cl"
};

static const tern_source sources[] = {
    {"tern_math.h", math_h, sizeof math_h},
    {"tern_activation.h", activation_h, sizeof activation_h},
    {"tern_grid.h", grid_h, sizeof grid_h},
    {"prelude.cl", prelude_cl, sizeof prelude_cl},
    {"argreduce.cl", argreduce_cl, sizeof argreduce_cl},
    {"attention.cl", attention_cl, sizeof attention_cl},
    {"bags.cl", bags_cl, sizeof bags_cl},
    {"copy_element.cl", copy_element_cl, sizeof copy_element_cl},
    {"cross_entropy.cl", cross_entropy_cl, sizeof cross_entropy_cl},
    {"finite.cl", finite_cl, sizeof finite_cl},
    {"grid_sample.cl", grid_sample_cl, sizeof grid_sample_cl},
    {"grid_sample_cpu.cl", grid_sample_cpu_cl, sizeof grid_sample_cpu_cl},
    {"grid_sample_gpu.cl", grid_sample_gpu_cl, sizeof grid_sample_gpu_cl},
    {"ctc.cl", ctc_cl, sizeof ctc_cl},
    {"indexing.cl", indexing_cl, sizeof indexing_cl},
    {"indexing_gpu.cl", indexing_gpu_cl, sizeof indexing_gpu_cl},
    {"normalization.cl", normalization_cl, sizeof normalization_cl},
    {"normalization_cpu.cl", normalization_cpu_cl, sizeof normalization_cpu_cl},
    {"normalization_gpu.cl", normalization_gpu_cl, sizeof normalization_gpu_cl},
    {"normalization_batch.cl", normalization_batch_cl, sizeof normalization_batch_cl},
    {"normalization_batch_cpu.cl", normalization_batch_cpu_cl, sizeof normalization_batch_cpu_cl},
    {"normalization_batch_gpu.cl", normalization_batch_gpu_cl, sizeof normalization_batch_gpu_cl},
    {"normalization_rows.cl", normalization_rows_cl, sizeof normalization_rows_cl},
    {"normalization_rows_cpu.cl", normalization_rows_cpu_cl, sizeof normalization_rows_cpu_cl},
    {"normalization_rows_gpu.cl", normalization_rows_gpu_cl, sizeof normalization_rows_gpu_cl},
    {"pooling.cl", pooling_cl, sizeof pooling_cl},
    {"pooling_cpu.cl", pooling_cpu_cl, sizeof pooling_cpu_cl},
    {"pooling_gpu.cl", pooling_gpu_cl, sizeof pooling_gpu_cl},
    {"radix.cl", radix_cl, sizeof radix_cl},
    {"random.cl", random_cl, sizeof random_cl},
    {"recurrent.cl", recurrent_cl, sizeof recurrent_cl},
    {"reduce.cl", reduce_cl, sizeof reduce_cl},
    {"reduce_cpu.cl", reduce_cpu_cl, sizeof reduce_cpu_cl},
    {"reduce_gpu.cl", reduce_gpu_cl, sizeof reduce_gpu_cl},
    {"resample.cl", resample_cl, sizeof resample_cl},
    {"row_lanes.cl", row_lanes_cl, sizeof row_lanes_cl},
    {"row_powers.cl", row_powers_cl, sizeof row_powers_cl},
    {"rows.cl", rows_cl, sizeof rows_cl},
    {"sorted_pairs.cl", sorted_pairs_cl, sizeof sorted_pairs_cl},
    {"scan.cl", scan_cl, sizeof scan_cl},
    {"scan_cpu.cl", scan_cpu_cl, sizeof scan_cpu_cl},
    {"scan_gpu.cl", scan_gpu_cl, sizeof scan_gpu_cl},
    {"sort.cl", sort_cl, sizeof sort_cl},
    {"sort_key.cl", sort_key_cl, sizeof sort_key_cl},
    {"topk.cl", topk_cl, sizeof topk_cl},
    {"topk_gpu.cl", topk_gpu_cl, sizeof topk_gpu_cl},
    {"softmax.cl", softmax_cl, sizeof softmax_cl},
    {"transpose.cl", transpose_cl, sizeof transpose_cl},
    {"transpose_cpu.cl", transpose_cpu_cl, sizeof transpose_cpu_cl},
    {"transpose_gpu.cl", transpose_gpu_cl, sizeof transpose_gpu_cl},
    {"typed.cl", typed_cl, sizeof typed_cl},
    {"unfold.cl", unfold_cl, sizeof unfold_cl},
    {"probe.cl", probe_cl, sizeof probe_cl},
    {"pointwise.cl", pointwise_cl, sizeof pointwise_cl},
    {"gemm_operand.cl", gemm_operand_cl, sizeof gemm_operand_cl},
    {"vector.cl", vector_cl, sizeof vector_cl},
    {"gemm_integer.cl", gemm_integer_cl, sizeof gemm_integer_cl},
    {"gemm_wide.cl", gemm_wide_cl, sizeof gemm_wide_cl},
    {"activation.cl", activation_cl, sizeof activation_cl},
    {"vector_activation.cl", vector_activation_cl, sizeof vector_activation_cl},
    {"vector_transpose.cl", vector_transpose_cl, sizeof vector_transpose_cl},
    {"gemm_pack.cl", gemm_pack_cl, sizeof gemm_pack_cl},
    {"conv_frame.cl", conv_frame_cl, sizeof conv_frame_cl},
    {"conv_dtypes.cl", conv_dtypes_cl, sizeof conv_dtypes_cl},
    {"conv_implicit.cl", conv_implicit_cl, sizeof conv_implicit_cl},
    {"gemm_tile.cl", gemm_tile_cl, sizeof gemm_tile_cl},
    {"gemm_tensor.cl", gemm_tensor_cl, sizeof gemm_tensor_cl},
    {"gemm_tiled.cl", gemm_tiled_cl, sizeof gemm_tiled_cl},
    {"im2col.cl", im2col_cl, sizeof im2col_cl},
    {"depthwise_cpu.cl", depthwise_cpu_cl, sizeof depthwise_cpu_cl},
    {"depthwise_gpu.cl", depthwise_gpu_cl, sizeof depthwise_gpu_cl},
    {"winograd.cl", winograd_cl, sizeof winograd_cl},
    {"winograd_cpu.cl", winograd_cpu_cl, sizeof winograd_cpu_cl},
    {"winograd_gpu.cl", winograd_gpu_cl, sizeof winograd_gpu_cl},
    {"winograd_segments.cl", winograd_segments_cl, sizeof winograd_segments_cl},
    {"winograd_weights_cpu.cl", winograd_weights_cpu_cl, sizeof winograd_weights_cpu_cl},
};

tern_source tern_kernel_source(const char *name) {
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
    if (strcmp(sources[i].name, name) == 0) return sources[i];
  return (tern_source){name, NULL, 0};
}

// FNV-1a over words, about 15 microseconds for 100 KB. Each step is a bijection, so one changed word always shows.
uint64_t tern_hash(const void *bytes, size_t length, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325u ^ seed;
  for (size_t at = 0; at < length; at += sizeof hash) {
    uint64_t word = 0;
    size_t rest = length - at;
    memcpy(&word, (const char *)bytes + at, rest < sizeof word ? rest : sizeof word);
    hash = (hash ^ word) * 0x100000001b3u;
    hash ^= hash >> 32;
  }
  return (hash ^ length) * 0x100000001b3u;
}

uint64_t tern_kernel_hash(void) {
  uint64_t hash = 0;
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
    hash = tern_hash(sources[i].text, sources[i].length, hash);
  return hash;
}
