// SPDX-License-Identifier: MIT
// The kernel of indexing.cl that GPUs alone have: a core of a CPU adds up a long line sooner than all of them sort it.

kernel void scatter_keys(
    global const void *indices, steps_t list, int index_type, global long *keys, long n, long picked, long inner,
    long count, long share) {
  FOR_OWN(e, count, share) {
    long i = e % inner, row = e / inner, p = row % picked, o = row / picked;
    long k = load_int(indices, list.offset + o * list.outer + p * list.axis + i * list.inner, index_type);
    keys[e] = k >= 0 && k < n ? (o * n + k) * inner + i : -1;
  }
}
