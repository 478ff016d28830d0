// SPDX-License-Identifier: MIT
import CTernCPU

/// A 3x3 convolution of stride 1 by Winograd's minimal filtering; see `tern_winograd.h` for the mathematics.
///
/// Tiles are taken in blocks whose transformed inputs stay in the second-level cache: transform the inputs, then for a
/// panel of output channels after the other multiply at all points and transform the sums back, while they are near.
/// The filters are transformed anew in each call, which costs a few per cent. The gradient with respect to the input is
/// the same computation with filters turned by 180 degrees and channels exchanged.
///
/// Errors, relative to the largest value of a result whose operands are normal deviates: F(2x2) up to 1e-6 and F(4x4)
/// up to 5e-6 where a direct sum has 1e-6. An infinity or NaN spreads to all outputs of its tiles.
struct WinogradConvolution {
  let tile: Int
  let batch: Int, groups: Int
  /// Channels in each group of what is read and of what is written.
  let sourceChannels: Int, targetChannels: Int
  let sourceHeight: Int, sourceWidth: Int
  let targetHeight: Int, targetWidth: Int
  let padTop: Int, padLeft: Int
  private let weights: UnsafePointer<Float>
  private let targetWeightStep: Int, sourceWeightStep: Int
  private let isReversed: Bool

  /// Channels from which on it is faster than `ShiftedConvolution`; fewer leave lanes empty.
  static let leastChannels = 16
  /// Tiles of a block are as many as have this many transformed floats: 288 KiB.
  private static let blockFloats = 72 * 1024
  /// Sums of some panels of output channels at all points: 288 KiB.
  private static let sumFloats = 72 * 1024
  /// Fewer blocks than this leave threads idle; then the channels of a block are shared out instead.
  private static let enoughBlocks = 8

  static func applies(to g: ConvolutionGeometry) -> Bool {
    g.kernelHeight == 3 && g.kernelWidth == 3 && g.strideHeight == 1 && g.strideWidth == 1 && g.dilationHeight == 1
      && g.dilationWidth == 1
  }

  init(forward g: ConvolutionGeometry, _ weights: UnsafePointer<Float>, tile: Int) {
    self.tile = tile
    self.weights = weights
    (batch, groups) = (g.batch, g.groups)
    (sourceChannels, targetChannels) = (g.inputChannelsPerGroup, g.outputChannelsPerGroup)
    (sourceHeight, sourceWidth) = (g.inputHeight, g.inputWidth)
    (targetHeight, targetWidth) = (g.outputHeight, g.outputWidth)
    (padTop, padLeft) = (g.padTop, g.padLeft)
    (targetWeightStep, sourceWeightStep, isReversed) = (g.inputChannelsPerGroup * 9, 9, false)
  }

  init(inputGradient g: ConvolutionGeometry, _ weights: UnsafePointer<Float>, tile: Int) {
    self.tile = tile
    self.weights = weights
    (batch, groups) = (g.batch, g.groups)
    (sourceChannels, targetChannels) = (g.outputChannelsPerGroup, g.inputChannelsPerGroup)
    (sourceHeight, sourceWidth) = (g.outputHeight, g.outputWidth)
    (targetHeight, targetWidth) = (g.inputHeight, g.inputWidth)
    (padTop, padLeft) = (2 - g.padTop, 2 - g.padLeft)
    (targetWeightStep, sourceWeightStep, isReversed) = (9, g.inputChannelsPerGroup * 9, true)
  }

  private var tileRows: Int { (targetHeight + tile - 1) / tile }
  private var tileColumns: Int { (targetWidth + tile - 1) / tile }

  func run(
    _ threads: ThreadPool, _ isa: tern_isa, _ source: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    _ target: UnsafeMutablePointer<Float>
  ) {
    let work = Work(self, isa)
    for group in 0..<groups {
      ScratchPool.shared.withFloats(work.points * work.filterStep) { filters in
        let group = Group(
          source: source + group * sourceChannels * sourceHeight * sourceWidth,
          weights: weights + group * sourceChannels * targetChannels * 9, filters: filters,
          bias: bias.map { $0 + group * targetChannels },
          target: target + group * targetChannels * targetHeight * targetWidth)
        work.run(threads, group)
      }
    }
  }

  /// The operands of one group of channels.
  private struct Group {
    let source: UnsafePointer<Float>, weights: UnsafePointer<Float>
    let filters: UnsafeMutablePointer<Float>
    let bias: UnsafePointer<Float>?
    let target: UnsafeMutablePointer<Float>
  }

  /// The sizes of blocks for one instruction set, and the steps over them.
  private struct Work {
    let convolution: WinogradConvolution
    let functions: tern_winograd_functions
    let transforms: tern_winograd_transforms
    let points: Int, lanes: Int
    let sourceBlocks: Int, targetBlocks: Int
    let tiles: Int, blocks: Int
    /// Panels of two vectors of output channels whose sums are kept at a time, and all of them.
    let panelsAtOnce: Int, panels: Int
    /// Floats between points. A little more than there are, so that the points of a tile, which are written together,
    /// do not share a few lines of the cache.
    let filterStep: Int

    init(_ convolution: WinogradConvolution, _ isa: tern_isa) {
      self.convolution = convolution
      let c = convolution
      functions = tern_winograd_functions_for(isa).pointee
      transforms = c.tile == 2 ? functions.two : functions.four
      lanes = functions.lanes
      points = (c.tile + 2) * (c.tile + 2)
      sourceBlocks = (c.sourceChannels + lanes - 1) / lanes
      targetBlocks = (c.targetChannels + lanes - 1) / lanes
      panels = (targetBlocks + 1) / 2
      filterStep = targetBlocks * sourceBlocks * lanes * lanes + 3 * lanes
      tiles = c.batch * c.tileRows * c.tileColumns
      let rows = functions.rows
      let fitting = max(2, blockFloats / (points * sourceBlocks * lanes * rows)) * rows
      blocks = max(1, (tiles + fitting - 1) / fitting)
      let largest = (tiles + blocks - 1) / blocks
      panelsAtOnce = max(1, min(panels, sumFloats / (points * 2 * lanes * largest)))
    }

    private func tileRange(_ block: Int) -> Range<Int> { tiles * block / blocks..<tiles * (block + 1) / blocks }

    private func step(_ channelBlocks: Int, _ tiles: Range<Int>) -> Int { (channelBlocks * tiles.count + 3) * lanes }

    func run(_ threads: ThreadPool, _ group: Group) {
      let c = convolution
      let panelWork = c.sourceChannels * 2 * lanes * points
      let chunks = max(1, min(panels, 16, panels * panelWork * 4 / MatrixProduct.chunkWork))
      threads.run(chunks: chunks) { chunk in
        var filters = tern_winograd_filters(
          filters: group.weights, outputs: c.targetChannels, output_step: c.targetWeightStep, inputs: c.sourceChannels,
          input_step: c.sourceWeightStep, reversed: c.isReversed, first_panel: panels * chunk / chunks,
          panels: panels * (chunk + 1) / chunks - panels * chunk / chunks, target: group.filters,
          point_step: filterStep)
        transforms.filters(&filters)
      }
      if blocks >= enoughBlocks {
        let chunks = min(64, blocks)
        threads.run(chunks: chunks) { chunk in
          for block in blocks * chunk / chunks..<blocks * (chunk + 1) / chunks { run(tileRange(block), group) }
        }
      } else {
        for block in 0..<blocks { run(threads, tileRange(block), group) }
      }
    }

    /// One block of tiles on one thread.
    private func run(_ range: Range<Int>, _ group: Group) {
      ScratchPool.shared.withFloats(points * step(sourceBlocks, range)) { transformed in
        transform(0..<sourceBlocks, range, group, transformed)
        for panel in stride(from: 0, to: panels, by: panelsAtOnce) {
          multiply(panel..<min(panels, panel + panelsAtOnce), range, group, transformed)
        }
      }
    }

    /// One block of tiles on all threads.
    private func run(_ threads: ThreadPool, _ range: Range<Int>, _ group: Group) {
      ScratchPool.shared.withFloats(points * step(sourceBlocks, range)) { transformed in
        threads.run(chunks: sourceBlocks) { transform($0..<$0 + 1, range, group, transformed) }
        threads.run(chunks: panels) { multiply($0..<$0 + 1, range, group, transformed) }
      }
    }

    private func grid(_ range: Range<Int>) -> tern_winograd_grid {
      var grid = tern_winograd_grid()
      (grid.tile_rows, grid.tile_columns) = (convolution.tileRows, convolution.tileColumns)
      (grid.first, grid.count) = (range.lowerBound, range.count)
      return grid
    }

    private func transform(
      _ channelBlocks: Range<Int>, _ range: Range<Int>, _ group: Group, _ transformed: UnsafeMutablePointer<Float>
    ) {
      let c = convolution
      let rowFloats = tern_winograd_row_floats(lanes, c.tile, c.tile + 2, c.tileColumns)
      ScratchPool.shared.withFloats(rowFloats) { rows in
        var source = tern_winograd_source()
        source.grid = grid(range)
        (source.grid.height, source.grid.width) = (c.sourceHeight, c.sourceWidth)
        (source.grid.top, source.grid.left) = (-c.padTop, -c.padLeft)
        source.grid.image_step = c.groups * c.sourceChannels * c.sourceHeight * c.sourceWidth
        (source.rows, source.point_step) = (rows, step(sourceBlocks, range))
        for block in channelBlocks {
          source.planes = group.source + block * lanes * c.sourceHeight * c.sourceWidth
          source.channels = min(lanes, c.sourceChannels - block * lanes)
          source.target = transformed + block * range.count * lanes
          transforms.input(&source)
        }
      }
    }

    /// The outputs of some panels of channels.
    private func multiply(
      _ panelRange: Range<Int>, _ range: Range<Int>, _ group: Group, _ transformed: UnsafeMutablePointer<Float>
    ) {
      let c = convolution
      let sumStep = step(2 * panelRange.count, range)
      ScratchPool.shared.withFloats(points * sumStep) { sums in
        var product = tern_winograd_product()
        (product.points, product.tiles, product.input_blocks) = (1, range.count, sourceBlocks)
        for point in 0..<points {
          product.a = UnsafePointer(transformed) + point * step(sourceBlocks, range)
          for panel in panelRange {
            product.vectors = min(2, targetBlocks - 2 * panel)
            product.b = UnsafePointer(group.filters) + point * filterStep + panel * 2 * sourceBlocks * lanes * lanes
            product.c = sums + point * sumStep + (panel - panelRange.lowerBound) * 2 * range.count * lanes
            functions.multiply(&product)
          }
        }
        var output = tern_winograd_target()
        output.grid = grid(range)
        (output.grid.height, output.grid.width) = (c.targetHeight, c.targetWidth)
        output.grid.image_step = c.groups * c.targetChannels * c.targetHeight * c.targetWidth
        output.point_step = sumStep
        for block in 2 * panelRange.lowerBound..<min(2 * panelRange.upperBound, targetBlocks) {
          output.sums = UnsafePointer(sums) + (block - 2 * panelRange.lowerBound) * range.count * lanes
          output.bias = group.bias.map { $0 + block * lanes }
          output.channels = min(lanes, c.targetChannels - block * lanes)
          output.planes = group.target + block * lanes * c.targetHeight * c.targetWidth
          transforms.output(&output)
        }
      }
    }
  }
}
