// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct TensorTests {
  @Test(arguments: Device.all) func hostNumbersComeBack(_ device: Device) throws {
    #expect(try Tensor([1.5 as Float, -2], on: device).scalars(as: Float.self) == [1.5, -2])
    #expect(try Tensor([Int64.max, -1], on: device).scalars(as: Int64.self) == [Int64.max, -1])
    #expect(try Tensor([Int32.min, 7], on: device).scalars(as: Int32.self) == [Int32.min, 7])
    #expect(try Tensor([true, false, true], on: device).scalars(as: Bool.self) == [true, false, true])
    #expect(try Tensor([UInt8(255), 0], on: device).scalars(as: UInt8.self) == [255, 0])
    #expect(try Tensor([Float](), shape: [0, 4], on: device).scalars(as: Float.self) == [])
    #expect(try Tensor(4.5, on: device).scalar(as: Double.self) == 4.5)
  }

  @Test(arguments: Device.all) func castsRoundAndTruncate(_ device: Device) throws {
    let x = Tensor([2.7 as Float, -2.7, 0, 1e10, .nan], on: device)
    #expect(try x.cast(to: .int64).scalars(as: Int.self) == [2, -2, 0, 10_000_000_000, 0])
    #expect(try x.cast(to: .bool).scalars(as: Bool.self) == [true, true, false, true, true])
    // Halves: 1 + 2^-11 is a tie and goes to the even 1; 65520 is beyond the largest half.
    let halves = Tensor([1 + 0x1p-11 as Float, 1 + 0x1.8p-10, 65520, 6e-8, -0.1], on: device).cast(to: .float16)
    #expect(halves.dtype == .float16)
    try expectClose(halves, [1, 1 + 0x1p-9, .infinity, 0x1p-24, -0.099_975_586], relative: 0, absolute: 1e-9)
    let brains = Tensor([1 + 0x1p-8 as Float, 1 + 0x1.8p-7, 3e38], on: device).cast(to: .bfloat16)
    try expectClose(brains, [1, 1 + 0x1p-6, 0x1.C4p127], relative: 1e-6)
    #expect(try Tensor([3, 0, -1], on: device).cast(to: .float32).scalars(as: Float.self) == [3, 0, -1])
    #expect(try Tensor([Int64(1) << 32 + 5], on: device).cast(to: .int32).scalars(as: Int.self) == [5])
    try expectClose(gradient(at: x) { ($0.cast(to: .bfloat16).cast(to: .float32) * 3).sum() }, [3, 3, 3, 3, 3])
  }

  @Test(arguments: Device.all) func halfStorageComputesInFloat(_ device: Device) throws {
    let x = sampleTensor([33], on: device)
    for dtype in [DType.float16, .bfloat16] {
      let tolerance = dtype == .float16 ? 0x1p-11 : 0x1p-8
      let stored = x.cast(to: dtype)
      let exact = try stored.scalars(as: Double.self)
      let y = stored * stored + 1
      #expect(y.dtype == dtype)
      try expectClose(y, exact.map { $0 * $0 + 1 }, relative: 2 * tolerance)
      try expectClose(stored.sum(), [exact.reduce(0, +)], relative: 2 * tolerance, absolute: 1e-2)
    }
  }

  @Test(arguments: Device.all) func closenessIsElementwise(_ device: Device) throws {
    let x = Tensor([1 as Float, .infinity, .nan, -3], on: device)
    #expect(try x.isClose(to: x))
    let y = Tensor([1.000001 as Float, .infinity, .nan, -3.1], on: device)
    #expect(try x.closeElements(to: y).scalars(as: Bool.self) == [true, true, true, false])
    #expect(try !x.isClose(to: y))
    #expect(try x.isClose(to: y, relative: 0.1))
    #expect(try !Tensor([1 as Float], on: device).isClose(to: Tensor([Float.infinity], on: device), relative: 1))
  }

  @Test func descriptionsShowACorner() {
    #expect(Tensor([1, 2, 3], on: .cpu).description == "Tensor(shape: [3], dtype: int64, device: cpu)\n[1, 2, 3]")
    let x = Tensor([0.5 as Float, -1.25, 3, 100], shape: [2, 2], on: .cpu)
    #expect(
      x.description == """
        Tensor(shape: [2, 2], dtype: float32, device: cpu)
        [[  0.5000,  -1.2500],
         [  3.0000, 100.0000]]
        """)
    #expect(Tensor.range(0..<100, on: .cpu).description.hasSuffix("[ 0,  1,  2, …, 97, 98, 99]"))
    #expect(Tensor([1e-9 as Float, 2], on: .cpu).description.contains("1.0000e-09"))
    #expect(Tensor([Float.nan, -.infinity], on: .cpu).description.contains("nan"))
    #expect(Tensor.zeros([0, 2], on: .cpu).description == "Tensor(shape: [0, 2], dtype: float32, device: cpu)")
    #expect(Tensor.zeros([1000, 1000], on: .cpu).description.split(separator: "\n").count == 8)
  }

  @Test func creationFollowsTheCurrentDevice() {
    for device in Device.all {
      withDevice(device) {
        #expect(Tensor.zeros([2]).device == device)
        #expect(Tensor([1 as Float]).device == device)
        #expect(Tensor.randomUniform([2]).device == device)
        #expect(Device.current == device)
      }
    }
  }

  @Test func wrongCountsTrap() async {
    await #expect(processExitsWith: .failure) { _ = Tensor([1, 2, 3], shape: [2, 2], on: .cpu) }
    await #expect(processExitsWith: .failure) { _ = try Tensor([1, 2, 3], on: .cpu).scalar(as: Int.self) }
  }
}
