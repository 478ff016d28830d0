// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  /// Arrays of one launch.
  private static let arraysOfLaunch = 16

  package func findNotFinite(in views: [StridedView], into flag: StridedView) {
    pointwise(.fill(.integer(0), dtype: flag.dtype), [PointwiseOperands(inputs: [], outputs: [flag])])
    let arrays = views.filter { $0.count > 0 }.map { $0.isContiguous ? $0 : dense($0) }
    let share = isCPUDevice ? 16384 : 16 * groupSize
    for start in stride(from: 0, to: arrays.count, by: Self.arraysOfLaunch) {
      let part = Array(arrays[start..<min(start + Self.arraysOfLaunch, arrays.count)])
      var first: [Int] = []
      var groups = 0
      for array in part {
        first.append(groups)
        groups += ceilDivide(array.count, share)
      }
      func padded(_ numbers: [Int], with filler: Int = 0) -> [Int] {
        numbers + repeatElement(filler, count: Self.arraysOfLaunch - numbers.count)
      }
      let plan =
        padded(first, with: .max) + padded(part.map(\.offset)) + padded(part.map(\.count))
        + padded(part.map { Int($0.dtype.rawValue) }) + [share]
      // Pointers that stand for no array must be something.
      let pointers = part + repeatElement(part[0], count: Self.arraysOfLaunch - part.count)
      launchItems(
        "finite.cl", "find_not_finite", groups * (isCPUDevice ? 1 : groupSize),
        pointers.map { .buffer($0) } + [.longs(plan), .buffer(flag), .long(flag.offset)])
    }
  }
}
