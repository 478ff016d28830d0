// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func resample(rows: AxisMap?, columns: AxisMap?, _ x: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    var table: [Int32] = []
    let places = [rows, columns].map { $0?.append(to: &table) ?? [-1, 0, 0] }
    let words = scratch(.int32, [max(1, table.count)])
    table.withUnsafeBytes { upload($0, to: words.storage, byteOffset: 0) }
    let (width, outputRows) = (x.shape[3], y.count / y.shape[3])
    let share = max(1, 8192 / y.shape[3])
    let items = ceilDivide(outputRows, share)
    let lines = scratch(.float32, [isCPUDevice ? items * width : 1])
    launchItems(
      "resample.cl", "resample", isCPUDevice ? items : y.count,
      [
        .buffer(x), .type(x), .buffer(y), .type(y), .buffer(words), .buffer(lines),
        .longs(
          [x.offset] + x.strides + [
            x.shape[1], x.shape[2], width, y.offset, y.shape[2], y.shape[3], y.shape[0] * y.shape[1], share,
          ] + places[0] + places[1]),
      ])
  }
}

extension AxisMap {
  /// Appends the map to a table of words, and gives the places of its starts, places and weights.
  fileprivate func append(to table: inout [Int32]) -> [Int] {
    let first = table.count
    table += starts
    table += places
    table += weights.map { Int32(bitPattern: $0.bitPattern) }
    return [first, first + starts.count, first + starts.count + places.count]
  }
}
