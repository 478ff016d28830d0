// SPDX-License-Identifier: MIT
// Moves elements between memory, in any dtype, and registers, which hold float or 64-bit integers.

/// Copies `rows` by `columns` elements into a dense register, row by row. Where columns lie farther apart than rows,
/// the columns are read one by one, so that the reads, which may miss the cache, follow memory.
#define TERN_LOAD(name, stored, held, convert)                                                                  \
  static void TERN_VARIANT(load_##name)(                                                                        \
      const void *source, ptrdiff_t row_stride, ptrdiff_t column_stride, void *target, size_t rows,             \
      size_t columns) {                                                                                         \
    held *out = target;                                                                                         \
    if (row_stride == 1 && column_stride != 1 && rows > 1) {                                                    \
      for (size_t c = 0; c < columns; c++) {                                                                    \
        const stored *in = (const stored *)source + (ptrdiff_t)c * column_stride;                               \
        _Pragma("clang loop vectorize(disable)") for (size_t r = 0; r < rows; r++)                              \
          out[r * columns + c] = convert(in[r]);                                \
      }                                                                                                         \
      return;                                                                                                   \
    }                                                                                                           \
    for (size_t r = 0; r < rows; r++, out += columns) {                                                         \
      const stored *in = (const stored *)source + (ptrdiff_t)r * row_stride;                                    \
      if (column_stride == 1) {                                                                                 \
        for (size_t c = 0; c < columns; c++) out[c] = convert(in[c]);                                           \
      } else if (column_stride == 0) {                                                                          \
        const held value = convert(*in);                                                                        \
        for (size_t c = 0; c < columns; c++) out[c] = value;                                                    \
      } else {                                                                                                  \
        for (size_t c = 0; c < columns; c++) out[c] = convert(in[(ptrdiff_t)c * column_stride]);                \
      }                                                                                                         \
    }                                                                                                           \
  }

/// The reverse.
#define TERN_STORE(name, stored, held, convert)                                                                 \
  static void TERN_VARIANT(store_##name)(                                                                       \
      void *target, ptrdiff_t row_stride, ptrdiff_t column_stride, const void *source, size_t rows,             \
      size_t columns) {                                                                                         \
    const held *in = source;                                                                                    \
    if (row_stride == 1 && column_stride != 1 && rows > 1) {                                                    \
      for (size_t c = 0; c < columns; c++) {                                                                    \
        stored *out = (stored *)target + (ptrdiff_t)c * column_stride;                                          \
        for (size_t r = 0; r < rows; r++) out[r] = convert(in[r * columns + c]);                                \
      }                                                                                                         \
      return;                                                                                                   \
    }                                                                                                           \
    for (size_t r = 0; r < rows; r++, in += columns) {                                                          \
      stored *out = (stored *)target + (ptrdiff_t)r * row_stride;                                               \
      if (column_stride == 1) {                                                                                 \
        for (size_t c = 0; c < columns; c++) out[c] = convert(in[c]);                                           \
      } else {                                                                                                  \
        for (size_t c = 0; c < columns; c++) out[(ptrdiff_t)c * column_stride] = convert(in[c]);                \
      }                                                                                                         \
    }                                                                                                           \
  }

#define TERN_AS_IS(x) (x)
#define TERN_TO_BOOL(x) ((x) != 0)
#define TERN_NARROW(x) ((int32_t)(uint32_t)(tern_uint)(x))

TERN_LOAD(float32, float, float, TERN_AS_IS)
TERN_LOAD(float16, tern_half_bits, float, tern_float_from_half)
TERN_LOAD(bfloat16, tern_half_bits, float, tern_float_from_bfloat16)
TERN_LOAD(int32, int32_t, tern_int, TERN_AS_IS)
TERN_LOAD(int64, tern_int, tern_int, TERN_AS_IS)
TERN_LOAD(bool, uint8_t, tern_int, TERN_AS_IS)
TERN_STORE(float32, float, float, TERN_AS_IS)
TERN_STORE(float16, tern_half_bits, float, tern_half_from_float)
TERN_STORE(bfloat16, tern_half_bits, float, tern_bfloat16_from_float)
TERN_STORE(int32, int32_t, tern_int, TERN_NARROW)
TERN_STORE(int64, tern_int, tern_int, TERN_AS_IS)
TERN_STORE(bool, uint8_t, tern_int, TERN_TO_BOOL)

#undef TERN_LOAD
#undef TERN_STORE
#undef TERN_AS_IS
#undef TERN_TO_BOOL
#undef TERN_NARROW

/// Transposes `columns` runs of `rows` floats, `column_stride` apart, into dense rows: 4x4 at a time in registers.
static void TERN_VARIANT(transpose)(
    const float *source, ptrdiff_t column_stride, float *target, ptrdiff_t target_stride, size_t rows,
    size_t columns) {
  typedef float vector __attribute__((vector_size(16), aligned(4)));
  size_t c = 0;
  for (; c + 4 <= columns; c += 4) {
    const float *in = source + (ptrdiff_t)c * column_stride;
    float *out = target + c;
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
      const vector a = *(const vector *)(in + r), b = *(const vector *)(in + column_stride + r);
      const vector d = *(const vector *)(in + 2 * column_stride + r), e = *(const vector *)(in + 3 * column_stride + r);
      const vector ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
      const vector ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      const vector de_low = __builtin_shufflevector(d, e, 0, 4, 1, 5);
      const vector de_high = __builtin_shufflevector(d, e, 2, 6, 3, 7);
      float *row = out + (ptrdiff_t)r * target_stride;
      *(vector *)row = __builtin_shufflevector(ab_low, de_low, 0, 1, 4, 5);
      *(vector *)(row + target_stride) = __builtin_shufflevector(ab_low, de_low, 2, 3, 6, 7);
      *(vector *)(row + 2 * target_stride) = __builtin_shufflevector(ab_high, de_high, 0, 1, 4, 5);
      *(vector *)(row + 3 * target_stride) = __builtin_shufflevector(ab_high, de_high, 2, 3, 6, 7);
    }
    for (; r < rows; r++)
      for (ptrdiff_t k = 0; k < 4; k++) out[(ptrdiff_t)r * target_stride + k] = in[k * column_stride + (ptrdiff_t)r];
  }
  for (; c < columns; c++)
    for (size_t r = 0; r < rows; r++)
      target[(ptrdiff_t)r * target_stride + (ptrdiff_t)c] = source[(ptrdiff_t)c * column_stride + (ptrdiff_t)r];
}

static void TERN_VARIANT(load_floats)(
    const void *source, ptrdiff_t row_stride, ptrdiff_t column_stride, void *target, size_t rows, size_t columns) {
  if (row_stride == 1 && column_stride != 1 && rows > 1) {
    TERN_VARIANT(transpose)(source, column_stride, target, (ptrdiff_t)columns, rows, columns);
  } else {
    TERN_VARIANT(load_float32)(source, row_stride, column_stride, target, rows, columns);
  }
}

static void TERN_VARIANT(store_floats)(
    void *target, ptrdiff_t row_stride, ptrdiff_t column_stride, const void *source, size_t rows, size_t columns) {
  if (row_stride == 1 && column_stride != 1 && rows > 1) {
    TERN_VARIANT(transpose)(source, (ptrdiff_t)columns, target, column_stride, columns, rows);
  } else {
    TERN_VARIANT(store_float32)(target, row_stride, column_stride, source, rows, columns);
  }
}

// Elements of half types that are neighbours down the rows are converted as neighbours, and then transposed as floats.
#define TERN_TURNED(type)                                                                                             \
  static void TERN_VARIANT(load_turned_##type)(                                                                       \
      const void *source, ptrdiff_t row_stride, ptrdiff_t column_stride, void *target, size_t rows, size_t columns) { \
    if (row_stride != 1 || column_stride == 1 || rows < 4 || columns < 4) {                                           \
      TERN_VARIANT(load_##type)(source, row_stride, column_stride, target, rows, columns);                            \
      return;                                                                                                         \
    }                                                                                                                 \
    TERN_ALIGNED float turned[TERN_BLOCK];                                                                            \
    TERN_VARIANT(load_##type)(source, column_stride, 1, turned, columns, rows);                                       \
    TERN_VARIANT(transpose)(turned, (ptrdiff_t)rows, target, (ptrdiff_t)columns, rows, columns);                      \
  }                                                                                                                   \
  static void TERN_VARIANT(store_turned_##type)(                                                                      \
      void *target, ptrdiff_t row_stride, ptrdiff_t column_stride, const void *source, size_t rows, size_t columns) { \
    if (row_stride != 1 || column_stride == 1 || rows < 4 || columns < 4) {                                           \
      TERN_VARIANT(store_##type)(target, row_stride, column_stride, source, rows, columns);                           \
      return;                                                                                                         \
    }                                                                                                                 \
    TERN_ALIGNED float turned[TERN_BLOCK];                                                                            \
    TERN_VARIANT(transpose)(source, (ptrdiff_t)columns, turned, (ptrdiff_t)rows, columns, rows);                      \
    TERN_VARIANT(store_##type)(target, column_stride, 1, turned, columns, rows);                                      \
  }

TERN_TURNED(float16)
TERN_TURNED(bfloat16)
#undef TERN_TURNED

typedef void (*TERN_VARIANT(load_function))(const void *, ptrdiff_t, ptrdiff_t, void *, size_t, size_t);
typedef void (*TERN_VARIANT(store_function))(void *, ptrdiff_t, ptrdiff_t, const void *, size_t, size_t);

static const TERN_VARIANT(load_function) TERN_VARIANT(loads)[TERN_DTYPE_COUNT] = {
    TERN_VARIANT(load_floats), TERN_VARIANT(load_turned_float16), TERN_VARIANT(load_turned_bfloat16),
    TERN_VARIANT(load_int32),   TERN_VARIANT(load_int64),   TERN_VARIANT(load_bool),
};
static const TERN_VARIANT(store_function) TERN_VARIANT(stores)[TERN_DTYPE_COUNT] = {
    TERN_VARIANT(store_floats), TERN_VARIANT(store_turned_float16), TERN_VARIANT(store_turned_bfloat16),
    TERN_VARIANT(store_int32),   TERN_VARIANT(store_int64),   TERN_VARIANT(store_bool),
};
