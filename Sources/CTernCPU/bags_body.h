// SPDX-License-Identifier: MIT

#define COLUMNS _Pragma("clang loop vectorize(assume_safety)") for (size_t j = 0; j < n; j++)

static void TERN_VARIANT(bag_add)(float *target, const float *row, float share, size_t n) {
  COLUMNS target[j] += share * row[j];
}

static void TERN_VARIANT(bag_keep_greater)(
    float *target, int32_t *owners, const float *row, int32_t owner, size_t n) {
  COLUMNS {
    const float x = row[j], best = target[j];
    const int is_greater = owners[j] < 0 || x > best || (x != x && best == best);
    target[j] = is_greater ? x : best;
    owners[j] = is_greater ? owner : owners[j];
  }
}

static void TERN_VARIANT(bag_add_owned)(
    float *target, const int32_t *owners, const float *row, int32_t owner, size_t n) {
  COLUMNS target[j] += owners[j] == owner ? row[j] : 0.0f;
}

static const struct tern_bags_functions TERN_VARIANT(bags_table) = {
    .add = TERN_VARIANT(bag_add),
    .keep_greater = TERN_VARIANT(bag_keep_greater),
    .add_owned = TERN_VARIANT(bag_add_owned),
};

#undef COLUMNS
