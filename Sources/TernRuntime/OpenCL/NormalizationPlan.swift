// SPDX-License-Identifier: MIT

/// `norm_t` of the kernels of normalization: sizes, switches, and how each array is stepped through.
struct NormalizationPlan {
  /// `norm_view`; a view that is absent stays all zeros.
  struct View {
    var offset = 0, image = 0, channel = 0, element = 0, type = 0

    fileprivate var longs: [Int] { [offset, image, channel, element, type] }
  }

  var batch, channels, inner: Int
  var groups = 1
  var share = 1
  var parts = 1, part = 0
  var statisticImage = 0, statisticChannels = 1
  var adds = false, rectifies = false, centers = true
  var weighs = false, biases = false, updates = false
  var writes = true, splits = false
  var streams = false
  var x = View(), y = View(), side = View(), dx = View(), dSide = View()
  var weight, bias, mean, deviation: StridedView?
  var runningMean, runningVariance, newMean, newVariance: StridedView?

  init(batch: Int, channels: Int, inner: Int) {
    (self.batch, self.channels, self.inner) = (batch, channels, inner)
    // Positions within a run, and the number of channels, are 32-bit integers in the kernels.
    require(
      inner <= Int32.max && channels <= Int32.max,
      "normalization: \(channels) channels of \(inner) elements, expected at most \(Int32.max) of each")
  }

  var argument: KernelArgument {
    func flags(_ values: Bool...) -> [Int] { values.map { $0 ? 1 : 0 } }
    func list(_ view: StridedView?) -> [Int] {
      view.map { [$0.offset, $0.strides[0], Int($0.dtype.rawValue)] } ?? [0, 0, 0]
    }
    let sizes = [batch, channels, inner, groups, share, parts, part, statisticImage, statisticChannels]
    let switches = flags(adds, rectifies, centers, weighs, biases, updates, writes, splits, streams)
    let views = [x, y, side, dx, dSide].flatMap(\.longs)
    let lists = [weight, bias, mean, deviation, runningMean, runningVariance, newMean, newVariance].flatMap(list)
    return .longs(sizes + switches + views + lists)
  }
}

extension NormalizationPlan.View {
  /// A dense array `[batch, channels, inner]`.
  init(dense view: StridedView, _ plan: NormalizationPlan) {
    self.init(
      offset: view.offset, image: plan.channels * plan.inner, channel: plan.inner, element: 1,
      type: Int(view.dtype.rawValue))
  }

  init(_ split: AxisView) {
    self.init(
      offset: split.view.offset, image: split.outerStride, channel: split.axisStride, element: split.innerStride,
      type: Int(split.view.dtype.rawValue))
  }
}
