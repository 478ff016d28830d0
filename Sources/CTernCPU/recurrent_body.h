// SPDX-License-Identifier: MIT
//
// The gates of a step, sequence by sequence, in loops over hidden units that become vector code. A sequence that is
// over keeps its state, and its gradient passes by.

#define UNITS _Pragma("clang loop vectorize(assume_safety) interleave_count(1)") for (ptrdiff_t j = 0; j < n; j++)
#define IS_OVER (step->lengths && step->time >= step->lengths[row])

/// The sequences of a batch.
#define FOR_ROWS                                                              \
  const ptrdiff_t n = step->units, size = step->size, width = step->width;    \
  for (ptrdiff_t row = 0; row < step->rows; row++)

#define PLAIN_STEP(NAME, VALUE)                                               \
  static void TERN_VARIANT(NAME)(const tern_recurrent_step *step) {           \
    FOR_ROWS {                                                                \
      const float *gates = step->gates + row * width;                         \
      float *state = step->state + row * size;                                \
      if (IS_OVER) {                                                          \
        memcpy(state, step->before + row * size, (size_t)n * sizeof *state);  \
        continue;                                                             \
      }                                                                       \
      UNITS {                                                                 \
        const float a = gates[j];                                             \
        state[j] = VALUE;                                                     \
      }                                                                       \
    }                                                                         \
  }
PLAIN_STEP(tanh_step, tern_tanh(a))
PLAIN_STEP(relu_step, tern_relu(a))

static void TERN_VARIANT(lstm_step)(const tern_recurrent_step *step) {
  FOR_ROWS {
    float *i = step->gates + row * width, *f = i + size, *g = f + size, *o = g + size;
    const float *cell_before = step->cell_before + row * size;
    float *state = step->state + row * size, *cell = step->cell + row * size;
    if (IS_OVER) {
      memcpy(state, step->before + row * size, (size_t)n * sizeof *state);
      memcpy(cell, cell_before, (size_t)n * sizeof *cell);
      continue;
    }
    UNITS {
      const float in = tern_sigmoid(i[j]), forget = tern_sigmoid(f[j]), update = tern_tanh(g[j]);
      const float out = tern_sigmoid(o[j]), c = forget * cell_before[j] + in * update;
      i[j] = in, f[j] = forget, g[j] = update, o[j] = out;
      cell[j] = c;
      state[j] = out * tern_tanh(c);
    }
  }
}

static void TERN_VARIANT(gru_step)(const tern_recurrent_step *step) {
  FOR_ROWS {
    float *r = step->gates + row * width, *z = r + size, *c = z + size;
    const float *pr = step->product + row * width, *pz = pr + size, *pc = pz + size;
    const float *before = step->before + row * size;
    float *state = step->state + row * size, *candidate = step->candidate + row * size;
    if (IS_OVER) {
      memcpy(state, before, (size_t)n * sizeof *state);
      continue;
    }
    UNITS {
      const float reset = tern_sigmoid(r[j] + pr[j]), update = tern_sigmoid(z[j] + pz[j]), q = pc[j];
      const float fresh = tern_tanh(c[j] + reset * q);
      r[j] = reset, z[j] = update, c[j] = fresh;
      candidate[j] = q;
      state[j] = fresh + update * (before[j] - fresh);
    }
  }
}

#define PLAIN_GRADIENT(NAME, SLOPE)                                           \
  static void TERN_VARIANT(NAME)(const tern_recurrent_step *step) {           \
    FOR_ROWS {                                                                \
      const float *d_state = step->d_state + row * size;                      \
      const float *state = step->state + row * size;                          \
      float *carry = step->carry + row * size;                                \
      float *d = step->d_gates + row * width;                                 \
      if (IS_OVER) {                                                          \
        UNITS carry[j] += d_state[j];                                         \
        memset(d, 0, (size_t)n * sizeof *d);                                  \
        continue;                                                             \
      }                                                                       \
      UNITS {                                                                 \
        const float y = state[j];                                             \
        d[j] = (d_state[j] + carry[j]) * SLOPE;                               \
        carry[j] = 0;                                                         \
      }                                                                       \
    }                                                                         \
  }
PLAIN_GRADIENT(tanh_gradient, (1.0f - y * y))
PLAIN_GRADIENT(relu_gradient, (y > 0.0f ? 1.0f : 0.0f))

static void TERN_VARIANT(lstm_gradient)(const tern_recurrent_step *step) {
  FOR_ROWS {
    const float *i = step->gates + row * width, *f = i + size, *g = f + size, *o = g + size;
    const float *cell_before = step->cell_before + row * size, *cell = step->cell + row * size;
    const float *d_state = step->d_state + row * size;
    float *carry = step->carry + row * size, *d_cell = step->d_cell + row * size;
    float *di = step->d_gates + row * width, *df = di + size, *dg = df + size, *dout = dg + size;
    if (IS_OVER) {
      UNITS carry[j] += d_state[j];
      for (ptrdiff_t gate = 0; gate < 4; gate++) memset(di + gate * size, 0, (size_t)n * sizeof *di);
      continue;
    }
    UNITS {
      const float in = i[j], forget = f[j], update = g[j], out = o[j], t = tern_tanh(cell[j]);
      const float dh = d_state[j] + carry[j], dc = d_cell[j] + dh * out * (1.0f - t * t);
      di[j] = dc * update * in * (1.0f - in);
      df[j] = dc * cell_before[j] * forget * (1.0f - forget);
      dg[j] = dc * in * (1.0f - update * update);
      dout[j] = dh * t * out * (1.0f - out);
      d_cell[j] = dc * forget;
      carry[j] = 0;
    }
  }
}

static void TERN_VARIANT(gru_gradient)(const tern_recurrent_step *step) {
  FOR_ROWS {
    const float *r = step->gates + row * width, *z = r + size, *c = z + size;
    const float *candidate = step->candidate + row * size, *before = step->before + row * size;
    const float *d_state = step->d_state + row * size;
    float *carry = step->carry + row * size;
    float *dr = step->d_gates + row * width, *dz = dr + size, *dc = dz + size;
    float *hr = step->d_hidden + row * width, *hz = hr + size, *hc = hz + size;
    if (IS_OVER) {
      UNITS carry[j] += d_state[j];
      for (ptrdiff_t gate = 0; gate < 3; gate++) {
        memset(dr + gate * size, 0, (size_t)n * sizeof *dr);
        memset(hr + gate * size, 0, (size_t)n * sizeof *hr);
      }
      continue;
    }
    UNITS {
      const float reset = r[j], update = z[j], fresh = c[j], dh = d_state[j] + carry[j];
      const float d_fresh = dh * (1.0f - update) * (1.0f - fresh * fresh);
      const float d_reset = d_fresh * candidate[j] * reset * (1.0f - reset);
      const float d_update = dh * (before[j] - fresh) * update * (1.0f - update);
      dr[j] = hr[j] = d_reset;
      dz[j] = hz[j] = d_update;
      dc[j] = d_fresh;
      hc[j] = d_fresh * reset;
      carry[j] = dh * update;
    }
  }
}

static const struct tern_recurrent_functions TERN_VARIANT(recurrent_table) = {
    .tanh_step = TERN_VARIANT(tanh_step),
    .relu_step = TERN_VARIANT(relu_step),
    .lstm_step = TERN_VARIANT(lstm_step),
    .gru_step = TERN_VARIANT(gru_step),
    .tanh_gradient = TERN_VARIANT(tanh_gradient),
    .relu_gradient = TERN_VARIANT(relu_gradient),
    .lstm_gradient = TERN_VARIANT(lstm_gradient),
    .gru_gradient = TERN_VARIANT(gru_gradient),
};

#undef UNITS
#undef IS_OVER
#undef FOR_ROWS
#undef PLAIN_STEP
#undef PLAIN_GRADIENT
