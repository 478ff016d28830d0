// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

/// Views that are dense along another axis than the result, large enough for kernels that work in blocks.
@Suite struct DeviceTransposeTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let shape: [Int]
    /// The axes of a dense array, from the slowest on, that the view's axes are.
    let order: [Int]
    var offset = 0
    var testDescription: String { "\(shape) stored as \(order)" }

    /// Strides of the view.
    var strides: [Int] {
      let stored = contiguousStrides(order.map { shape[$0] })
      return shape.indices.map { stored[order.firstIndex(of: $0)!] }
    }
  }
  static let cases = [
    Case(shape: [128, 128], order: [1, 0]),
    Case(shape: [513, 65], order: [1, 0], offset: 3),
    Case(shape: [31, 1031], order: [1, 0]),
    Case(shape: [1031, 17], order: [1, 0]),
    Case(shape: [3, 97, 5, 33], order: [0, 3, 2, 1], offset: 1),  // between axes
    Case(shape: [2, 33, 2, 3, 65, 2], order: [1, 4, 0, 5, 3, 2]),
    // Few columns, and between axes as a pixel shuffle has them.
    Case(shape: [8201, 2], order: [1, 0]),
    Case(shape: [3, 9, 3, 205, 3], order: [0, 2, 4, 1, 3], offset: 5),
    Case(shape: [1301, 13], order: [1, 0]),
    Case(shape: [2, 2, 17, 2, 2, 2, 2, 33, 2], order: [8, 7, 6, 5, 4, 3, 1, 0, 2]),  // more axes than the kernel has
  ]

  static func number(_ index: Int) -> Double { Double(index % 119 - 59) }

  @Test(arguments: Subject.all, cases) func copiesMoveEveryElement(_ subject: Subject, _ test: Case) throws {
    let backend = subject.backend
    let count = elementCount(test.shape)
    for dtype in DType.allCases {
      let stored = dtype.rounded((0..<count + test.offset).map(Self.number))
      let storage = backend.storage(of: dtype.encoded(stored))
      let x = StridedView(storage, dtype, shape: test.shape, strides: test.strides, offset: test.offset)
      let places = positions(x)
      let y = backend.output(test.shape, dtype)
      backend.pointwise(.copy(from: dtype, to: dtype), [PointwiseOperands(inputs: [x], outputs: [y])])
      expectClose(try backend.values(y), places.map { stored[$0] }, "\(dtype)")
      // And back: now the result is the one that is not row-major.
      let z = StridedView(
        backend.storage(of: dtype.encoded([Double](repeating: 1, count: stored.count))), dtype, shape: test.shape,
        strides: test.strides, offset: test.offset)
      backend.pointwise(.copy(from: dtype, to: dtype), [PointwiseOperands(inputs: [y], outputs: [z])])
      expectClose(try backend.values(z), places.map { stored[$0] }, "\(dtype), back")
    }
  }

  @Test(arguments: Subject.all) func programsOverTransposedAndRepeatedViewsAgree(_ subject: Subject) throws {
    let backend = subject.backend
    // So many that a GPU transposes before it computes.
    let (pages, rows, columns) = (2, 261, 259), shape = [pages, rows, columns], page = rows * columns
    let numbers = (0..<page).map(Self.number)
    // Transposed and repeated; a row; dense half precision.
    let a = StridedView(backend.storage(of: numbers.map { Float($0) }), .float32, shape: shape, strides: [0, 1, rows])
    let b = StridedView(backend.storage(of: numbers.map { Float($0) }), .float32, shape: shape, strides: [0, 0, 1])
    let c = StridedView(
      backend.storage(of: DType.float16.encoded((0..<pages * page).map(Self.number))), .float16, shape: shape,
      strides: [page, 1, rows])
    let program = PointwiseProgram(
      inputs: [.float32, .float32, .float16], scalars: [.real(2)],
      instructions: [.init(.multiply, 0, 3), .init(.add, 4, 1), .init(.subtract, 5, 2), .init(.realToInteger, 4)],
      outputs: [.init(register: 6, dtype: .float32), .init(register: 7, dtype: .int32)])
    let expected = (0..<pages * page).map { index in
      let (row, column) = (index / columns % rows, index % columns)
      let twice = 2 * numbers[row + rows * column]
      return (twice + numbers[column] - Self.number(index / page * page + row + rows * column), twice)
    }
    for _ in 0..<4 {
      let (y, z) = (backend.output(shape), backend.output(shape, .int32))
      backend.pointwise(program, [PointwiseOperands(inputs: [a, b, c], outputs: [y, z])])
      expectClose(try backend.values(y), expected.map(\.0))
      expectClose(try backend.values(z), expected.map(\.1))
    }
  }

  private func positions(_ view: StridedView) -> [Int] {
    zip(view.shape, view.strides).reduce([view.offset]) { places, axis in
      places.flatMap { place in (0..<axis.0).map { place + $0 * axis.1 } }
    }
  }
}
