// SPDX-License-Identifier: MIT
@testable import TernRuntime

/// Normalization by its definition in Float64, over sets of places that share their statistics, and places that share a
/// weight.
struct NormalizationReference {
  /// For each element, which statistics it shares, and which weight.
  let row, channel: [Int]
  let rows, channels: Int
  var epsilon = 1e-5
  var centers = true
  var rectifies = false

  /// Batch norm of `[N, C, S]`.
  init(batch plan: BatchNormalization) {
    let count = plan.batch * plan.channels * plan.inner
    channel = (0..<count).map { $0 / plan.inner % plan.channels }
    row = channel
    (rows, channels) = (plan.channels, plan.channels)
    (epsilon, rectifies) = (Double(plan.epsilon), plan.rectifies)
  }

  init(rows plan: RowNormalization) {
    let count = plan.rows * plan.length
    row = (0..<count).map { $0 / plan.length }
    channel = (0..<count).map { place in
      place / plan.length % plan.groups * plan.channels + place % plan.length / plan.spread
    }
    (rows, channels) = (plan.rows, plan.weightCount)
    (epsilon, centers) = (Double(plan.epsilon), plan.centers)
  }

  struct Forward {
    var y, mean, variance, deviation: [Double]
    /// Before the rectifier.
    var z: [Double]
  }

  private func sums(_ values: [Double], by place: [Int], _ count: Int) -> [Double] {
    var result = [Double](repeating: 0, count: count)
    for (place, value) in zip(place, values) { result[place] += value }
    return result
  }

  func forward(_ x: [Double], weight: [Double]?, bias: [Double]?, residual: [Double]? = nil) -> Forward {
    let count = Double(x.count / rows)
    let mean = centers ? sums(x, by: row, rows).map { $0 / count } : [Double](repeating: 0, count: rows)
    let squares = zip(x, row).map { ($0 - mean[$1]) * ($0 - mean[$1]) }
    let variance = sums(squares, by: row, rows).map { $0 / count }
    let deviation = variance.map { 1 / ($0 + epsilon).squareRoot() }
    let z = x.indices.map { place in
      (x[place] - mean[row[place]]) * deviation[row[place]] * (weight?[channel[place]] ?? 1)
        + (bias?[channel[place]] ?? 0) + (residual?[place] ?? 0)
    }
    return Forward(
      y: rectifies ? z.map { max($0, 0) } : z, mean: mean, variance: variance, deviation: deviation, z: z)
  }

  /// From numbers as the device keeps them: `passed` says where the rectifier let the gradient pass.
  func backward(
    _ x: [Double], weight: [Double]?, mean: [Double], deviation: [Double], dy: [Double], passed: [Bool]? = nil
  ) -> (dx: [Double], dResidual: [Double], dWeight: [Double], dBias: [Double]) {
    let count = Double(x.count / rows)
    let upstream = dy.indices.map { passed?[$0] == false ? 0 : dy[$0] }
    let z = x.indices.map { (x[$0] - mean[row[$0]]) * deviation[row[$0]] }
    let g = x.indices.map { upstream[$0] * (weight?[channel[$0]] ?? 1) }
    let (sum, product) = (sums(g, by: row, rows), sums(zip(g, z).map(*), by: row, rows))
    let dx = x.indices.map { place in
      deviation[row[place]]
        * (g[place] - (centers ? sum[row[place]] / count : 0) - z[place] * product[row[place]] / count)
    }
    return (dx, upstream, sums(zip(upstream, z).map(*), by: channel, channels), sums(upstream, by: channel, channels))
  }
}
