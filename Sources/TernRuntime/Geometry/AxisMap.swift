// SPDX-License-Identifier: MIT

/// A linear map along one axis that is mostly zeros, as interpolation is: output `i` is the sum of
/// `weights[k] * input[places[k]]` over `starts[i] ..< starts[i + 1]`, in this order.
package struct AxisMap: Sendable, Hashable {
  package let inputs: Int
  /// `outputs + 1` positions in the other two.
  package let starts: [Int32]
  package let places: [Int32]
  package let weights: [Float]
  /// The terms of each output where all have as many, else 0.
  package let terms: Int

  package var outputs: Int { starts.count - 1 }

  /// - Parameter rows: the terms of each output.
  /// - Precondition: places are in `0 ..< inputs`.
  package init(inputs: Int, rows: [[(place: Int, weight: Float)]]) {
    self.inputs = inputs
    var starts: [Int32] = [0]
    var places: [Int32] = []
    var weights: [Float] = []
    for row in rows {
      for term in row {
        require(0..<inputs ~= term.place, "AxisMap: place \(term.place) is outside of an axis of \(inputs)")
        places.append(Int32(term.place))
        weights.append(term.weight)
      }
      starts.append(Int32(places.count))
    }
    (self.starts, self.places, self.weights) = (starts, places, weights)
    let first = rows.first?.count ?? 0
    terms = rows.allSatisfy { $0.count == first } ? first : 0
  }

  /// The map of gradients: term `(i, place)` becomes `(place, i)`, in order of `i`.
  package func transposed() -> AxisMap {
    var rows = [[(place: Int, weight: Float)]](repeating: [], count: inputs)
    for output in 0..<outputs {
      for term in Int(starts[output])..<Int(starts[output + 1]) {
        rows[Int(places[term])].append((output, weights[term]))
      }
    }
    return AxisMap(inputs: outputs, rows: rows)
  }
}
