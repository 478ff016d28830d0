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

  /// Tiles of a block are as many as have this many transformed floats: 288 KiB.
  private static let blockFloats = 72 * 1024
  /// Sums of some panels of output channels at all points: 288 KiB.
  private static let sumFloats = 72 * 1024
  /// Blocks that are made even if fewer would fit, to give work to several threads.
  private static let enoughBlocks = 8

  static func applies(to g: ConvolutionGeometry) -> Bool {
    g.kernelHeight == 3 && g.kernelWidth == 3 && g.strideHeight == 1 && g.strideWidth == 1 && g.dilationHeight == 1
      && g.dilationWidth == 1
  }

  /// About how many products take as long as a pass: the products of full vectors, about 7 more for each point of each
  /// transformed channel of a tile, and 11 for each point of a filter.
  static func cost(_ g: ConvolutionGeometry, tile: Int) -> Int {
    let lanes = tern_winograd().pointee.lanes
    func padded(_ channels: Int) -> Int { (channels + lanes - 1) / lanes * lanes }
    let (inputs, outputs) = (padded(g.inputChannelsPerGroup), padded(g.outputChannelsPerGroup))
    let tiles = g.batch * ((g.outputHeight + tile - 1) / tile) * ((g.outputWidth + tile - 1) / tile)
    let points = (tile + 2) * (tile + 2)
    return g.groups * points * (tiles * (inputs * outputs + 7 * (inputs + outputs)) + 11 * inputs * outputs)
  }

  /// The same of a direct sum, which leaves about a fifth of the vectors empty or waiting.
  static func directCost(_ g: ConvolutionGeometry) -> Int {
    let products = 9 * g.batch * g.outputHeight * g.outputWidth * g.inputChannelsPerGroup * g.outputChannels
    return products + products / 4
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
    _ threads: ThreadPool, _ isa: tern_isa, _ source: UnsafePointer<Float>, _ epilogue: ConvolutionEpilogue,
    _ target: UnsafeMutablePointer<Float>
  ) {
    let work = Work(self, isa)
    for group in 0..<groups {
      work.run(
        threads,
        Group(
          source: source + group * sourceChannels * sourceHeight * sourceWidth,
          weights: weights + group * sourceChannels * targetChannels * 9,
          epilogue: epilogue.from(channel: group * targetChannels),
          target: target + group * targetChannels * targetHeight * targetWidth))
    }
  }

  /// The operands of one group of channels.
  private struct Group {
    let source: UnsafePointer<Float>, weights: UnsafePointer<Float>
    let epilogue: ConvolutionEpilogue
    let target: UnsafeMutablePointer<Float>
  }

  /// Transformed panels of filters from some panel on.
  private struct Filters {
    let values: UnsafeMutablePointer<Float>
    let step: Int
    let firstPanel: Int

    func panel(_ panel: Int, _ floats: Int) -> UnsafeMutablePointer<Float> { values + (panel - firstPanel) * floats }
  }

  /// The sizes of blocks for one instruction set, and the steps over them.
  private struct Work {
    let c: WinogradConvolution
    let functions: tern_winograd_functions
    let transforms: tern_winograd_transforms
    let points: Int, lanes: Int
    let sourceBlocks: Int, targetBlocks: Int
    let tiles: Int, blocks: Int
    /// Panels of two vectors of output channels whose sums are kept at a time, and all of them.
    let panelsAtOnce: Int, panels: Int

    init(_ convolution: WinogradConvolution, _ isa: tern_isa) {
      c = convolution
      functions = tern_winograd_functions_for(isa).pointee
      transforms = c.tile == 2 ? functions.two : functions.four
      lanes = functions.lanes
      points = (c.tile + 2) * (c.tile + 2)
      sourceBlocks = (c.sourceChannels + lanes - 1) / lanes
      targetBlocks = (c.targetChannels + lanes - 1) / lanes
      panels = (targetBlocks + 1) / 2
      tiles = c.batch * c.tileRows * c.tileColumns
      let rows = functions.rows
      let fitting = max(2, blockFloats / (points * sourceBlocks * lanes * rows)) * rows
      let wanted = min(enoughBlocks, (tiles + rows - 1) / rows)
      blocks = max(1, wanted, (tiles + fitting - 1) / fitting)
      let largest = (tiles + blocks - 1) / blocks
      panelsAtOnce = max(1, min(panels, sumFloats / (points * 2 * lanes * largest)))
    }

    /// Whether there are so many more filters than tiles that writing them all would cost more than anything else.
    private var filtersDominate: Bool { c.targetChannels >= 4 * tiles }

    private var panelFloats: Int { 2 * sourceBlocks * lanes * lanes }

    // Floats between points. A little more than there are, so that the points of a tile, which are written together, do
    // not share a few lines of the cache.
    private func filterStep(_ panels: Int) -> Int { panels * panelFloats + 3 * lanes }
    private func tileStep(_ channelBlocks: Int, _ tiles: Range<Int>) -> Int {
      (channelBlocks * tiles.count + 3) * lanes
    }

    func run(_ threads: ThreadPool, _ group: Group) {
      if filtersDominate {
        runByPanels(threads, group)
      } else {
        ScratchPool.shared.withFloats(points * filterStep(panels)) { transformed in
          let filters = Filters(values: transformed, step: filterStep(panels), firstPanel: 0)
          let work = panels * c.sourceChannels * 2 * lanes * points
          let chunks = max(1, min(panels, 16, work * 4 / MatrixProduct.chunkWork))
          threads.run(chunks: chunks) { chunk in
            transform(panels * chunk / chunks..<panels * (chunk + 1) / chunks, group, filters)
          }
          let blockChunks = min(64, blocks)
          threads.run(chunks: blockChunks) { chunk in
            for block in blocks * chunk / blockChunks..<blocks * (chunk + 1) / blockChunks {
              run(tiles * block / blocks..<tiles * (block + 1) / blocks, group, filters)
            }
          }
        }
      }
    }

    /// All tiles are transformed first, then each panel of filters just before its products, so that transformed
    /// filters never leave the cache.
    private func runByPanels(_ threads: ThreadPool, _ group: Group) {
      ScratchPool.shared.withFloats(points * tileStep(sourceBlocks, 0..<tiles)) { transformed in
        threads.run(chunks: sourceBlocks) { transform($0..<$0 + 1, 0..<tiles, group, transformed) }
        threads.run(chunks: panels) { panel in
          ScratchPool.shared.withFloats(points * filterStep(1)) {
            let filters = Filters(values: $0, step: filterStep(1), firstPanel: panel)
            transform(panel..<panel + 1, group, filters)
            multiply(panel..<panel + 1, 0..<tiles, group, transformed, filters)
          }
        }
      }
    }

    private func transform(_ panelRange: Range<Int>, _ group: Group, _ filters: Filters) {
      var source = tern_winograd_filters(
        filters: group.weights, outputs: c.targetChannels, output_step: c.targetWeightStep, inputs: c.sourceChannels,
        input_step: c.sourceWeightStep, reversed: c.isReversed, first_panel: panelRange.lowerBound,
        panels: panelRange.count, target: filters.panel(panelRange.lowerBound, panelFloats), point_step: filters.step)
      transforms.filters(&source)
    }

    /// One block of tiles.
    private func run(_ range: Range<Int>, _ group: Group, _ filters: Filters) {
      ScratchPool.shared.withFloats(points * tileStep(sourceBlocks, range)) { transformed in
        transform(0..<sourceBlocks, range, group, transformed)
        for panel in stride(from: 0, to: panels, by: panelsAtOnce) {
          multiply(panel..<min(panels, panel + panelsAtOnce), range, group, transformed, filters)
        }
      }
    }

    private func grid(_ range: Range<Int>) -> tern_winograd_grid {
      var grid = tern_winograd_grid()
      (grid.tile_rows, grid.tile_columns) = (c.tileRows, c.tileColumns)
      (grid.first, grid.count) = (range.lowerBound, range.count)
      return grid
    }

    private func transform(
      _ channelBlocks: Range<Int>, _ range: Range<Int>, _ group: Group, _ transformed: UnsafeMutablePointer<Float>
    ) {
      let rowFloats = tern_winograd_row_floats(lanes, c.tile, c.tile + 2, c.tileColumns)
      ScratchPool.shared.withFloats(rowFloats) { rows in
        var source = tern_winograd_source()
        source.grid = grid(range)
        (source.grid.height, source.grid.width) = (c.sourceHeight, c.sourceWidth)
        (source.grid.top, source.grid.left) = (-c.padTop, -c.padLeft)
        source.grid.image_step = c.groups * c.sourceChannels * c.sourceHeight * c.sourceWidth
        (source.rows, source.point_step) = (rows, tileStep(sourceBlocks, range))
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
      _ panelRange: Range<Int>, _ range: Range<Int>, _ group: Group, _ transformed: UnsafeMutablePointer<Float>,
      _ filters: Filters
    ) {
      let sumStep = tileStep(2 * panelRange.count, range)
      ScratchPool.shared.withFloats(points * sumStep) { sums in
        var product = tern_winograd_product()
        (product.points, product.tiles, product.input_blocks) = (1, range.count, sourceBlocks)
        product.a_block_step = range.count * lanes
        for point in 0..<points {
          product.a = UnsafePointer(transformed) + point * tileStep(sourceBlocks, range)
          for panel in panelRange {
            product.vectors = min(2, targetBlocks - 2 * panel)
            product.b = UnsafePointer(filters.panel(panel, panelFloats)) + point * filters.step
            product.c = sums + point * sumStep + (panel - panelRange.lowerBound) * 2 * range.count * lanes
            functions.multiply(&product)
          }
        }
        var output = tern_winograd_target()
        output.grid = grid(range)
        (output.grid.height, output.grid.width) = (c.targetHeight, c.targetWidth)
        output.grid.image_step = c.groups * c.targetChannels * c.targetHeight * c.targetWidth
        output.point_step = sumStep
        output.activation = group.epilogue.activation.rawValue
        for block in 2 * panelRange.lowerBound..<min(2 * panelRange.upperBound, targetBlocks) {
          output.sums = UnsafePointer(sums) + (block - 2 * panelRange.lowerBound) * range.count * lanes
          output.bias = group.epilogue.from(channel: block * lanes).bias
          output.channels = min(lanes, c.targetChannels - block * lanes)
          output.planes = group.target + block * lanes * c.targetHeight * c.targetWidth
          transforms.output(&output)
        }
      }
    }
  }
}
