// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  /// Sorts pairs (key, payload) of 32-bit integers, a view `[count, 2]` that is used up, by the key's low bits as an
  /// unsigned number; equal keys keep their order.
  func sortedByKey(_ pairs: StridedView, bits: Int) -> StridedView {
    let count = pairs.shape[0]
    guard count > 1 else { return pairs }
    let digitBits = isCPUDevice ? 8 : 4  // DIGIT_BITS
    let share = radixShare
    let chunks = ceilDivide(count, share)
    let counters = chunks << digitBits
    var (pairs, other) = (pairs, scratch(.int32, [count, 2]))
    let counts = scratch(.int32, [counters])
    for shift in stride(from: 0, to: bits, by: digitBits) {
      let parameters: [KernelArgument] = [.int(count), .int(shift), .int(share), .int(chunks)]
      launchItems("radix.cl", "digit_counts", chunks, [.buffer(pairs), .buffer(counts)] + parameters)
      launchItems(
        "radix.cl", "digit_starts", isCPUDevice ? 1 : groupSize, [.buffer(counts), .int(counters)])
      launchItems("radix.cl", "digit_places", chunks, [.buffer(pairs), .buffer(other), .buffer(counts)] + parameters)
      swap(&pairs, &other)
    }
    return pairs
  }

  /// The same for keys in `0 ... keys`.
  func sorted(_ pairs: StridedView, keys: Int) -> StridedView {
    sortedByKey(pairs, bits: Int.bitWidth - keys.leadingZeroBitCount)
  }

  /// Neighbouring pairs of one work-item: it has one counter for each digit, so it must hold several times as many.
  var radixShare: Int { isCPUDevice ? 4096 : 64 }
}
