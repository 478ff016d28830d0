// SPDX-License-Identifier: MIT

/// What follows the sums of a convolution on the CPU: the bias as dense floats, and the activation, for the loops in C.
struct ConvolutionEpilogue {
  /// `[O]`, or nil.
  var bias: UnsafePointer<Float>?
  var activation = Activation.none

  static var none: ConvolutionEpilogue { ConvolutionEpilogue() }

  /// That of the output channels from `channel` on.
  func from(channel: Int) -> ConvolutionEpilogue {
    ConvolutionEpilogue(bias: bias.map { $0 + channel }, activation: activation)
  }
}
