// SPDX-License-Identifier: MIT
// Philox4x32-10 on 16 blocks at a time, a word of the counter in each array.

enum { TERN_VARIANT(PHILOX_LANES) = 16 };
#define LANES TERN_VARIANT(PHILOX_LANES)

static void TERN_VARIANT(words)(const tern_stream *stream, uint32_t *out, size_t blocks) {
  for (size_t block = 0; block < blocks; block += LANES) {
    uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES];
    for (size_t j = 0; j < LANES; j++) {
      const uint64_t counter = stream->first_block + block + j;
      c0[j] = (uint32_t)counter;
      c1[j] = (uint32_t)(counter >> 32);
      c2[j] = (uint32_t)stream->stream;
      c3[j] = (uint32_t)(stream->stream >> 32);
    }
    uint32_t k0 = (uint32_t)stream->seed, k1 = (uint32_t)(stream->seed >> 32);
    for (int round = 0; round < 10; round++) {
      for (size_t j = 0; j < LANES; j++) {
        const uint64_t p0 = (uint64_t)c0[j] * 0xd2511f53u, p1 = (uint64_t)c2[j] * 0xcd9e8d57u;
        c0[j] = (uint32_t)(p1 >> 32) ^ c1[j] ^ k0;
        c2[j] = (uint32_t)(p0 >> 32) ^ c3[j] ^ k1;
        c1[j] = (uint32_t)p1;
        c3[j] = (uint32_t)p0;
      }
      k0 += 0x9e3779b9u;
      k1 += 0xbb67ae85u;
    }
    const size_t count = blocks - block < LANES ? blocks - block : LANES;
    for (size_t j = 0; j < count; j++, out += 4) out[0] = c0[j], out[1] = c1[j], out[2] = c2[j], out[3] = c3[j];
  }
}

static void TERN_VARIANT(uniform)(const uint32_t *words, float low, float high, float *out, size_t n) {
  const float span = high - low;
  for (size_t i = 0; i < n; i++) {
    const float unit = (float)(int32_t)(words[i] >> 8) * 5.96046448e-8f;
    const float scaled = span * unit;
    out[i] = low + scaled;
  }
}

static void TERN_VARIANT(normal)(const uint32_t *words, float mean, float deviation, float *out, size_t n) {
  for (size_t i = 0; i < n; i += 2) {
    const float u1 = (float)(int32_t)((words[i] >> 8) + 1) * 5.96046448e-8f;
    const float u2 = (float)(int32_t)(words[i + 1] >> 8) * 5.96046448e-8f;
    const float radius = tern_sqrt(-2.0f * tern_log(u1));
    const float angle = 6.28318531f * u2;
    const float x = radius * tern_cos(angle), y = radius * tern_sin(angle);
    const float scaled_x = deviation * x, scaled_y = deviation * y;
    out[i] = mean + scaled_x;
    out[i + 1] = mean + scaled_y;
  }
}

static void TERN_VARIANT(mask)(const uint32_t *words, uint32_t threshold, float *out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = words[i] >= threshold ? 1.0f : 0.0f;
}

static const struct tern_random_functions TERN_VARIANT(random_table) = {
    .words = TERN_VARIANT(words),
    .uniform = TERN_VARIANT(uniform),
    .normal = TERN_VARIANT(normal),
    .mask = TERN_VARIANT(mask),
};

#undef LANES
