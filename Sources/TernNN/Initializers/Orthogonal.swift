// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

extension Initializer {
  /// A matrix whose rows, or columns if they are fewer, are orthogonal and of length `gain`: it keeps the length of
  /// what passes through (Saxe, McClelland, Ganguli: "Exact solutions to the nonlinear dynamics of learning in deep
  /// linear neural networks", 2014). The matrix is `[outputs, inputs * k]`; all such matrices are equally likely.
  ///
  /// - Precondition: the shape has at least two axes.
  public static func orthogonal(gain: Double = 1) -> Initializer {
    Initializer { shape, generator in
      require(shape.count >= 2, "Initializer.orthogonal: needs two axes at least, got shape \(shape)")
      let (rows, columns) = (shape[0], shape.dropFirst().reduce(1, *))
      let (few, many) = (min(rows, columns), max(rows, columns))
      var matrix = Tensor.randomNormal([few, many], generator: generator, on: .cpu)
      // What rounding leaves after the first time, in proportion to how alike the drawn rows are, the second removes.
      for _ in 0..<2 { matrix = orthonormalized(matrix) }
      let placed = rows <= columns ? matrix : matrix.transposed()
      return (placed * Float(gain)).reshaped(to: shape)
    }
  }

  /// The orthonormal rows that Gram and Schmidt's procedure gives, in blocks, so that matrix products do nearly all the
  /// work: each block is made orthonormal by itself, and its directions are taken out of all rows below.
  private static func orthonormalized(_ matrix: Tensor) -> Tensor {
    let block = 32
    var rest = matrix
    var done: [Tensor] = []
    while rest.shape[0] > 0 {
      let count = min(block, rest.shape[0])
      let rows = orthonormalizedBlock(rest.sliced(along: 0, from: 0, to: count))
      done.append(rows)
      rest = rest.sliced(along: 0, from: count)
      rest = (rest - matmul(matmul(rest, rows.transposed()), rows)).evaluated()
    }
    return done.isEmpty ? matrix : concatenated(done, along: 0)
  }

  /// The modified procedure, row by row, on the host.
  private static func orthonormalizedBlock(_ block: Tensor) -> Tensor {
    let (count, length) = (block.shape[0], block.shape[1])
    var rows: [Float]
    do { rows = try block.scalars(as: Float.self) } catch { trap("Initializer.orthogonal: \(error)") }
    rows.withUnsafeMutableBufferPointer { rows in
      for row in 0..<count {
        let own = row * length
        for earlier in stride(from: 0, to: own, by: length) {
          var product = 0.0
          for place in 0..<length { product += Double(rows[own + place]) * Double(rows[earlier + place]) }
          for place in 0..<length { rows[own + place] -= Float(product) * rows[earlier + place] }
        }
        var squares = 0.0
        for place in own..<own + length { squares += Double(rows[place]) * Double(rows[place]) }
        let scale = Float(1 / squares.squareRoot())
        for place in own..<own + length { rows[place] *= scale }
      }
    }
    return Tensor(rows, shape: [count, length], on: .cpu)
  }
}
