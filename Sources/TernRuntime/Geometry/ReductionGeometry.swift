// SPDX-License-Identifier: MIT

/// What a reduction computes over its axes.
package enum Reduction: UInt8, Sendable, CaseIterable {
  case sum, mean, product, max, min, logSumExp
  /// `sum(x * x)`, for norms and variances.
  case sumOfSquares
}

package enum ArgReduction: UInt8, Sendable, CaseIterable { case max, min }

/// Which axes of a shape a reduction runs over.
package struct ReductionGeometry: Sendable, Equatable {
  package let inputShape: [Int]
  /// Sorted, unique, counted from the front.
  package let axes: [Int]
  /// The input's shape without the reduced axes.
  package let outputShape: [Int]
  /// Elements that go into one result.
  package let reducedCount: Int

  /// - Precondition: every axis is in `-rank ..< rank` and none stands twice.
  package init(_ operation: String, _ inputShape: [Int], axes: [Int]) {
    let rank = inputShape.count
    let resolved = axes.map { axis in
      require(
        axis >= -rank && axis < rank,
        "\(operation): axis \(axis) is out of range for shape \(inputShape), expected \(-rank) ..< \(rank)")
      return axis < 0 ? axis + rank : axis
    }.sorted()
    for (one, next) in zip(resolved, resolved.dropFirst()) {
      require(one != next, "\(operation): axis \(one) is given twice in \(axes) for shape \(inputShape)")
    }
    self.inputShape = inputShape
    self.axes = resolved
    outputShape = inputShape.indices.filter { !resolved.contains($0) }.map { inputShape[$0] }
    reducedCount = resolved.reduce(1) { $0 * inputShape[$1] }
  }

  package init(_ operation: String, _ inputShape: [Int], axis: Int) {
    self.init(operation, inputShape, axes: [axis])
  }

  /// The output's shape with the reduced axes kept as 1.
  package var keptShape: [Int] { inputShape.indices.map { axes.contains($0) ? 1 : inputShape[$0] } }
}
