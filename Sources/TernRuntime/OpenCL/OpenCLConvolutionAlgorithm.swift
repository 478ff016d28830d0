// SPDX-License-Identifier: MIT

/// The ways to run a pass of a convolution on OpenCL, each in a file of its own.
package enum OpenCLConvolutionAlgorithm: String, CaseIterable, Sendable {
  /// 1 × 1 filters as a matrix product, at any stride; see `PointConvolution.swift`.
  case product
  /// One input channel a group, without a product.
  case depthwise
  /// Wide vectors over windows of padded frames: devices of type CPU.
  case wide
  /// Winograd's F(4×4, 3×3).
  case winograd4
  /// Winograd's F(2×2, 3×3): more products than F(4×4, 3×3), and less rounding.
  case winograd2
  /// A matrix product that gathers its operands on the way.
  case implicit
  /// A sum for each place and a few outputs, without local memory: few outputs or taps.
  case direct
  /// Images unfolded to columns, then a matrix product.
  case unfolded

  /// Overrides the choice for the calls of a test.
  @TaskLocal package static var forced: OpenCLConvolutionAlgorithm?

  /// `TERN_CONV=product|depthwise|wide|…`. Other names belong to other kinds of device.
  private static let fromEnvironment = environmentValue("TERN_CONV").flatMap(OpenCLConvolutionAlgorithm.init)

  /// All algorithms that are valid for a pass, the default first.
  static func candidates(
    for problem: ConvolutionProblem, on backend: OpenCLBackend
  ) -> [OpenCLConvolutionAlgorithm] {
    preferences(for: problem, on: backend).filter { $0.isValid(for: problem, on: backend) }
  }

  /// What something forces, where it is valid, else what `tern tune` chose, else the default.
  static func choice(for problem: ConvolutionProblem, on backend: OpenCLBackend) -> OpenCLConvolutionAlgorithm {
    let candidates = candidates(for: problem, on: backend)
    if let forced = forced ?? fromEnvironment, candidates.contains(forced) { return forced }
    let known = ProblemClass.convolution(
      problem.pass, problem.geometry, x: problem.x, w: problem.w, y: problem.y, bias: problem.bias,
      precision: backend.tensorPrecision)
    return backend.choices.choice(for: known, among: candidates) ?? candidates[0]
  }

  /// All algorithms, the best by what is known of the device's type first.
  private static func preferences(
    for problem: ConvolutionProblem, on backend: OpenCLBackend
  ) -> [OpenCLConvolutionAlgorithm] {
    let geometry = problem.geometry
    let first: [Self] = geometry.inputChannelsPerGroup == 1 && geometry.groups > 1 ? [.depthwise] : []
    let others: [Self]
    if !backend.isCPUDevice {
      // A tile of the product is 64 outputs high.
      let written = problem.pass == .inputGradient ? geometry.inputChannelsPerGroup : geometry.outputChannelsPerGroup
      others =
        (written <= 16 ? [.product, .direct, .implicit] : [.product, .implicit, .direct])
        + [.unfolded, .winograd4, .winograd2, .depthwise]
    } else if min(geometry.inputChannelsPerGroup, geometry.outputChannelsPerGroup) >= 32 {
      others = [.product, .winograd4, .wide, .winograd2, .unfolded, .implicit, .direct, .depthwise]
    } else {
      // With few channels the transforms cost more than they save.
      others = [.product, .wide, .winograd4, .winograd2, .unfolded, .implicit, .direct, .depthwise]
    }
    return first + others.filter { !first.contains($0) }
  }

  private func isValid(for problem: ConvolutionProblem, on backend: OpenCLBackend) -> Bool {
    let geometry = problem.geometry
    switch self {
    case .product: return geometry.isPointwise
    case .depthwise: return backend.canUseDepthwise(geometry)
    case .wide: return backend.isCPUDevice
    case .winograd4: return backend.canUseWinograd(geometry, tile: 4)
    case .winograd2: return backend.canUseWinograd(geometry, tile: 2)
    case .implicit: return backend.canUseImplicit(geometry)
    case .direct: return problem.pass != .weightGradient && backend.canUseImplicit(geometry)
    case .unfolded: return true
    }
  }
}

/// A pass of a convolution and its operands, in their roles of the forward pass: the one that the pass computes is the
/// gradient.
struct ConvolutionProblem {
  let pass: ConvolutionPass
  let geometry: ConvolutionGeometry
  let x, w, y: StridedView
  /// Of the forward pass; gradients have none.
  var epilogue = Epilogue()

  var bias: StridedView? { epilogue.bias }
  var activation: Activation { epilogue.activation }
}

extension ConvolutionGeometry {
  /// Whether each output reads one place of the image, and all of them lie in it.
  var isPointwise: Bool {
    kernelHeight == 1 && kernelWidth == 1 && padTop == 0 && padBottom == 0 && padLeft == 0 && padRight == 0
  }
}
