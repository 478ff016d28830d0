// SPDX-License-Identifier: MIT
import Testing

@testable import TernCommand

@Suite struct TextTableTests {
  @Test func columnsAlign() {
    #expect(
      textTable([["device", "n"], ["cpu", "10"], ["opencl:0", "7"]]) == "device     n\ncpu       10\nopencl:0   7")
  }

  @Test(arguments: [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB")])
  func bytesReadWell(bytes: Int, text: String) { #expect(readable(bytes: bytes) == text) }

  @Test func decimalsAreNotGrouped() { #expect(decimal(12345.678, 1) == "12345.7" && decimal(0.5, 4) == "0.5000") }
}
