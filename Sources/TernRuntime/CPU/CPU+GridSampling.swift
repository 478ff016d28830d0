// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func gridSample(_ plan: GridSampling, _ x: StridedView, _ grid: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    let launch = begin()
    defer { launch.end() }
    let table = tern_gridding_functions_for(isa).pointee
    let (x, grid) = (denseFloat(x), denseFloat(grid))
    let image = plan.channels * plan.height * plan.width
    write(y) { y in
      let (source, points, target) = (x.floats, grid.floats, y.floats)
      forEachPoint(plan) { n, first, count in
        var sampling = tern_sampling(plan, channels: plan.channels)
        table.sample(
          &sampling, first, count, source + n * image, points + n * plan.points * 2,
          target + n * plan.channels * plan.points)
      }
    }
    withExtendedLifetime((x, grid)) {}
  }

  package func gridSampleInputGradient(
    _ plan: GridSampling, _ dy: StridedView, _ grid: StridedView, into dx: StridedView
  ) {
    guard dx.count > 0 else { return }
    let launch = begin()
    defer { launch.end() }
    let table = tern_gridding_functions_for(isa).pointee
    let (dy, grid) = (denseFloat(dy), denseFloat(grid))
    let plane = plan.height * plan.width
    // Points of one image meet in the same elements, so a chunk owns some channels of an image and takes all points.
    let share = min(plan.channels, 8)
    let parts = (plan.channels + share - 1) / share
    write(dx) { dx in
      let (source, points, target) = (dy.floats, grid.floats, dx.floats)
      target.update(repeating: 0, count: dx.count)
      threads.run(chunks: plan.batch * parts) { chunk in
        let (n, part) = chunk.quotientAndRemainder(dividingBy: parts)
        let first = n * plan.channels + part * share
        var sampling = tern_sampling(plan, channels: min(share, plan.channels - part * share))
        table.input_gradient(
          &sampling, 0, plan.points, source + first * plan.points, points + n * plan.points * 2,
          target + first * plane)
      }
    }
    withExtendedLifetime((dy, grid)) {}
  }

  package func gridSampleGridGradient(
    _ plan: GridSampling, _ dy: StridedView, _ x: StridedView, _ grid: StridedView, into dgrid: StridedView
  ) {
    guard dgrid.count > 0 else { return }
    let launch = begin()
    defer { launch.end() }
    let table = tern_gridding_functions_for(isa).pointee
    let (dy, x, grid) = (denseFloat(dy), denseFloat(x), denseFloat(grid))
    let image = plan.channels * plan.height * plan.width
    write(dgrid) { dgrid in
      let (gradient, source, points, target) = (dy.floats, x.floats, grid.floats, dgrid.floats)
      forEachPoint(plan) { n, first, count in
        var sampling = tern_sampling(plan, channels: plan.channels)
        table.grid_gradient(
          &sampling, first, count, gradient + n * plan.channels * plan.points, source + n * image,
          points + n * plan.points * 2, target + n * plan.points * 2)
      }
    }
    withExtendedLifetime((dy, x, grid)) {}
  }

  /// Spreads the points of all images over the threads, in runs within an image.
  private func forEachPoint(_ plan: GridSampling, _ body: (_ image: Int, _ first: Int, _ count: Int) -> Void) {
    forEachRange(plan.batch * plan.points, elementsEach: max(1, plan.channels) * plan.terms * plan.terms) {
      first, count in
      var next = first
      while next < first + count {
        let (n, point) = next.quotientAndRemainder(dividingBy: plan.points)
        let here = min(plan.points - point, first + count - next)
        body(n, point, here)
        next += here
      }
    }
  }
}

extension tern_sampling {
  fileprivate init(_ plan: GridSampling, channels: Int) {
    self.init(
      mode: Int32(plan.mode.rawValue), padding: Int32(plan.padding.rawValue), aligns: plan.alignsCorners ? 1 : 0,
      height: Int32(plan.height), width: Int32(plan.width), channels: channels, points: plan.points)
  }
}
