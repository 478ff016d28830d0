// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func resample(rows: AxisMap?, columns: AxisMap?, _ x: StridedView, into y: StridedView) {
    guard y.count > 0 else { return }
    let launch = begin()
    defer { launch.end() }
    let table = tern_resampling_functions_for(isa).pointee
    let x = x.dtype == .float32 && (x.strides[3] == 1 || x.shape[3] == 1) ? x : denseFloat(x)
    let (height, width) = (y.shape[2], y.shape[3])
    let source = x.floats
    write(y) { y in
      let target = y.floats
      rows.withMap(extent: height) { rows in
        columns.withMap(extent: width) { columns in
          // Rows of all planes in one count: planes may be few and large, or many and small.
          forEachRange(y.shape[0] * y.shape[1] * height, elementsEach: width) { first, count in
            var (rows, columns) = (rows, columns)
            ScratchPool.shared.withFloats(x.shape[3]) { line in
              var next = first
              while next < first + count {
                let (plane, row) = next.quotientAndRemainder(dividingBy: height)
                let (image, channel) = plane.quotientAndRemainder(dividingBy: x.shape[1])
                let here = min(height - row, first + count - next)
                table.rows(
                  &rows, &columns, row, here, source + image * x.strides[0] + channel * x.strides[1], x.strides[2],
                  line, target + plane * height * width)
                next += here
              }
            }
          }
        }
      }
    }
    withExtendedLifetime(x) {}
  }
}

extension AxisMap? {
  /// The map as C sees it; an axis of `extent` elements is copied where there is none.
  fileprivate func withMap(extent: Int, _ body: (tern_axis_map) -> Void) {
    guard let map = self else {
      return body(tern_axis_map(starts: nil, places: nil, weights: nil, inputs: extent, outputs: extent, terms: 0))
    }
    map.starts.withUnsafeBufferPointer { starts in
      map.places.withUnsafeBufferPointer { places in
        map.weights.withUnsafeBufferPointer { weights in
          body(
            tern_axis_map(
              starts: starts.baseAddress, places: places.baseAddress, weights: weights.baseAddress,
              inputs: map.inputs, outputs: map.outputs, terms: map.terms))
        }
      }
    }
  }
}
