// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct CreationTests {
  @Test(arguments: Device.all) func likenessesTakeShapeDTypeAndDevice(_ device: Device) throws {
    let x = Tensor([1, 2, 3, 4, 5, 6] as [Int32], shape: [3, 2], on: device).transposed()
    for (y, number) in [(Tensor.zeros(like: x), 0), (.ones(like: x), 1), (.full(like: x, -7), -7)] {
      #expect(y.shape == [2, 3] && y.dtype == .int32 && y.device == device)
      #expect(try y.scalars(as: Int.self) == Array(repeating: number, count: 6))
    }
  }

  @Test(arguments: Device.all) func identityMatricesMayBeOblong(_ device: Device) throws {
    #expect(try Tensor.identity(2, columns: 3, on: device).scalars(as: Int.self) == [1, 0, 0, 0, 1, 0])
    #expect(try Tensor.identity(3, columns: 2, dtype: .int64, on: device).scalars(as: Int.self) == [1, 0, 0, 1, 0, 0])
    #expect(Tensor.identity(3, columns: 0, on: device).shape == [3, 0] && Tensor.identity(0, on: device).count == 0)
  }

  @Test(arguments: Device.all) func linearSpacesHitBothEnds(_ device: Device) throws {
    let y = Tensor.linearSpace(from: 0.1, to: -3, count: 33, on: device)
    try expectClose(y, (0..<33).map { 0.1 - 3.1 * Double($0) / 32 }, relative: 1e-7, absolute: 1e-7)
    #expect(try y.scalars(as: Float.self).last == -3)
    #expect(try Tensor.linearSpace(from: 2, to: 5, count: 1, on: device).scalars(as: Float.self) == [2])
    #expect(Tensor.linearSpace(from: 2, to: 5, count: 0, dtype: .float16, on: device).dtype == .float16)
  }

  @Test(arguments: Device.all) func randomIntegersAreEvenAndTheSameEverywhere(_ device: Device) throws {
    func draw(_ device: Device, _ range: Range<Int>) throws -> [Int] {
      try Tensor.randomIntegers([77, 13], in: range, generator: RandomGenerator(seed: 5), on: device).scalars(
        as: Int.self)
    }
    let numbers = try draw(device, -3..<4)
    #expect(try numbers == draw(.cpu, -3..<4))
    // Five standard deviations around 143.
    for number in -3..<4 { #expect(Swift.abs(numbers.count(where: { $0 == number }) - 143) < 56) }
    #expect(numbers.allSatisfy { -3..<4 ~= $0 })
    let far = (1 << 40)..<(1 << 40) + (1 << 31)
    #expect(try draw(device, far).allSatisfy { far ~= $0 })
    #expect(Tensor.randomIntegers([2], in: 4..<5, dtype: .int32, on: device).dtype == .int32)
  }

  @Test func mistakesTrap() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.randomIntegers([2], in: 3..<3, on: .cpu) }
  }
}
