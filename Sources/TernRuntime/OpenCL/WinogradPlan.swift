// SPDX-License-Identifier: MIT

/// A convolution with 3 × 3 filters at stride 1, forward or for its input's gradient: that one reads `dy` with the
/// filters turned around and outputs and channels exchanged.
struct WinogradPlan {
  var images: Int
  let groups: Int
  /// Of a group: of what is read and of what is written.
  let channels, outputs: Int
  /// What is read and written; for the gradient of the filters `x` and `dy`.
  var source, result: StridedView
  /// Zeros before the first row and column of `source`; negative where outputs do not reach the first ones.
  let top, left: Int
  /// Filters: where the first one's first weight stands, then distances.
  let filters: [Int]
  /// Outputs of a tile along each axis: 2 or 4.
  let tile: Int
  var tilesHeight: Int { ceilDivide(result.shape[2], tile) }
  var tilesWidth: Int { ceilDivide(result.shape[3], tile) }
  var tiles: Int { images * tilesHeight * tilesWidth }
  /// Products of one tile and channel.
  var points: Int { (tile + 2) * (tile + 2) }

  init(_ problem: ConvolutionProblem, tile: Int) {
    let (geometry, w) = (problem.geometry, problem.w)
    images = geometry.batch
    groups = geometry.groups
    self.tile = tile
    let group = geometry.outputChannelsPerGroup * w.strides[0]
    if problem.pass == .inputGradient {
      (channels, outputs) = (geometry.outputChannelsPerGroup, geometry.inputChannelsPerGroup)
      (source, result) = (problem.y, problem.x)
      (top, left) = (2 - geometry.padTop, 2 - geometry.padLeft)
      filters = [
        w.offset + 2 * w.strides[2] + 2 * w.strides[3], group, w.strides[1], w.strides[0], -w.strides[2],
        -w.strides[3],
      ]
    } else {
      (channels, outputs) = (geometry.inputChannelsPerGroup, geometry.outputChannelsPerGroup)
      (source, result) = (problem.x, problem.y)
      (top, left) = (geometry.padTop, geometry.padLeft)
      filters = [w.offset, group, w.strides[0], w.strides[1], w.strides[2], w.strides[3]]
    }
  }

  /// The same convolution of some of the images.
  func part(_ images: Range<Int>) -> WinogradPlan {
    func some(_ view: StridedView) -> StridedView {
      view.viewed(
        shape: [images.count] + view.shape[1...], strides: view.strides,
        offset: view.offset + images.lowerBound * view.strides[0])
    }
    var part = self
    (part.images, part.source, part.result) = (images.count, some(source), some(result))
    return part
  }

  /// The kernels' definitions.
  func definitions(source: DType = .float32, result: DType = .float32, _ epilogue: Epilogue = Epilogue()) -> [String] {
    let bias = epilogue.bias?.dtype
    return
      (tile == 4 ? [] : ["OUT=\(tile)"]) + (source == .float32 ? [] : ["SOURCE=\(source)"])
      + (result == .float32 ? [] : ["RESULT=\(result)"])
      + (bias == nil || bias == result ? [] : ["BIAS=\(bias!)"])
      + epilogue.activation.definitions
  }
}

extension OpenCLBackend {
  func canUseWinograd(_ geometry: ConvolutionGeometry, tile: Int) -> Bool {
    guard
      geometry.kernelHeight == 3, geometry.kernelWidth == 3, geometry.strideHeight == 1, geometry.strideWidth == 1,
      geometry.dilationHeight == 1, geometry.dilationWidth == 1
    else { return false }
    return !isCPUDevice || WideWinograd.leastLocalMemory(tile: tile, wideShape) <= localMemoryBytes
  }

  func winogradConvolution(_ problem: ConvolutionProblem, tile: Int) {
    let plan = WinogradPlan(problem, tile: tile)
    switch (problem.pass, isCPUDevice) {
    case (.weightGradient, true): wideWinogradWeightGradient(plan, into: problem.w)
    case (.weightGradient, false): tiledWinogradWeightGradient(plan, into: problem.w)
    case (_, true): wideWinograd(plan, w: problem.w, problem.epilogue)
    case (_, false): tiledWinograd(plan, w: problem.w, problem.epilogue)
    }
  }
}
