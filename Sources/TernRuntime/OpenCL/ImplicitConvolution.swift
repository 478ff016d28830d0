// SPDX-License-Identifier: MIT

// Convolutions on GPUs whose images are gathered on the way: `conv_implicit.cl`.

extension OpenCLBackend {
  /// The kernel counts places, windows and their products in 32 bits.
  func canUseImplicit(_ geometry: ConvolutionGeometry) -> Bool {
    let window = geometry.kernelHeight * geometry.kernelWidth * max(geometry.inputChannels, geometry.outputChannels)
    let places = max(
      geometry.inputHeight * geometry.inputWidth, geometry.outputHeight * geometry.outputWidth)
    return max(window, geometry.batch * places) < 1 << 30 && maxWorkGroupSize >= 256
      && localMemoryBytes >= ImplicitTile(registers: 1).localMemoryBytes
  }

  func implicitConvolution(_ problem: ConvolutionProblem) {
    switch problem.pass {
    case .weightGradient: implicitWeightGradient(problem)
    default: implicitProduct(problem)
    }
  }

  private func implicitProduct(_ problem: ConvolutionProblem) {
    let shape = GatheredShape(problem)
    let tile = ImplicitTile.choice(
      rows: shape.outputs, columns: shape.places, batch: shape.phases * problem.geometry.groups, on: self)
    launch(
      "conv_implicit.cl", "conv_implicit", definitions: tile.definitions + shape.definitions(problem),
      global: [
        ceilDivide(shape.places, tile.size) * tile.group, ceilDivide(shape.outputs, tile.size) * tile.group,
        shape.phases * problem.geometry.groups,
      ], local: [tile.group, tile.group, 1], shape.arguments(problem))
  }

  /// For few outputs or taps, where a tile would be mostly empty. Not for the gradient of the weights.
  func directConvolution(_ problem: ConvolutionProblem) {
    let shape = GatheredShape(problem)
    launch(
      "conv_implicit.cl", "conv_direct", definitions: shape.definitions(problem),
      global: [
        roundUp(shape.places, to: 64), ceilDivide(shape.outputs, 8), shape.phases * problem.geometry.groups,
      ], local: [64, 1, 1], shape.arguments(problem))
  }

  private func implicitWeightGradient(_ problem: ConvolutionProblem) {
    let (geometry, dw) = (problem.geometry, problem.w)
    let m = geometry.outputChannelsPerGroup
    let n = elementCount(geometry.weightShape) / geometry.outputChannels
    let k = geometry.batch * geometry.outputHeight * geometry.outputWidth
    // By the shape only, as the division decides how sums are rounded: enough small tiles to occupy a GPU.
    let tiles = ceilDivide(m, 64) * ceilDivide(n, 64) * geometry.groups
    let wanted = max(1, min(ceilDivide(k, 256), 512 / tiles))
    let depth = roundUp(ceilDivide(k, wanted), to: 16)
    let parts = ceilDivide(k, depth)
    let tile = ImplicitTile.choice(rows: m, columns: n, batch: geometry.groups * parts, on: self)
    let sums = scratch(parts * geometry.groups * m * n)
    let dtypes = [("SOURCE", problem.x.dtype), ("GRADIENT", problem.y.dtype)]
    launch(
      "conv_implicit.cl", "conv_implicit_weights",
      definitions: tile.definitions + dtypes.filter { $0.1 != .float32 }.map { "\($0.0)=\($0.1)" },
      global: [
        ceilDivide(n, tile.size) * tile.group, ceilDivide(m, tile.size) * tile.group, geometry.groups * parts,
      ], local: [tile.group, tile.group, 1],
      [
        .storage(problem.x.storage), .storage(problem.y.storage), .storage(sums),
        .longs([
          m, geometry.inputChannelsPerGroup, geometry.batch, geometry.groups, geometry.kernelHeight,
          geometry.kernelWidth, geometry.strideHeight, geometry.strideWidth, geometry.padTop, geometry.padLeft,
          geometry.dilationHeight, geometry.dilationWidth, depth,
        ]),
        GatheredShape.images(problem.x, channels: geometry.inputChannelsPerGroup),
        GatheredShape.images(problem.y, channels: m),
      ])
    reduce(
      parts: parts, partStride: geometry.groups * m * n, sums, m: m, n: n, outer: 1, inner: geometry.groups,
      into: GemmOperand(storage: dw.storage, dtype: dw.dtype, offset: dw.offset, inner: m * n, row: n, column: 1),
      bias: nil)
  }
}

/// Tiles of `conv_implicit.cl`: work-groups of `group` × `group`, each work-item `4 * registers` squared.
private struct ImplicitTile {
  let registers: Int
  let group = 16
  var size: Int { 4 * registers * group }
  var definitions: [String] { registers == 1 ? [] : ["REGISTERS=\(registers)"] }
  /// Two buffers for each operand, 8 deep, with 4 floats of padding a line.
  var localMemoryBytes: Int { 4 * 8 * (size + 4) * MemoryLayout<Float>.size }

  /// The large tile where there are enough of it to occupy a GPU and it would not be half empty.
  static func choice(rows: Int, columns: Int, batch: Int, on backend: OpenCLBackend) -> ImplicitTile {
    let large = ImplicitTile(registers: 2)
    let count = ceilDivide(rows, large.size) * ceilDivide(columns, large.size) * batch
    let fits = backend.localMemoryBytes >= large.localMemoryBytes && !backend.isCPUDevice
    return fits && rows > 64 && columns > 64 && count >= 128 ? large : ImplicitTile(registers: 1)
  }
}

/// A convolution, or the gradient of its input, as `conv_t` describes it.
private struct GatheredShape {
  /// Of a group: written channels.
  let outputs: Int
  let phases: Int
  /// Of all images, in the largest phase.
  let places: Int
  private let fields: [Int]

  init(_ problem: ConvolutionProblem) {
    let (geometry, w, bias) = (problem.geometry, problem.w, problem.bias)
    let (inputs, outputs) = (geometry.inputChannelsPerGroup, geometry.outputChannelsPerGroup)
    let kernel = [geometry.kernelHeight, geometry.kernelWidth]
    let rest = [
      geometry.padTop, geometry.padLeft, geometry.dilationHeight, geometry.dilationWidth, w.offset,
      outputs * w.strides[0],
    ]
    let added = [bias?.offset ?? 0, bias?.strides[0] ?? 0, bias == nil ? 0 : 1]
    if problem.pass == .forward {
      self.outputs = outputs
      phases = 1
      places = geometry.batch * geometry.outputHeight * geometry.outputWidth
      fields =
        [outputs, inputs, geometry.batch] + kernel + kernel + [1, 1, 1, 1]
        + [geometry.dilationHeight, geometry.dilationWidth, geometry.strideHeight, geometry.strideWidth] + rest
        + w.strides + added
      return
    }
    let (vertical, horizontal) = GradientPhases.axes(of: geometry)
    self.outputs = inputs
    phases = vertical.count * horizontal.count
    places =
      geometry.batch * ceilDivide(geometry.inputHeight, vertical.count)
      * ceilDivide(geometry.inputWidth, horizontal.count)
    fields =
      [inputs, outputs, geometry.batch] + kernel
      + [vertical.taps, horizontal.taps, vertical.step, horizontal.step, vertical.count, horizontal.count]
      + [-vertical.dilation, -horizontal.dilation, 1, 1] + rest
      + [w.strides[1], w.strides[0], w.strides[2], w.strides[3]] + added
  }

  func definitions(_ problem: ConvolutionProblem) -> [String] {
    let (source, result) = problem.pass == .forward ? (problem.x, problem.y) : (problem.y, problem.x)
    return [("SOURCE", source.dtype), ("WEIGHT", problem.w.dtype), ("RESULT", result.dtype)]
      .filter { $0.1 != .float32 }.map { "\($0.0)=\($0.1)" }
      + (problem.bias.map { $0.dtype == result.dtype ? [] : ["BIAS=\($0.dtype)"] } ?? [])
      + problem.activation.definitions
  }

  func arguments(_ problem: ConvolutionProblem) -> [KernelArgument] {
    let geometry = problem.geometry
    let x = Self.images(problem.x, channels: geometry.inputChannelsPerGroup)
    let y = Self.images(problem.y, channels: geometry.outputChannelsPerGroup)
    let forward = problem.pass == .forward
    let (source, result) = forward ? (problem.x, problem.y) : (problem.y, problem.x)
    return [
      .storage(source.storage), .storage(problem.w.storage), .storage(result.storage),
      .storage(problem.bias?.storage ?? result.storage), .longs(fields),
    ] + (forward ? [x, y] : [y, x])
  }

  /// `images_t`.
  static func images(_ view: StridedView, channels: Int) -> KernelArgument {
    .longs([
      view.offset, view.strides[0], channels * view.strides[1], view.strides[1], view.strides[2], view.strides[3],
      view.shape[2], view.shape[3],
    ])
  }
}
