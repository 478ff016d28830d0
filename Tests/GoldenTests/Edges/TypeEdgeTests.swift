// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

/// Conversions of what does not fit, and numbers beside integers.
@Suite struct TypeEdgeTests {
  static let casts: [EdgeCase] = [
    EdgeCase("nothing", [.empty(0, 2)], shape: [0, 2]) { $0[0].cast(to: .int32) },
    EdgeCase("nothing to half", [.empty(0)], shape: [0], gradients: [[]]) { $0[0].cast(to: .float16) },
    EdgeCase("to bool", [[nan, inf, -0.0, 0, 0.25]], gives: [1, 1, 0, 0, 1]) { $0[0].cast(to: .bool) },
    EdgeCase(
      "to float16", [[nan, inf, -inf, 65_519, 65_520, 1e-9]], gives: [nan, inf, -inf, 65_504, inf, 0],
      gradients: [[1, 2, 3, 4, 5, 6]]
    ) { $0[0].cast(to: .float16) },
    EdgeCase(
      "to bfloat16", [[nan, inf, -inf, 3.4e38, 1]], gives: [nan, inf, -inf, inf, 1], gradients: [[1, 2, 3, 4, 5]]
    ) { $0[0].cast(to: .bfloat16) },
    EdgeCase("of bool", [.mask(true, false)], gives: [1, 0]) { $0[0].cast(to: .float32) },
  ]

  @Test(arguments: casts) func isRight(edge: EdgeCase) throws { try edge.check() }

  /// To integers: towards zero, NaN to 0, and no further than the type goes.
  @Test func realNumbersSaturateAsIntegers() throws {
    let numbers: [Float] = [
      .nan, .infinity, -.infinity, 3e9, -3e9, 1e19, -1e19, 2_147_483_520, -2_147_483_648, 1.9, -1.9,
    ]
    let narrow: [Int32] = [0, .max, .min, .max, .min, .max, .min, 2_147_483_520, .min, 1, -1]
    let wide: [Int64] = [
      0, .max, .min, 3_000_000_000, -3_000_000_000, .max, .min, 2_147_483_520, -2_147_483_648, 1, -1,
    ]
    for device in TestDevices.all {
      let x = Tensor(numbers, on: device)
      #expect(try x.cast(to: .int32).scalars(as: Int32.self) == narrow)
      #expect(try x.cast(to: .int64).scalars(as: Int64.self) == wide)
      // In a chain, and read in another type than the tensor's.
      #expect(try (x * 1).cast(to: .int32).cast(to: .int64).scalars(as: Int64.self) == narrow.map(Int64.init))
      #expect(try x.scalars(as: Int32.self) == narrow)
      #expect(
        try Tensor(wide, on: device).cast(to: .int32).scalars(as: Int32.self)
          == wide.map(Int32.init(truncatingIfNeeded:)))
      let halves = x.cast(to: .float16)
      #expect(
        try halves.cast(to: .int32).scalars(as: Int32.self) == [
          0, .max, .min, .max, .min, .max, .min, .max, .min, 1, -1,
        ])
    }
  }

  /// An Int is exact beside integers, whatever its size.
  @Test func integersBeyond24BitsAreExact() throws {
    for device in TestDevices.all {
      let x = Tensor([16_777_217, 1 << 53 + 1, -5], on: device)
      let one = Tensor.full([], integer: 1 << 53 + 1, on: device)
      #expect(try (x + one).scalars(as: Int.self) == [1 << 53 + 16_777_218, 1 << 54 + 2, 1 << 53 - 4])
      #expect(try (x .== one).scalars(as: Bool.self) == [false, true, false])
      #expect(
        try Tensor.full([2], integer: 16_777_217, dtype: .int32, on: device).scalars(as: Int.self) == [
          16_777_217, 16_777_217,
        ])
      #expect(try (x + 16_777_215).scalars(as: Int.self)[0] == 33_554_432)
      // Positions are numbered exactly, too.
      #expect(try x.sorted().positions.scalars(as: Int.self) == [2, 0, 1])
      #expect(try x.max().scalar(as: Int.self) == 1 << 53 + 1)
      #expect(try maximum(x, one).scalars(as: Int.self) == [1 << 53 + 1, 1 << 53 + 1, 1 << 53 + 1])
    }
  }

  @Test func roundedNumbersBesideIntegersTrap() async throws {
    func message(_ result: ExitTest.Result?) throws -> String {
      String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    }
    let rounded = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let written = 16_777_217
      _ = Tensor([1, 2], on: .cpu) + Float(written)
    }
    #expect(try message(rounded).contains("+: 16777216.0 beside an int64 tensor may have been rounded"))
    let narrow = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.full([], integer: 1 << 31, dtype: .int32, on: .cpu)
    }
    #expect(try message(narrow).contains("full: 2147483648 is out of range for int32"))
  }
}
