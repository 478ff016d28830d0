// SPDX-License-Identifier: MIT
// Connectionist temporal classification in logarithms: probabilities of all beginnings (alpha) and ends (beta) of the
// ways to spread a sample's labels over its steps. States are the labels with blanks between and around them.
//
// ctc_states          A work-item (CPU device: `share` of them) writes the label of a state, -1 for one that means
//                     nothing; what it costs to skip the state before it, 0 or -infinity; and links the states of one
//                     label: 0 for states behind the first, else 1, and the next one or -1.
// ctc_alpha           One work-item of a CPU device, or group of a GPU, a sample; in a group the states are shared out,
//                     and a barrier follows each step.
// ctc_posteriors      The same, backwards; from alpha and beta the share of each state in a step.
// ctc_gradient        A work-item (CPU device: `share` of them) adds up the states of one label, or the blanks, of a
//                     step in their order.
// Rows of alpha have two numbers before the first state, rows of beta two behind the last one. No local memory.

#include "typed.cl"

typedef struct {
  long offset, step, sample, class;
} scores_t;

typedef struct {
  long offset, sample, label, type;
} labels_t;

typedef struct {
  long offset, step, type;
} list_t;

typedef struct {
  long steps, samples, classes, labels, blank;
} sizes_t;

/// log(exp(a) + exp(b) + exp(c)).
static float log_sum(float a, float b, float c) {
  float greatest = a > b ? a : b;
  greatest = greatest > c ? greatest : c;
  float shift = greatest == -TERN_INFINITY ? 0.0f : greatest;
  return shift + tern_log(tern_exp(a - shift) + tern_exp(b - shift) + tern_exp(c - shift));
}

static int length_of(global const void *lengths, list_t list, long sample, long limit) {
  long length = load_int(lengths, list.offset + sample * list.step, (int)list.type);
  return length < 0 || length > limit ? -1 : (int)length;
}

static int label_at(global const void *targets, labels_t list, sizes_t sizes, long sample, long j) {
  long label = load_int(targets, list.offset + sample * list.sample + j * list.label, (int)list.type);
  return label < 0 || label >= sizes.classes || label == sizes.blank ? -1 : (int)label;
}

/// `states` holds four numbers a state: label, cost of a skip (bits of a float), whether it is the first, the next.
kernel void ctc_states(
    global const void *targets, labels_t list, sizes_t sizes, global int4 *states, long count, long share) {
  int width = 2 * (int)sizes.labels + 1;
  FOR_OWN(e, count, share) {
    long n = e / width;
    int s = (int)(e - n * width), j = s / 2;
    int4 state = (int4)((int)sizes.blank, as_int(-TERN_INFINITY), 1, -1);
    if (s % 2) {
      state.x = label_at(targets, list, sizes, n, j);
      if (j > 0 && label_at(targets, list, sizes, n, j - 1) != state.x) state.y = as_int(0.0f);
      for (int k = 0; k < j; k++)
        if (label_at(targets, list, sizes, n, k) == state.x) state.z = 0;
      for (int k = j + 1; k < sizes.labels && state.w < 0; k++)
        if (label_at(targets, list, sizes, n, k) == state.x) state.w = 2 * k + 1;
    }
    states[e] = state;
  }
}

#if TERN_CPU_DEVICE
#define SAMPLE get_global_id(0)
#define FOR_STATES(s, count) for (int s = 0; s < (count); s++)
#define STEP_DONE
#define IS_FIRST true
#else
#define SAMPLE get_group_id(0)
#define FOR_STATES(s, count) for (int s = get_local_id(0); s < (count); s += GROUP)
#define STEP_DONE barrier(CLK_GLOBAL_MEM_FENCE)
#define IS_FIRST (get_local_id(0) == 0)
#endif

static float score(global const void *x, scores_t scores, int type, long t, long n, int label) {
  return label < 0 ? TERN_NAN : load_real(x, scores.offset + t * scores.step + n * scores.sample + label * scores.class,
                                          type);
}

/// What the lengths of a sample ask for: nothing where they mean nothing, or where there are no steps. Work-items of a
/// group must not part before a barrier, so that all go through loops that may be empty.
typedef struct {
  int steps, labels, states;
} extent_t;

static extent_t extent_of(
    global const void *input_lengths, list_t inputs, global const void *target_lengths, list_t outputs, sizes_t sizes,
    long n) {
  extent_t e;
  e.steps = length_of(input_lengths, inputs, n, sizes.steps);
  e.labels = length_of(target_lengths, outputs, n, sizes.labels);
  e.states = e.steps > 0 && e.labels >= 0 ? 2 * e.labels + 1 : 0;
  return e;
}

kernel void ctc_alpha(
    global const void *x, scores_t scores, int type, global const int4 *states, global const void *input_lengths,
    list_t inputs, global const void *target_lengths, list_t outputs, sizes_t sizes, global float *alpha,
    global float *losses, long losses_offset) {
  long n = SAMPLE, width = 2 * sizes.labels + 1, row = width + 2;
  extent_t e = extent_of(input_lengths, inputs, target_lengths, outputs, sizes, n);
  int steps = e.states > 0 ? e.steps : 0;
  for (int t = 0; t < steps; t++) {
    global const int4 *state = states + n * width - 2;
    global float *now = alpha + (n * sizes.steps + t) * row;
    global const float *before = now - row;
    FOR_STATES(s, e.states + 2) {
      float value = -TERN_INFINITY;
      if (s >= 2) {
        if (t > 0) value = log_sum(before[s], before[s - 1], before[s - 2] + as_float(state[s].y));
        if (t > 0 || s < 4) value = (t > 0 ? value : 0.0f) + score(x, scores, type, t, n, state[s].x);
      }
      now[s] = value;
    }
    STEP_DONE;
  }
  if (IS_FIRST) {
    float loss = e.steps < 0 || e.labels < 0 ? TERN_NAN : e.labels > 0 ? TERN_INFINITY : 0.0f;
    if (steps > 0) {
      global const float *last = alpha + (n * sizes.steps + steps - 1) * row + e.states;
      loss = -log_sum(last[1], e.states > 1 ? last[0] : -TERN_INFINITY, -TERN_INFINITY);
    }
    losses[losses_offset + n] = loss;
  }
}

/// - ends: two rows for each sample, what the step behind the current one adds to beta.
kernel void ctc_posteriors(
    global const void *x, scores_t scores, int type, global const int4 *states, global const void *input_lengths,
    list_t inputs, global const void *target_lengths, list_t outputs, sizes_t sizes, global const float *alpha,
    global const float *losses, long losses_offset, global float *ends, global float *posteriors) {
  long n = SAMPLE, width = 2 * sizes.labels + 1, row = width + 2;
  extent_t e = extent_of(input_lengths, inputs, target_lengths, outputs, sizes, n);
  int steps = e.states > 0 ? e.steps : 0;
  float loss = losses[losses_offset + n];
  for (int t = steps - 1; t >= 0; t--) {
    global const int4 *state = states + n * width;
    long at = (n * sizes.steps + t) * row;
    global float *next = ends + (2 * n + t % 2) * row;
    global const float *behind = ends + (2 * n + (t + 1) % 2) * row;
    FOR_STATES(s, e.states + 2) {
      float ended = -TERN_INFINITY;
      if (s < e.states) {
        float beta = s + 2 < e.states ? -TERN_INFINITY : 0.0f;
        if (t < steps - 1) {
          float skipped = s + 2 < e.states ? behind[s + 2] + as_float(state[s + 2].y) : -TERN_INFINITY;
          beta = log_sum(behind[s], behind[s + 1], skipped);
        }
        posteriors[at + s] = tern_exp(alpha[at + s + 2] + beta + loss);
        ended = beta + score(x, scores, type, t, n, state[s].x);
      }
      next[s] = ended;
    }
    STEP_DONE;
  }
}

/// The gradient, zero so far, of the classes that are labels of a sample, or the blank.
kernel void ctc_gradient(
    global const int4 *states, global const void *input_lengths, list_t inputs, global const void *target_lengths,
    list_t outputs, sizes_t sizes, global const float *posteriors, global const void *scale, list_t scales,
    global void *gradient, long gradient_offset, int gradient_type, long count, long share) {
  long width = 2 * sizes.labels + 1, row = width + 2;
  FOR_OWN(e, count, share) {
    long j = e % (sizes.labels + 1), slot = e / (sizes.labels + 1), t = slot % sizes.steps, n = slot / sizes.steps;
    extent_t own = extent_of(input_lengths, inputs, target_lengths, outputs, sizes, n);
    int labels = own.labels;
    float factor = load_real(scale, scales.offset + n * scales.step, (int)scales.type);
    if (own.states == 0 || t >= own.steps || j > labels || factor == 0.0f) continue;
    global const float *shares = posteriors + (n * sizes.steps + t) * row;
    global const int4 *state = states + n * width;
    // The blanks come first.
    int s = j == 0 ? 0 : 2 * (int)j - 1;
    if (state[s].x < 0 || !state[s].z) continue;
    float sum = 0.0f;
    if (j == 0) {
      for (; s <= 2 * labels; s += 2) sum += shares[s];
    } else {
      for (; s >= 0 && s < 2 * labels; s = state[s].w) sum += shares[s];
    }
    long to = gradient_offset + (t * sizes.samples + n) * sizes.classes + state[j == 0 ? 0 : 2 * j - 1].x;
    store_real(gradient, to, -factor * sum, gradient_type);
  }
}
