// SPDX-License-Identifier: MIT

/// The bytes of an IDX file of unsigned bytes.
func idxBytes(_ shape: [Int], _ elements: [UInt8]) -> [UInt8] {
  [0, 0, 8, UInt8(shape.count)] + shape.flatMap { bigEndian($0) } + elements
}

private func bigEndian(_ number: Int) -> [UInt8] {
  [UInt8(number >> 24 & 0xff), UInt8(number >> 16 & 0xff), UInt8(number >> 8 & 0xff), UInt8(number & 0xff)]
}
