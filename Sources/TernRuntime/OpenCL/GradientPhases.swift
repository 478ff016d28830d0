// SPDX-License-Identifier: MIT

/// One axis of the gradient with respect to a convolution's input.
///
/// With `h + pad = o * stride + r * dilation` the gradient at `h` gathers from the outputs `o` whose distance is a
/// multiple of the stride. Positions at distance `stride` share their taps: they form a phase, and each phase is a
/// convolution at stride 1 of the output's gradient, with every `step`-th tap and the dilation `dilation`.
struct GradientPhases {
  /// As many as the stride.
  let count: Int
  /// From one tap of a phase to the next.
  let step: Int
  /// Taps of a phase, filled up with zeros.
  let taps: Int
  /// Outputs between a tap of a phase and the next.
  let dilation: Int
  /// The least output that any phase's first tap reads at its first position.
  let origin: Int
  /// Outputs from the first that is read, `origin - (taps - 1) * dilation`, to the last.
  let span: Int
  var first: Int { origin - (taps - 1) * dilation }

  /// Both axes of a convolution.
  static func axes(of geometry: ConvolutionGeometry) -> (vertical: GradientPhases, horizontal: GradientPhases) {
    (
      GradientPhases(
        size: geometry.inputHeight, kernel: geometry.kernelHeight, stride: geometry.strideHeight,
        dilation: geometry.dilationHeight, pad: geometry.padTop),
      GradientPhases(
        size: geometry.inputWidth, kernel: geometry.kernelWidth, stride: geometry.strideWidth,
        dilation: geometry.dilationWidth, pad: geometry.padLeft)
    )
  }

  private init(size: Int, kernel: Int, stride: Int, dilation: Int, pad: Int) {
    let divisor = greatestCommonDivisor(stride, dilation)
    count = stride
    step = stride / divisor
    taps = (kernel + step - 1) / step
    self.dilation = dilation / divisor
    // nil for a phase that no tap reaches.
    let starts = (0..<min(stride, size)).map { phase -> Int? in
      (0..<stride).first { (phase + pad - $0 * dilation) % stride == 0 }.map { (phase + pad - $0 * dilation) / stride }
    }
    let origin = starts.compactMap { $0 }.min() ?? 0
    let end =
      starts.enumerated().map { phase, start in
        (start ?? origin) + (size - phase + stride - 1) / stride
      }.max() ?? origin
    self.origin = origin
    span = end - origin + (taps - 1) * self.dilation
  }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }
