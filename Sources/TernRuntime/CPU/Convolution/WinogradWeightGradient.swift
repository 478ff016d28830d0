// SPDX-License-Identifier: MIT
import CTernCPU

/// The gradient of 3x3 filters by the adjoint of Winograd's minimal filtering, see `tern_winograd.h`.
///
/// Inputs and gradients are transformed, then multiplied and summed over the tiles at each point. Tiles are added up in
/// an order that depends on the shape only.
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

  /// The operands of one group of channels.
  private struct Group {
    let x: UnsafePointer<Float>, dy: UnsafePointer<Float>
    let dw: UnsafeMutablePointer<Float>
  }

  func run(
    _ threads: ThreadPool, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ dw: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    if tiles == 0 { return dw.update(repeating: 0, count: g.outputChannels * g.inputChannelsPerGroup * 9) }
    for group in 0..<g.groups {
      let group = Group(
        x: x + group * g.inputChannelsPerGroup * g.inputHeight * g.inputWidth,
        dy: dy + group * g.outputChannelsPerGroup * g.outputHeight * g.outputWidth,
        dw: dw + group * g.outputChannelsPerGroup * g.inputChannelsPerGroup * 9)
      if filtersDominate { runByOutputs(threads, group) } else { runByPoints(threads, group) }
    }
  }

  /// Whether the sums of all points take more memory than the tiles.
  private var filtersDominate: Bool { tiles * channelBlocks <= 2 * inputBlocks * outputBlocks * lanes }

  // Floats between points. A little more than there are: their lines would share a few places of the cache.
  private func tileStep(_ tiles: Int) -> Int { (channelBlocks * tiles + 3) * lanes }
  private func sumStep(_ outputBlocks: Int) -> Int { (outputBlocks * inputBlocks * lanes + 3) * lanes }

  /// Threads share the points, and the sums of all of them are kept from block to block of tiles.
  private func runByPoints(_ threads: ThreadPool, _ group: Group) {
    let step = tileStep((tiles + blocks - 1) / blocks)
    ScratchPool.shared.withFloats(points * sumStep(outputBlocks)) { sums in
      ScratchPool.shared.withFloats(points * step) { transformed in
        for block in 0..<blocks {
          let range = tiles * block / blocks..<tiles * (block + 1) / blocks
          threads.run(chunks: channelBlocks) { transform($0, range, group, transformed, step) }
          threads.run(chunks: points) { point in
            correlate(
              0..<outputBlocks, range, transformed + point * step, sums + point * sumStep(outputBlocks),
              accumulate: block > 0)
          }
        }
      }
      let chunks = min(outputBlocks, 16)
      threads.run(chunks: chunks) { chunk in
        let blocks = outputBlocks * chunk / chunks..<outputBlocks * (chunk + 1) / chunks
        let start = sums + blocks.lowerBound * lanes * inputBlocks * lanes
        finish(blocks, start, sumStep(outputBlocks), group)
      }
    }
  }

  /// Threads share the outputs: all tiles are transformed first, then a block of outputs after the other is summed at
  /// all points and transformed back, so that the sums never leave the cache.
  private func runByOutputs(_ threads: ThreadPool, _ group: Group) {
    let step = tileStep(tiles)
    ScratchPool.shared.withFloats(points * step) { transformed in
      threads.run(chunks: channelBlocks) { transform($0, 0..<tiles, group, transformed, step) }
      threads.run(chunks: outputBlocks) { block in
        ScratchPool.shared.withFloats(points * sumStep(1)) { sums in
          for point in 0..<points {
            correlate(
              block..<block + 1, 0..<tiles, transformed + point * step, sums + point * sumStep(1), accumulate: false)
          }
          finish(block..<block + 1, sums, sumStep(1), group)
        }
      }
    }
  }

  /// Sums over some tiles at one point, for some blocks of outputs.
  private func correlate(
    _ outputs: Range<Int>, _ range: Range<Int>, _ transformed: UnsafeMutablePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>, accumulate: Bool
  ) {
    var correlation = tern_winograd_correlation()
    (correlation.tiles, correlation.accumulate) = (range.count, accumulate)
    (correlation.output_blocks, correlation.input_blocks) = (outputs.count, inputBlocks)
    correlation.b = UnsafePointer(transformed)
    correlation.a = correlation.b + (inputBlocks + outputs.lowerBound) * range.count * lanes
    correlation.c = sums
    functions.correlate(&correlation)
  }

  /// Transforms one block of channels: the input's first, then the gradient's.
  private func transform(
    _ channelBlock: Int, _ range: Range<Int>, _ group: Group, _ transformed: UnsafeMutablePointer<Float>, _ step: Int
  ) {
    let g = geometry
    let isInput = channelBlock < inputBlocks
    let first = (isInput ? channelBlock : channelBlock - inputBlocks) * lanes
    let rowFloats = tern_winograd_row_floats(lanes, tile, isInput ? tile + 2 : tile, tileColumns)
    ScratchPool.shared.withFloats(rowFloats) { rows in
      var source = tern_winograd_source()
      (source.grid.tile_rows, source.grid.tile_columns) = (tileRows, tileColumns)
      (source.grid.first, source.grid.count) = (range.lowerBound, range.count)
      (source.rows, source.point_step) = (rows, step)
      source.target = transformed + channelBlock * range.count * lanes
      if isInput {
        (source.grid.height, source.grid.width) = (g.inputHeight, g.inputWidth)
        (source.grid.top, source.grid.left) = (-g.padTop, -g.padLeft)
        source.grid.image_step = g.inputChannels * g.inputHeight * g.inputWidth
        source.channels = min(lanes, g.inputChannelsPerGroup - first)
        source.planes = group.x + first * g.inputHeight * g.inputWidth
        transforms.input(&source)
      } else {
        (source.grid.height, source.grid.width) = (g.outputHeight, g.outputWidth)
        source.grid.image_step = g.outputChannels * g.outputHeight * g.outputWidth
        source.channels = min(lanes, g.outputChannelsPerGroup - first)
        source.planes = group.dy + first * g.outputHeight * g.outputWidth
        transforms.gradient(&source)
      }
    }
  }

  /// From the points back to the taps of some blocks of outputs, of which `sums` has the first at its start.
  private func finish(_ blocks: Range<Int>, _ sums: UnsafeMutablePointer<Float>, _ step: Int, _ group: Group) {
    let first = blocks.lowerBound * lanes
    let inputs = geometry.inputChannelsPerGroup
    var gradient = tern_winograd_gradient(
      sums: sums, point_step: step, output_step: inputBlocks * lanes,
      outputs: min(blocks.upperBound * lanes, geometry.outputChannelsPerGroup) - first, inputs: inputs,
      filters: group.dw + first * inputs * 9)
    transforms.filter_gradient(&gradient)
  }
}
