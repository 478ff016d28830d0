// SPDX-License-Identifier: MIT
#ifndef TERN_RECURRENT_H
#define TERN_RECURRENT_H
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// One step of a recurrent layer for neighbouring hidden units of all sequences of a batch. Every pointer is at the
/// first sequence and the first of the units; sequences are `size` floats apart, those of gates and products `width`.
typedef struct tern_recurrent_step {
  ptrdiff_t rows, units;  ///< sequences, hidden units
  ptrdiff_t size, width;
  int64_t time;
  const int32_t *lengths;  ///< steps of each sequence, or null: all take part
  /// Forwards: sums of the products with input and state (of the input only in a GRU), which become the gates.
  float *gates;
  const float *product;  ///< GRU: the products with the state
  float *candidate;      ///< GRU: what the reset gate multiplies
  const float *before;   ///< the state before the step
  float *state;
  const float *cell_before;
  float *cell;
  /// Backwards: the gradient of the state, without and with what comes from the steps after; the latter becomes the
  /// part of the earlier state's gradient that passes around the products.
  const float *d_state;
  float *carry;
  float *d_cell;    ///< LSTM: the gradient of the cell, which becomes that of the earlier cell
  float *d_gates;   ///< with respect to the products with the input
  float *d_hidden;  ///< GRU: with respect to the products with the state
} tern_recurrent_step;

/// The gates of recurrent layers.
struct tern_recurrent_functions {
  void (*tanh_step)(const tern_recurrent_step *step);
  void (*relu_step)(const tern_recurrent_step *step);
  void (*lstm_step)(const tern_recurrent_step *step);
  void (*gru_step)(const tern_recurrent_step *step);
  void (*tanh_gradient)(const tern_recurrent_step *step);
  void (*relu_gradient)(const tern_recurrent_step *step);
  void (*lstm_gradient)(const tern_recurrent_step *step);
  void (*gru_gradient)(const tern_recurrent_step *step);
};

const struct tern_recurrent_functions *tern_recurrent(void);
const struct tern_recurrent_functions *tern_recurrent_functions_for(tern_isa isa);

#endif
