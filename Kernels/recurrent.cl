// SPDX-License-Identifier: MIT
// The gates of one step of a recurrent layer, see tern_recurrent.h. All arrays are dense Float32.
//
// CPU device: a work-item does `share` sequences, in loops over hidden units that become vector code; GPU: one unit of
// one sequence. No local memory.

#include "typed.cl"

#define CELL_TANH 0
#define CELL_RELU 1
#define CELL_LSTM 2
#define CELL_GRU 3

/// Sequences, hidden units, numbers of a sequence's gates; where the list of lengths begins (-1: there is none), and
/// the step's parts of the other arrays.
typedef struct {
  long rows, size, width, share, cell, time, lengths, multiplied;
  long gates, candidate, before, after;
} recurrent_t;

#if TERN_CPU_DEVICE
#define FOR_ROWS                                           \
  long first = get_global_id(0) * step.share;              \
  for (long row = first; row < min(first + step.share, step.rows); row++)
#define UNITS VECTOR_LOOP for (long j = 0; j < step.size; j++)
#else
#define FOR_ROWS                                           \
  long unit = get_global_id(0), last = unit / step.size;   \
  if (last >= step.rows) return;                           \
  for (long row = last; row <= last; row++)
#define UNITS for (long j = unit - row * step.size, once = 1; once; once = 0)
#endif

kernel void recurrent_step(
    recurrent_t step, global float *gates, global const float *product, global float *candidates,
    global float *states, global float *cells, global const int *lengths) {
  FOR_ROWS {
    long at = row * step.size, size = step.size;
    global const float *before = states + step.before + at, *p = product + row * step.width;
    global float *state = states + step.after + at, *gate = gates + step.gates + row * step.width;
    if (step.lengths >= 0 && step.time >= lengths[step.lengths + row]) {
      UNITS state[j] = before[j];
      if (step.cell == CELL_LSTM) UNITS cells[step.after + at + j] = cells[step.before + at + j];
      continue;
    }
    if (step.cell == CELL_LSTM) {
      global const float *cell_before = cells + step.before + at;
      global float *cell = cells + step.after + at;
      UNITS {
        float in = tern_sigmoid(gate[j] + p[j]), forget = tern_sigmoid(gate[j + size] + p[j + size]);
        float update = tern_tanh(gate[j + 2 * size] + p[j + 2 * size]);
        float out = tern_sigmoid(gate[j + 3 * size] + p[j + 3 * size]), c = forget * cell_before[j] + in * update;
        gate[j] = in, gate[j + size] = forget, gate[j + 2 * size] = update, gate[j + 3 * size] = out;
        cell[j] = c;
        state[j] = out * tern_tanh(c);
      }
    } else if (step.cell == CELL_GRU) {
      global float *candidate = candidates + step.candidate + at;
      UNITS {
        float reset = tern_sigmoid(gate[j] + p[j]), update = tern_sigmoid(gate[j + size] + p[j + size]);
        float q = p[j + 2 * size], fresh = tern_tanh(gate[j + 2 * size] + reset * q);
        gate[j] = reset, gate[j + size] = update, gate[j + 2 * size] = fresh;
        candidate[j] = q;
        state[j] = fresh + update * (before[j] - fresh);
      }
    } else if (step.cell == CELL_TANH) {
      UNITS state[j] = tern_tanh(gate[j] + p[j]);
    } else {
      UNITS state[j] = tern_max(gate[j] + p[j], 0.0f);
    }
  }
}

/// `carry` comes in as the part of the state's gradient that passed around the products of the step after, and
/// `product` as that through them, if there was such a step (`multiplied`).
kernel void recurrent_step_gradient(
    recurrent_t step, global const float *gates, global const float *product, global const float *candidates,
    global const float *states, global const float *cells, global const int *lengths, global const float *d_states,
    long d_offset, global float *carries, global float *d_cells, global float *d_gates, global float *d_hidden) {
  FOR_ROWS {
    long at = row * step.size, size = step.size;
    global const float *d_state = d_states + d_offset + step.after + at, *p = product + at;
    global const float *before = states + step.before + at, *state = states + step.after + at;
    global const float *gate = gates + step.gates + row * step.width;
    global float *carry = carries + at, *d = d_gates + step.gates + row * step.width;
    global float *hidden = d_hidden + step.gates + row * step.width;
    if (step.lengths >= 0 && step.time >= lengths[step.lengths + row]) {
      UNITS carry[j] += d_state[j] + (step.multiplied ? p[j] : 0.0f);
      for (long k = 0; k < step.width; k += size) UNITS d[k + j] = hidden[k + j] = 0.0f;
      continue;
    }
    if (step.cell == CELL_LSTM) {
      global const float *cell = cells + step.after + at, *cell_before = cells + step.before + at;
      global float *d_cell = d_cells + at;
      UNITS {
        float in = gate[j], forget = gate[j + size], update = gate[j + 2 * size], out = gate[j + 3 * size];
        float t = tern_tanh(cell[j]), dh = d_state[j] + carry[j] + (step.multiplied ? p[j] : 0.0f);
        float dc = d_cell[j] + dh * out * (1.0f - t * t);
        d[j] = dc * update * in * (1.0f - in);
        d[j + size] = dc * cell_before[j] * forget * (1.0f - forget);
        d[j + 2 * size] = dc * in * (1.0f - update * update);
        d[j + 3 * size] = dh * t * out * (1.0f - out);
        d_cell[j] = dc * forget;
        carry[j] = 0.0f;
      }
    } else if (step.cell == CELL_GRU) {
      global const float *candidate = candidates + step.candidate + at;
      UNITS {
        float reset = gate[j], update = gate[j + size], fresh = gate[j + 2 * size];
        float dh = d_state[j] + carry[j] + (step.multiplied ? p[j] : 0.0f);
        float d_fresh = dh * (1.0f - update) * (1.0f - fresh * fresh);
        float d_reset = d_fresh * candidate[j] * reset * (1.0f - reset);
        float d_update = dh * (before[j] - fresh) * update * (1.0f - update);
        d[j] = hidden[j] = d_reset;
        d[j + size] = hidden[j + size] = d_update;
        d[j + 2 * size] = d_fresh;
        hidden[j + 2 * size] = d_fresh * reset;
        carry[j] = dh * update;
      }
    } else {
      bool smooth = step.cell == CELL_TANH;
      UNITS {
        float y = state[j], slope = smooth ? 1.0f - y * y : (y > 0.0f ? 1.0f : 0.0f);
        d[j] = (d_state[j] + carry[j] + (step.multiplied ? p[j] : 0.0f)) * slope;
        carry[j] = 0.0f;
      }
    }
  }
}
