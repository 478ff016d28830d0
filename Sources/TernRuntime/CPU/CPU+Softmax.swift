// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func softmax(_ geometry: ReductionGeometry, logarithm: Bool, _ x: StridedView, into y: StridedView) {
    let launch = begin()
    defer { launch.end() }
    if y.count == 0 { return }
    let x = denseFloat(x)
    let table = tern_softmax_functions_for(isa).pointee
    write(y) { y in
      let slices = AxisSlices(geometry, columnLimit: Int(TERN_SOFTMAX_COLUMNS))
      let (source, target) = (x.floats, y.floats)
      threads.run(chunks: slices.chunkCount) { chunk in
        slices.forEach(inChunk: chunk) { outer, column, columns in
          let start = outer * slices.length * slices.inner + column
          if slices.inner == 1 {
            table.softmax_rows(logarithm, source + start, target + start, 1, slices.length)
          } else {
            table.softmax_columns(
              logarithm, source + start, target + start, columns, slices.length, slices.inner)
          }
        }
      }
    }
  }

  package func softmaxGradient(
    _ geometry: ReductionGeometry, logarithm: Bool, y: StridedView, gradient: StridedView, into dx: StridedView
  ) {
    let launch = begin()
    defer { launch.end() }
    if dx.count == 0 { return }
    let (y, gradient) = (denseFloat(y), denseFloat(gradient))
    let table = tern_softmax_functions_for(isa).pointee
    write(dx) { dx in
      let slices = AxisSlices(geometry, columnLimit: Int(TERN_SOFTMAX_COLUMNS))
      let (output, upstream, target) = (y.floats, gradient.floats, dx.floats)
      threads.run(chunks: slices.chunkCount) { chunk in
        slices.forEach(inChunk: chunk) { outer, column, columns in
          let start = outer * slices.length * slices.inner + column
          if slices.inner == 1 {
            table.gradient_rows(
              logarithm, output + start, upstream + start, target + start, 1, slices.length)
          } else {
            table.gradient_columns(
              logarithm, output + start, upstream + start, target + start, columns, slices.length, slices.inner)
          }
        }
      }
    }
  }

  package func crossEntropy(
    _ options: CrossEntropyOptions, logits: StridedView, labels: StridedView, classWeights: StridedView?,
    losses: StridedView, weights: StridedView
  ) {
    let launch = begin()
    defer { launch.end() }
    let table = tern_softmax_functions_for(isa).pointee
    withRows(options, logits, labels, classWeights) { settings, logits, labels, rows in
      let settings = settings
      let classes = settings.classes
      let (losses, weights) = (losses.floats, weights.floats)
      forEachRange(rows, elementsEach: classes) { first, count in
        var settings = settings
        table.cross_entropy(
          &settings, logits + first * classes, labels + first, losses + first, weights + first, count)
      }
    }
  }

  package func crossEntropyGradient(
    _ options: CrossEntropyOptions, logits: StridedView, labels: StridedView, classWeights: StridedView?,
    scale: StridedView, into dLogits: StridedView
  ) {
    let launch = begin()
    defer { launch.end() }
    let table = tern_softmax_functions_for(isa).pointee
    let scale = denseFloat(scale)
    write(dLogits) { target in
      withRows(options, logits, labels, classWeights) { settings, logits, labels, rows in
        let settings = settings
        let classes = settings.classes
        let (scale, target) = (scale.floats, target.floats)
        forEachRange(rows, elementsEach: classes) { first, count in
          var settings = settings
          table.cross_entropy_gradient(
            &settings, logits + first * classes, labels + first, scale + first, target + first * classes, count)
        }
      }
    }
  }

  /// Calls `body` with dense operands of a cross-entropy, unless there are no rows.
  private func withRows(
    _ options: CrossEntropyOptions, _ logits: StridedView, _ labels: StridedView, _ classWeights: StridedView?,
    _ body: (tern_cross_entropy, UnsafePointer<Float>, UnsafePointer<Int64>, Int) -> Void
  ) {
    let rows = logits.shape[0]
    if rows == 0 { return }
    let logits = denseFloat(logits)
    let labels = dense(labels, as: .int64)
    let weights = classWeights.map(denseFloat)
    let settings = tern_cross_entropy(
      classes: logits.shape[1], smoothing: options.smoothing, ignored_label: Int64(options.ignoredLabel),
      class_weights: weights.map { UnsafePointer($0.floats) })
    withExtendedLifetime((logits, labels, weights)) {
      body(settings, logits.floats, labels.address.assumingMemoryBound(to: Int64.self), rows)
    }
  }

  /// Splits `0 ..< count` into ranges of about 16K elements of work and spreads them over the threads.
  func forEachRange(_ count: Int, elementsEach: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
    let size = max(1, (1 << 14) / max(1, elementsEach))
    threads.run(chunks: (count + size - 1) / size) { chunk in
      body(chunk * size, min(size, count - chunk * size))
    }
  }

  /// Lets `body` write a dense Float32 view: `y` itself, or one that is converted into `y` afterwards.
  func write(_ y: StridedView, _ body: (StridedView) -> Void) {
    if y.dtype == .float32 && y.isContiguous { return body(y) }
    let result = scratch(y.shape)
    body(result)
    convert(result, into: y)
  }
}
