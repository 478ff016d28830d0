// SPDX-License-Identifier: MIT

/// How images lie in frames for `conv_wide` and `gemm_dot`, see `Kernels/conv_frame.cl`.
struct FrameLayout {
  var lines, pitch: Int
  /// Elements of a plane, at least `lines * pitch`.
  var plane: Int
  var strideHeight = 1
  var strideWidth = 1
  var planesHeight = 1
  var planesWidth = 1
  /// The image's coordinates of the frame's first element.
  var top = 0
  var left = 0

  var planes: Int { planesHeight * planesWidth }
  var channel: Int { planes * plane }

  /// The padded input of a convolution, split by its stride.
  init(input geometry: ConvolutionGeometry) {
    lines = geometry.outputHeight + (geometry.kernelHeight - 1) * geometry.dilationHeight / geometry.strideHeight
    pitch = geometry.outputWidth + (geometry.kernelWidth - 1) * geometry.dilationWidth / geometry.strideWidth
    plane = lines * pitch
    (strideHeight, strideWidth) = (geometry.strideHeight, geometry.strideWidth)
    planesHeight = geometry.kernelHeight == 1 ? 1 : strideHeight
    planesWidth = geometry.kernelWidth == 1 ? 1 : strideWidth
    (top, left) = (-geometry.padTop, -geometry.padLeft)
  }

  init(lines: Int, pitch: Int, plane: Int, top: Int = 0, left: Int = 0) {
    self.lines = lines
    self.pitch = pitch
    self.plane = plane
    self.top = top
    self.left = left
  }
}

/// The windows that a table lists, in the order of k.
struct FrameWindows {
  var channels, kernelHeight, kernelWidth, dilationHeight, dilationWidth: Int
  var count: Int { channels * kernelHeight * kernelWidth }

  static let none = FrameWindows(channels: 0, kernelHeight: 0, kernelWidth: 0, dilationHeight: 1, dilationWidth: 1)
}

struct Frames {
  let storage: Storage
  let table: Storage
}

extension OpenCLBackend {
  /// Copies `x` `[N, C, H, W]` into frames; the elements behind the last frame that a vector may touch are 0.
  func frames(_ x: StridedView, _ layout: FrameLayout, _ windows: FrameWindows = .none) -> Frames {
    let planes = x.shape[0] * x.shape[1] * layout.planes
    let slack = layout.pitch + 32
    require(
      windows.channels * layout.channel <= Int(Int32.max),
      "convolution: \(windows.channels) channels of input \(x.shape) are too large for 32-bit windows")
    let storage = scratch(planes * layout.plane + slack)
    let table = scratch(windows.count)
    launch(
      "conv_frame.cl", "conv_frame", definitions: sourceDefinitions(x.dtype), global: [planes + 1], local: [1],
      [
        .storage(x.storage), .storage(storage), .storage(table),
        .longs([
          x.shape[1], x.shape[2], x.shape[3],
          x.offset, x.strides[0], x.strides[1], x.strides[2], x.strides[3],
          layout.lines, layout.pitch, layout.plane,
          layout.strideHeight, layout.strideWidth, layout.planesHeight, layout.planesWidth,
          layout.top, layout.left, planes, slack,
          windows.channels, windows.kernelHeight, windows.kernelWidth, windows.dilationHeight, windows.dilationWidth,
        ]),
      ])
    return Frames(storage: storage, table: table)
  }
}
