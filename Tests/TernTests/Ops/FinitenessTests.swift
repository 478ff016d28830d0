// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

@Suite struct FinitenessTests {
  /// The one number that is not finite is found wherever it stands: first, last, in the last of many arrays, behind an
  /// offset, between the elements of a strided view.
  @Test(arguments: Device.all) func oneNumberIsFound(_ device: Device) throws {
    for dtype in [DType.float32, .float16, .bfloat16] {
      func array(_ count: Int, _ places: [Int: Float] = [:]) -> Tensor {
        // The largest finite numbers must pass.
        let largest: Float = dtype == .float16 ? 65_504 : 3e38
        let numbers = (0..<count).map { places[$0] ?? ($0 % 3 == 1 ? -largest : Float($0 % 7)) }
        return Tensor(numbers, on: device).cast(to: dtype)
      }
      let many = (0..<18).map { array($0 * 3) }
      func isFinite(_ tensors: [Tensor]) throws -> Bool { try Tensor.allFinite(tensors).scalar(as: Bool.self) }
      #expect(try isFinite(many + [Tensor([1, 2], on: device), Tensor([true], on: device)]), "\(dtype)")
      for (place, number) in [(0, Float.nan), (40_000, -.infinity), (70_000, .infinity)] {
        let bad = array(70_001, [place: number])
        #expect(try !isFinite([bad]), "\(dtype) \(place)")
        #expect(try !isFinite(many + [bad]) && !isFinite([bad] + many), "\(dtype) \(place)")
      }
      let strided = array(12, [7: .nan]).reshaped(to: [3, 4])
      #expect(try isFinite([strided[.all, 0..<3]]) && !isFinite([strided[.all, 3]]), "\(dtype)")
      #expect(try isFinite([strided[2..<3]]) && !isFinite([strided.transposed()]), "\(dtype)")
      // Pending work counts as it will be stored.
      #expect(try isFinite([array(9) * 0.5]) && !isFinite([array(9) * 2]), "\(dtype)")
    }
  }

  @Test func integersAreFinite() throws {
    #expect(try Tensor.allFinite([Tensor([Int32.max], on: .cpu)]).scalar(as: Bool.self))
  }
}
