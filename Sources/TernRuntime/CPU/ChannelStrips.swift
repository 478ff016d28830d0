// SPDX-License-Identifier: MIT
import CTernCPU

/// How the CPU works through the channels of `[batch, channels, inner]`: one at a time as runs of `inner` elements, or,
/// where these are short, some as neighbouring columns.
///
/// The data of a strip stay in the second-level cache between the pass that sums and the pass that writes, so that a
/// channel is read from memory once. Few strips are cut into parts of the batch, so that all threads have work.
struct ChannelStrips {
  struct Strip {
    let channels: Range<Int>
    /// Elements of an image that belong to it.
    let columns: Int
    private let fold: Int

    fileprivate init(_ channels: Range<Int>, fold: Int) {
      self.channels = channels
      self.fold = fold
      columns = channels.count * fold
    }

    /// The columns of a channel, counted in the strip.
    func columns(of channel: Int) -> Range<Int> {
      let first = (channel - channels.lowerBound) * fold
      return first..<first + fold
    }
  }

  let usesColumns: Bool
  /// Columns of a channel; 1 where columns are not used.
  let fold: Int
  private let backend: CPUBackend
  private let plan: BatchNormalization
  private let perStrip, stripCount, parts: Int

  init(_ backend: CPUBackend, _ plan: BatchNormalization) {
    self.backend = backend
    self.plan = plan
    usesColumns = plan.inner < Int(TERN_NORM_SPREAD)
    fold = usesColumns ? max(1, plan.inner) : 1
    perStrip = usesColumns ? Int(TERN_NORM_COLUMNS) / fold : 1
    stripCount = (plan.channels + perStrip - 1) / perStrip
    let isLarge = plan.channels * plan.channelCount >= 1 << 16
    parts = isLarge && stripCount < 16 ? min(plan.batch, (15 + stripCount) / stripCount) : 1
  }

  /// Calls `first` for each strip and part of the batch, with a place for its results; then `join` for each strip with
  /// the places of its parts in order; then `second` for each strip and part.
  func run(
    _ threads: ThreadPool, first: (Strip, _ images: Range<Int>, _ place: Int) -> Void,
    join: (Strip, _ places: StrideTo<Int>) -> Void, second: (Strip, _ images: Range<Int>) -> Void
  ) {
    if parts == 1 {
      let perChunk = max(1, (1 << 14) / max(1, perStrip * plan.channelCount))
      threads.run(chunks: (stripCount + perChunk - 1) / perChunk) { chunk in
        for index in chunk * perChunk..<min(stripCount, (chunk + 1) * perChunk) {
          let strip = strip(index)
          first(strip, 0..<plan.batch, place(index, 0))
          join(strip, places(index))
          second(strip, 0..<plan.batch)
        }
      }
      return
    }
    threads.run(chunks: stripCount * parts) { chunk in
      let (index, part) = chunk.quotientAndRemainder(dividingBy: parts)
      first(strip(index), images(part), place(index, part))
    }
    for index in 0..<stripCount { join(strip(index), places(index)) }
    threads.run(chunks: stripCount * parts) { chunk in
      let (index, part) = chunk.quotientAndRemainder(dividingBy: parts)
      second(strip(index), images(part))
    }
  }

  private func strip(_ index: Int) -> Strip {
    Strip(index * perStrip..<min(plan.channels, (index + 1) * perStrip), fold: fold)
  }

  private func images(_ part: Int) -> Range<Int> { part * plan.batch / parts..<(part + 1) * plan.batch / parts }

  private func place(_ strip: Int, _ part: Int) -> Int { (strip * parts + part) * perStrip * fold }

  private func places(_ strip: Int) -> StrideTo<Int> {
    stride(from: place(strip, 0), to: place(strip, parts), by: perStrip * fold)
  }

  // MARK: Memory

  /// Room for `perColumn` elements at each place.
  func workspace<Element>(_ backend: CPUBackend, of: Element.Type, perColumn: Int) -> Workspace<Element> {
    Workspace(backend, count: place(stripCount, 0) * perColumn)
  }

  /// Working memory that lives as long as this does.
  struct Workspace<Element> {
    let pointer: UnsafeMutablePointer<Element>
    private let storage: Storage

    fileprivate init(_ backend: CPUBackend, count: Int) {
      storage = backend.allocate(byteCount: max(1, count) * MemoryLayout<Element>.stride)
      pointer = storage.handle!.bindMemory(to: Element.self, capacity: max(1, count))
    }
  }

  /// Up to four numbers for each channel, in lists with one number for each column.
  struct Coefficients {
    private let lists: Workspace<Float>
    private let length, fold: Int

    fileprivate init(_ lists: Workspace<Float>, length: Int, fold: Int) {
      self.lists = lists
      self.length = length
      self.fold = fold
    }

    /// Sets the first numbers of a channel.
    func set(_ channel: Int, _ values: Float...) {
      for index in values.indices {
        (lists.pointer + index * length + channel * fold).update(repeating: values[index], count: fold)
      }
    }

    /// Where a strip's part of a list begins.
    subscript(_ index: Int, _ strip: Strip) -> UnsafePointer<Float> {
      UnsafePointer(lists.pointer + index * length + strip.channels.lowerBound * fold)
    }
  }

  func coefficients(_ backend: CPUBackend) -> Coefficients {
    let length = plan.channels * fold
    return Coefficients(Workspace(backend, count: 4 * length), length: length, fold: fold)
  }

  /// A view as the strips step through it; copied where the elements of a channel, or the columns of a strip, are not
  /// neighbours.
  func operand(_ view: StridedView) -> ChannelOperand {
    if let split = AxisView(view, axis: 1) {
      let isDense = split.innerStride == 1 || plan.inner == 1
      let isAdjacent = split.axisStride == plan.inner || plan.channels == 1
      if isDense && (isAdjacent || !usesColumns) {
        return ChannelOperand(view, imageStep: split.outerStride, channelStep: split.axisStride)
      }
    }
    return ChannelOperand(
      backend.dense(view, as: view.dtype), imageStep: plan.channels * plan.inner, channelStep: plan.inner)
  }
}

/// An array `[batch, channels, inner]` whose innermost elements are neighbours.
struct ChannelOperand {
  private let view: StridedView
  private let imageStep, channelStep: Int

  fileprivate init(_ view: StridedView, imageStep: Int, channelStep: Int) {
    self.view = view
    self.imageStep = imageStep
    self.channelStep = channelStep
  }

  /// A strip of some images: one run for each.
  func array(_ strip: ChannelStrips.Strip, _ images: Range<Int>) -> tern_norm_array {
    tern_norm_array(
      view, step: imageStep, at: images.lowerBound * imageStep + strip.channels.lowerBound * channelStep)
  }
}
