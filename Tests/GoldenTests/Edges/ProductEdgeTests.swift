// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

/// Matrix products, convolutions, poolings and what else moves a window, at their edges.
@Suite struct ProductEdgeTests {
  private static let image = Given([1, 1, 3, 3], [1, 2, 3, 4, nan, 6, 7, 8, inf])
  private static let zeros6: [Double] = [0, 0, 0, 0, 0, 0]

  static let products: [EdgeCase] = [
    EdgeCase("no rows", [.empty(0, 2), .sample(2, 3)], shape: [0, 3], gradients: [[], zeros6]) { matmul($0[0], $0[1]) },
    EdgeCase("no columns", [.sample(3, 2), .empty(2, 0)], shape: [3, 0], gradients: [zeros6, []]) {
      matmul($0[0], $0[1])
    },
    EdgeCase("nothing to add up", [.empty(2, 0), .empty(0, 3)], shape: [2, 3], gives: zeros6, gradients: [[], []]) {
      matmul($0[0], $0[1])
    },
    EdgeCase("no batches", [.empty(0, 2, 3), .empty(0, 3, 2)], shape: [0, 2, 2], gradients: [[], []]) {
      matmul($0[0], $0[1])
    },
    EdgeCase("no batches, one matrix", [.empty(0, 2, 3), .sample(3, 2)], shape: [0, 2, 2], gradients: [[], zeros6]) {
      matmul($0[0], $0[1])
    },
    EdgeCase("vectors of nothing", [.empty(0), .empty(0)], shape: [], gives: [0], gradients: [[], []]) {
      matmul($0[0], $0[1])
    },
    EdgeCase("vectors of one", [[3], [4]], shape: [], gives: [12], gradients: [[4], [3]]) { matmul($0[0], $0[1]) },
    EdgeCase(
      "not finite", [Given([2, 2], [inf, 0, nan, 1]), Given([2, 2], [0, 1, 1, 0])], gives: [nan, inf, nan, nan]
    ) { matmul($0[0], $0[1]) },
    EdgeCase(
      "infinity stays in its row", [Given([3, 2], [1, 2, inf, 1, 3, 4]), Given([2, 1], [1, 1])], gives: [3, inf, 7],
      gradients: [[1, 1, 2, 2, 3, 3], [inf, 16]]
    ) { matmul($0[0], $0[1]) },
    EdgeCase("linear without rows", [.empty(0, 2), .sample(3, 2), .sample(3)], shape: [0, 3]) {
      linear($0[0], $0[1], $0[2])
    },
    EdgeCase(
      "linear of no features", [.empty(2, 2, 0), .empty(3, 0), [1, 2, 3]], shape: [2, 2, 3],
      gives: [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3], gradients: [[], [], [22, 26, 30]]
    ) { linear($0[0], $0[1], $0[2]) },
    EdgeCase(
      "linear of one", [Given([1, 1], [2]), Given([1, 1], [3]), [4]], shape: [1, 1], gives: [10],
      gradients: [[3], [2], [1]]
    ) { linear($0[0], $0[1], $0[2]) },
    EdgeCase("einsum of nothing", [.empty(0, 2), .sample(2, 3)], shape: [0, 3], gradients: [[], zeros6]) {
      einsum("ij,jk->ik", $0[0], $0[1])
    },
    EdgeCase("einsum over nothing", [.empty(2, 0), .empty(0, 3)], shape: [3, 2], gives: zeros6) {
      einsum("ij,jk->ki", $0[0], $0[1])
    },
    EdgeCase("einsum of an empty diagonal", [.empty(0, 0)], shape: [], gives: [0], gradients: [[]]) {
      einsum("ii->", $0[0])
    },
    EdgeCase(
      "einsum of an infinity", [Given([2, 2], [1, inf, nan, 2])], shape: [], gives: [3],
      gradients: [[1, 0, 0, 1]]
    ) { einsum("ii->", $0[0]) },
    EdgeCase(
      "bilinear without rows", [.empty(0, 2), .empty(0, 3), .sample(1, 2, 3)], shape: [0, 1],
      gradients: [[], [], zeros6]
    ) { bilinear($0[0], $0[1], $0[2]) },
    EdgeCase(
      "bilinear of NaN", [Given([2, 1], [nan, 2]), Given([2, 1], [1, 3]), Given([1, 1, 1], [2])],
      gives: [nan, 12], gradients: [[2, 12], [nan, 8], [nan]]
    ) { bilinear($0[0], $0[1], $0[2]) },
  ]

  static let convolutions: [EdgeCase] = [
    EdgeCase(
      "conv2d", [.empty(0, 2, 4, 4), .sample(3, 2, 3, 3), .sample(3)], shape: [0, 3, 2, 2],
      gradients: [[], [Double](repeating: 0, count: 54), [0, 0, 0]]
    ) { conv2d($0[0], $0[1], bias: $0[2]) },
    EdgeCase(
      "conv2d, 1 x 1", [.empty(0, 2, 4, 4), .sample(3, 2, 1, 1)], shape: [0, 3, 4, 4], gradients: [[], zeros6]
    ) {
      conv2d($0[0], $0[1])
    },
    EdgeCase(
      "conv2d by channel", [.empty(0, 2, 4, 4), .sample(2, 1, 1, 3)], shape: [0, 2, 4, 2],
      gradients: [[], zeros6]
    ) { conv2d($0[0], $0[1], groups: 2) },
    EdgeCase("conv1d", [.empty(0, 2, 4), .sample(1, 2, 3)], shape: [0, 1, 2], gradients: [[], zeros6]) {
      conv1d($0[0], $0[1])
    },
    EdgeCase(
      "conv3d", [.empty(0, 1, 3, 3, 3), .sample(1, 1, 1, 2, 3)], shape: [0, 1, 3, 2, 1],
      gradients: [[], zeros6]
    ) { conv3d($0[0], $0[1]) },
    EdgeCase("convTranspose1d", [.empty(0, 2, 4), .sample(2, 1, 3)], shape: [0, 1, 6], gradients: [[], zeros6]) {
      convTranspose1d($0[0], $0[1])
    },
    EdgeCase(
      "convTranspose2d", [.empty(0, 1, 2, 2), .sample(1, 1, 2, 3), [1]], shape: [0, 1, 4, 5],
      gradients: [[], zeros6, [0]]
    ) { convTranspose2d($0[0], $0[1], bias: $0[2], stride: 2) },
    EdgeCase(
      "convTranspose3d", [.empty(0, 1, 2, 2, 2), .sample(1, 1, 1, 2, 3)], shape: [0, 1, 2, 3, 4],
      gradients: [[], zeros6]
    ) { convTranspose3d($0[0], $0[1]) },
    EdgeCase(
      "conv2d of one", [Given([1, 1, 1, 1], [2]), Given([1, 1, 1, 1], [3])], shape: [1, 1, 1, 1], gives: [6],
      gradients: [[3], [2]]
    ) { conv2d($0[0], $0[1]) },
    EdgeCase(
      "conv2d, all but one tap outside",
      [Given([1, 1, 1, 1], [2]), Given([1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9])], shape: [1, 1, 1, 1], gives: [10],
      gradients: [[5], [0, 0, 0, 0, 2, 0, 0, 0, 0]]
    ) { conv2d($0[0], $0[1], padding: 1) },
    EdgeCase(
      "conv2d of NaN and infinity", [image, Given([1, 1, 2, 2], [1, 1, 1, 1])], gives: [nan, nan, nan, nan],
      gradients: [[1, 3, 2, 4, 10, 6, 3, 7, 4], [nan, nan, nan, nan]]
    ) { conv2d($0[0], $0[1]) },
    EdgeCase(
      "conv2d keeps an infinity in its windows",
      [Given([1, 1, 1, 4], [1, 2, 3, inf]), Given([1, 1, 1, 2], [1, 2])], gives: [5, 8, inf],
      gradients: [[1, 4, 7, 6], nil]
    ) { conv2d($0[0], $0[1]) },
    EdgeCase(
      "convTranspose2d of an infinity", [Given([1, 1, 1, 3], [1, inf, 2]), Given([1, 1, 1, 2], [1, 2])],
      gives: [1, inf, inf, 4]
    ) { convTranspose2d($0[0], $0[1]) },
  ]

  static let pools: [EdgeCase] = [
    EdgeCase("maxPool1d", [.empty(0, 2, 4)], shape: [0, 2, 2], gradients: [[]]) { maxPool1d($0[0], window: 2) },
    EdgeCase("maxPool2d", [.empty(0, 2, 4, 4)], shape: [0, 2, 2, 2], gradients: [[]]) { maxPool2d($0[0], window: 2) },
    EdgeCase("maxPool3d", [.empty(2, 0, 2, 2, 2)], shape: [2, 0, 1, 1, 1], gradients: [[]]) {
      maxPool3d($0[0], window: 2)
    },
    EdgeCase("averagePool1d", [.empty(2, 0, 4)], shape: [2, 0, 2], gradients: [[]]) { averagePool1d($0[0], window: 2) },
    EdgeCase("averagePool2d", [.empty(0, 2, 4, 4)], shape: [0, 2, 2, 2], gradients: [[]]) {
      averagePool2d($0[0], window: 2)
    },
    EdgeCase("averagePool3d", [.empty(0, 1, 2, 2, 2)], shape: [0, 1, 1, 1, 1], gradients: [[]]) {
      averagePool3d($0[0], window: 2)
    },
    EdgeCase("adaptiveAveragePool2d", [.empty(0, 2, 3, 3)], shape: [0, 2, 2, 2], gradients: [[]]) {
      adaptiveAveragePool2d($0[0], outputSize: 2)
    },
    EdgeCase("global average", [.empty(0, 2, 3, 3)], shape: [0, 2, 1, 1], gradients: [[]]) {
      adaptiveAveragePool2d($0[0], outputSize: 1)
    },
    EdgeCase("adaptiveMaxPool1d", [.empty(0, 2, 3)], shape: [0, 2, 2], gradients: [[]]) {
      adaptiveMaxPool1d($0[0], outputSize: 2)
    },
    EdgeCase("adaptiveMaxPool3d", [.empty(0, 2, 3, 3, 3)], shape: [0, 2, 2, 2, 2], gradients: [[]]) {
      adaptiveMaxPool3d($0[0], outputSize: 2)
    },
    EdgeCase("maxPool2d of one", [Given([1, 1, 1, 1], [-2])], gives: [-2], gradients: [[1]]) {
      maxPool2d($0[0], window: 3, stride: 1, padding: 1)
    },
    EdgeCase("averagePool2d of one", [Given([1, 1, 1, 1], [-2])], gives: [-2], gradients: [[1]]) {
      averagePool2d($0[0], window: 3, stride: 1, padding: 1, countsPadding: false)
    },
    EdgeCase("adaptiveMaxPool2d repeats one", [Given([1, 1, 1, 1], [5])], gives: [5, 5, 5, 5], gradients: [[10]]) {
      adaptiveMaxPool2d($0[0], outputSize: 2)
    },
    EdgeCase("maxPool2d takes NaN", [image], gives: [nan, nan, nan, nan], gradients: [[0, 0, 0, 0, 10, 0, 0, 0, 0]]) {
      maxPool2d($0[0], window: 2, stride: 1)
    },
    EdgeCase(
      "maxPool2d of -infinity", [Given([1, 1, 3, 3], [Double](repeating: -inf, count: 9))],
      gives: [-inf, -inf, -inf, -inf], gradients: [[1, 2, 0, 3, 4, 0, 0, 0, 0]]
    ) { maxPool2d($0[0], window: 2, stride: 1) },
    EdgeCase(
      "padded maxPool1d of -infinity", [Given([1, 1, 2], [-inf, -inf])], gives: [-inf, -inf],
      gradients: [[3, 0]]
    ) { maxPool1d($0[0], window: 3, stride: 1, padding: 1) },
    EdgeCase(
      "maxPool3d takes NaN", [Given([1, 1, 2, 1, 2], [1, nan, 3, 2])], gives: [nan],
      gradients: [[0, 1, 0, 0]]
    ) { maxPool3d($0[0], window: Triple(2, 1, 2)) },
    EdgeCase(
      "averagePool2d keeps infinities apart", [Given([1, 1, 2, 4], [1, inf, 2, 3, 4, 5, -inf, nan])],
      gives: [inf, nan], gradients: [[0.25, 0.25, 0.5, 0.5, 0.25, 0.25, 0.5, 0.5]]
    ) { averagePool2d($0[0], window: 2) },
    EdgeCase(
      "adaptiveMaxPool2d takes NaN", [Given([1, 1, 2, 2], [1, nan, 3, 4])], gives: [nan],
      gradients: [[0, 1, 0, 0]]
    ) { adaptiveMaxPool2d($0[0], outputSize: 1) },
    EdgeCase(
      "adaptiveAveragePool1d of infinity", [Given([1, 1, 3], [1, 2, inf])], gives: [1.5, inf],
      gradients: [[0.5, 1.5, 1]]
    ) { adaptiveAveragePool1d($0[0], outputSize: 2) },
  ]

  static let windows: [EdgeCase] = [
    EdgeCase("unfold", [.empty(0, 2, 3, 3)], shape: [0, 8, 4], gradients: [[]]) { unfold($0[0], window: 2) },
    EdgeCase("unfold of no channels", [.empty(1, 0, 3, 3)], shape: [1, 0, 4], gradients: [[]]) {
      unfold($0[0], window: 2)
    },
    EdgeCase("fold", [.empty(0, 4, 4)], shape: [0, 1, 3, 3], gradients: [[]]) {
      fold($0[0], outputSize: 3, window: 2)
    },
    EdgeCase(
      "unfold of one", [Given([1, 1, 1, 1], [3])], shape: [1, 9, 1], gives: [0, 0, 0, 0, 3, 0, 0, 0, 0],
      gradients: [[5]]
    ) { unfold($0[0], window: 3, padding: 1) },
    EdgeCase(
      "unfold of NaN", [Given([1, 1, 1, 3], [1, nan, inf])], gives: [1, nan, nan, inf], gradients: [[1, 5, 4]]
    ) {
      unfold($0[0], window: Pair(1, 2))
    },
    EdgeCase("fold of NaN", [Given([1, 2, 2], [1, nan, inf, 3])], gives: [1, nan, 3], gradients: [[1, 2, 2, 3]]) {
      fold($0[0], outputSize: Pair(1, 3), window: Pair(1, 2))
    },
    EdgeCase("bilinear interpolation", [.empty(0, 1, 2, 2)], shape: [0, 1, 4, 4], gradients: [[]]) {
      interpolate($0[0], scale: [2, 2], mode: .linear)
    },
    EdgeCase("nearest interpolation of volumes", [.empty(1, 0, 2, 2, 2)], shape: [1, 0, 3, 3, 3], gradients: [[]]) {
      interpolate($0[0], size: [3, 3, 3])
    },
    EdgeCase("interpolation of one", [Given([1, 1, 1, 1], [3])], gives: [3, 3, 3, 3], gradients: [[10]]) {
      interpolate($0[0], size: [2, 2], mode: .cubic)
    },
    EdgeCase("aligned interpolation to one", [Given([1, 1, 3], [3, 4, 5])], gives: [3], gradients: [[1, 0, 0]]) {
      interpolate($0[0], size: [1], mode: .linear, alignsCorners: true)
    },
    EdgeCase(
      "nearest interpolation of infinity", [Given([1, 1, 2], [1, inf])], gives: [1, 1, inf, inf],
      gradients: [[3, 7]]
    ) { interpolate($0[0], size: [4]) },
    EdgeCase(
      "linear interpolation of NaN", [Given([1, 1, 2], [1, nan])], gives: [nan, nan, nan, nan],
      gradients: [[3.25, 6.75]]
    ) { interpolate($0[0], size: [4], mode: .linear) },
    EdgeCase("pixelShuffle", [.empty(0, 4, 2, 2)], shape: [0, 1, 4, 4], gradients: [[]]) {
      pixelShuffle($0[0], factor: 2)
    },
    EdgeCase(
      "pixelUnshuffle of NaN", [Given([1, 1, 2, 2], [1, nan, inf, 4])], shape: [1, 4, 1, 1],
      gives: [1, nan, inf, 4], gradients: [[1, 2, 3, 4]]
    ) { pixelUnshuffle($0[0], factor: 2) },
    EdgeCase(
      "gridSample of no images", [.empty(0, 1, 2, 2), .empty(0, 3, 1, 2)], shape: [0, 1, 3, 1],
      gradients: [[], []]
    ) { gridSample($0[0], $0[1]) },
    EdgeCase(
      "gridSample at no points", [.sample(1, 1, 2, 2), .empty(1, 0, 3, 2)], shape: [1, 1, 0, 3],
      gradients: [[0, 0, 0, 0], []]
    ) { gridSample($0[0], $0[1]) },
    EdgeCase("gridSample of one", [Given([1, 1, 1, 1], [4]), Given([1, 1, 1, 2], [0, 0])], gives: [4]) {
      gridSample($0[0], $0[1])
    },
  ]

  @Test(arguments: products + convolutions + pools + windows) func isRight(edge: EdgeCase) throws { try edge.check() }

  /// A number that is not finite is seen in every result that reads it, and by no way of computing further than a tile.
  @Test func conv2dLosesNoInfinity() throws {
    let (height, width, place) = (12, 13, (row: 2, column: 9))
    for device in TestDevices.all {
      for channels in [2, 32] {
        var numbers = sample([1, channels, height, width])
        numbers[place.row * width + place.column] = .infinity
        let x = Tensor(numbers, shape: [1, channels, height, width], on: device)
        let y = conv2d(x, sampleTensor([channels, channels, 3, 3], shift: 0.1, on: device), padding: 1)
        let isFinite = try y.isFinite().scalars(as: Bool.self)
        for (index, finite) in isFinite.enumerated() {
          let (row, column) = (index / width % height, index % width)
          let distance = max(abs(row - place.row), abs(column - place.column))
          if distance <= 1 {
            #expect(!finite, "row \(row), column \(column) of \(channels) channels by \(device.name)")
          }
          if distance > 4 { #expect(finite, "row \(row), column \(column) of \(channels) channels by \(device.name)") }
        }
      }
    }
  }

  /// Positions that are no numbers, or infinite, in every way of reading: no crash, and the same on every device.
  @Test(arguments: GridPadding.allCases, GridInterpolation.allCases)
  func gridSampleAtNoPlace(padding: GridPadding, mode: GridInterpolation) throws {
    let grid = Given([1, 1, 5, 2], [nan, 0, inf, 0, -inf, 0, 0, nan, 1e30, -1e30])
    let edge = EdgeCase("gridSample, \(padding), \(mode)", [.sample(1, 1, 2, 3), grid], shape: [1, 1, 1, 5]) {
      gridSample($0[0], $0[1], mode: mode, padding: padding)
    }
    try edge.check()
  }
}
