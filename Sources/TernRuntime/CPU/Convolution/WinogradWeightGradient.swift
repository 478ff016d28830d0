// SPDX-License-Identifier: MIT
import CTernCPU

/// The gradient of 3x3 filters by the adjoint of Winograd's minimal filtering, see `tern_winograd.h`.
///
/// For a block of tiles after the other, inputs and gradients are transformed, then multiplied and summed over the
/// block's tiles at each point. Threads share out the channels of the transforms and the points of the products, so the
/// order of the sums depends on the shape only.
struct WinogradWeightGradient {
  private let geometry: ConvolutionGeometry
  private let tile: Int
  private let functions: tern_winograd_functions
  private let transforms: tern_winograd_transforms
  private let points: Int, lanes: Int
  private let inputBlocks: Int, outputBlocks: Int
  private let tileRows: Int, tileColumns: Int
  private let tiles: Int, blocks: Int

  /// Transformed tiles of one point, inputs and gradients: 64 KiB, so that a block has many tiles and the sums, which
  /// it adds to, are read and written seldom.
  private static let pointFloats = 16 * 1024

  init(_ geometry: ConvolutionGeometry, _ isa: tern_isa, tile: Int) {
    self.geometry = geometry
    self.tile = tile
    let g = geometry
    functions = tern_winograd_functions_for(isa).pointee
    transforms = tile == 2 ? functions.two : functions.four
    lanes = functions.lanes
    points = (tile + 2) * (tile + 2)
    inputBlocks = (g.inputChannelsPerGroup + lanes - 1) / lanes
    outputBlocks = (g.outputChannelsPerGroup + lanes - 1) / lanes
    tileRows = (g.outputHeight + tile - 1) / tile
    tileColumns = (g.outputWidth + tile - 1) / tile
    tiles = g.batch * tileRows * tileColumns
    let fitting = max(64, Self.pointFloats / ((inputBlocks + outputBlocks) * lanes))
    blocks = max(1, (tiles + fitting - 1) / fitting)
  }

  private var channelBlocks: Int { inputBlocks + outputBlocks }

  func run(
    _ threads: ThreadPool, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dw: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let largest = (tiles + blocks - 1) / blocks
    // Points are a little further apart than they need to be: their lines would share a few places of the cache.
    let tileStep = (channelBlocks * largest + 3) * lanes
    let sumStep = outputBlocks * inputBlocks * lanes * lanes + 3 * lanes
    ScratchPool.shared.withFloats(points * sumStep) { sums in
      ScratchPool.shared.withFloats(points * tileStep) { transformed in
        for group in 0..<g.groups {
          let x = x + group * g.inputChannelsPerGroup * g.inputHeight * g.inputWidth
          let dy = dy + group * g.outputChannelsPerGroup * g.outputHeight * g.outputWidth
          for block in 0..<blocks {
            let range = tiles * block / blocks..<tiles * (block + 1) / blocks
            threads.run(chunks: channelBlocks) { transform($0, range, x, dy, transformed, tileStep) }
            threads.run(chunks: points) { point in
              var correlation = tern_winograd_correlation()
              (correlation.tiles, correlation.output_blocks, correlation.input_blocks) = (
                range.count, outputBlocks, inputBlocks
              )
              correlation.b = UnsafePointer(transformed) + point * tileStep
              correlation.a = correlation.b + inputBlocks * range.count * lanes
              correlation.c = sums + point * sumStep
              correlation.accumulate = block > 0
              functions.correlate(&correlation)
            }
          }
          let filters = dw + group * g.outputChannelsPerGroup * g.inputChannelsPerGroup * 9
          finish(threads, sums, sumStep, filters)
        }
      }
    }
  }

  /// Transforms one block of channels: the input's first, then the gradient's.
  private func transform(
    _ channelBlock: Int, _ range: Range<Int>, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ transformed: UnsafeMutablePointer<Float>, _ tileStep: Int
  ) {
    let g = geometry
    let isInput = channelBlock < inputBlocks
    let first = (isInput ? channelBlock : channelBlock - inputBlocks) * lanes
    let rowFloats = tern_winograd_row_floats(lanes, tile, isInput ? tile + 2 : tile, tileColumns)
    ScratchPool.shared.withFloats(rowFloats) { rows in
      var source = tern_winograd_source()
      (source.grid.tile_rows, source.grid.tile_columns) = (tileRows, tileColumns)
      (source.grid.first, source.grid.count) = (range.lowerBound, range.count)
      (source.rows, source.point_step) = (rows, tileStep)
      source.target = transformed + channelBlock * range.count * lanes
      if isInput {
        (source.grid.height, source.grid.width) = (g.inputHeight, g.inputWidth)
        (source.grid.top, source.grid.left) = (-g.padTop, -g.padLeft)
        source.grid.image_step = g.inputChannels * g.inputHeight * g.inputWidth
        source.channels = min(lanes, g.inputChannelsPerGroup - first)
        source.planes = x + first * g.inputHeight * g.inputWidth
        transforms.input(&source)
      } else {
        (source.grid.height, source.grid.width) = (g.outputHeight, g.outputWidth)
        source.grid.image_step = g.outputChannels * g.outputHeight * g.outputWidth
        source.channels = min(lanes, g.outputChannelsPerGroup - first)
        source.planes = dy + first * g.outputHeight * g.outputWidth
        transforms.gradient(&source)
      }
    }
  }

  /// From points back to taps.
  private func finish(
    _ threads: ThreadPool, _ sums: UnsafeMutablePointer<Float>, _ sumStep: Int, _ filters: UnsafeMutablePointer<Float>
  ) {
    let outputs = geometry.outputChannelsPerGroup
    if tiles == 0 { return filters.update(repeating: 0, count: outputs * geometry.inputChannelsPerGroup * 9) }
    let chunks = min(outputs, 16)
    threads.run(chunks: chunks) { chunk in
      let (first, end) = (outputs * chunk / chunks, outputs * (chunk + 1) / chunks)
      var gradient = tern_winograd_gradient(
        sums: sums, point_step: sumStep, output_step: inputBlocks * lanes, first_output: first, outputs: end - first,
        inputs: geometry.inputChannelsPerGroup, filters: filters)
      transforms.filter_gradient(&gradient)
    }
  }
}
