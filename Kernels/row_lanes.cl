// SPDX-License-Identifier: MIT
// GPUs: rows shared by `lanes` neighbouring work-items (a power of two), several rows to a group of GROUP.
// Local memory: GROUP floats, 1 KiB.

#define EXCHANGE(NAME, COMBINED)                                                                        \
  /* Combines the values of the `lanes` work-items of a row; each of them gets the result. */           \
  static float NAME(float value, local float *scratch, int lanes) {                                     \
    int id = get_local_id(0), lane = id & (lanes - 1);                                                  \
    barrier(CLK_LOCAL_MEM_FENCE); /* the readers of the exchange before */                              \
    scratch[id] = value;                                                                                \
    for (int width = lanes / 2; width > 0; width /= 2) {                                                \
      barrier(CLK_LOCAL_MEM_FENCE);                                                                     \
      if (lane < width) {                                                                               \
        float a = scratch[id], b = scratch[id + width];                                                 \
        scratch[id] = COMBINED;                                                                         \
      }                                                                                                 \
    }                                                                                                   \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                       \
    return scratch[id - lane];                                                                          \
  }
EXCHANGE(sum_over_lanes, a + b)
EXCHANGE(max_over_lanes, fmax(a, b))
#undef EXCHANGE
