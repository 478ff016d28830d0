// SPDX-License-Identifier: MIT

/// Sizes of a 2D convolution, checked. `x` `[N, C, H, W]`, `w` `[O, C/groups, kH, kW]`, `y` `[N, O, outH, outW]`.
package struct ConvolutionGeometry: Sendable, Hashable {
  package let batch, inputChannels, inputHeight, inputWidth: Int
  package let outputChannels, kernelHeight, kernelWidth: Int
  package let strideHeight, strideWidth: Int
  /// Zero padding on each side; it may be uneven.
  package let padTop, padBottom, padLeft, padRight: Int
  package let dilationHeight, dilationWidth: Int
  package let groups: Int
  package let outputHeight, outputWidth: Int

  package var inputShape: [Int] { [batch, inputChannels, inputHeight, inputWidth] }
  package var weightShape: [Int] { [outputChannels, inputChannels / groups, kernelHeight, kernelWidth] }
  package var outputShape: [Int] { [batch, outputChannels, outputHeight, outputWidth] }
  package var inputChannelsPerGroup: Int { inputChannels / groups }
  package var outputChannelsPerGroup: Int { outputChannels / groups }

  /// - Parameters:
  ///   - padding: top, bottom, left, right.
  /// - Precondition: ranks are 4, channels and groups agree, and the kernel fits the padded input.
  package init(
    _ operation: String, input: [Int], weight: [Int], stride: (Int, Int), padding: (Int, Int, Int, Int),
    dilation: (Int, Int), groups: Int
  ) {
    require(input.count == 4, "\(operation): input must be [N, C, H, W], got \(input)")
    require(weight.count == 4, "\(operation): weight must be [O, I/groups, kH, kW], got \(weight)")
    require(groups >= 1, "\(operation): groups must be at least 1, got \(groups)")
    require(
      input[1] == weight[1] * groups,
      "\(operation): input \(input) has \(input[1]) channels, "
        + "weight \(weight) with \(groups) group(s) takes \(weight[1] * groups)")
    require(
      weight[0] % groups == 0,
      "\(operation): weight \(weight) has \(weight[0]) outputs, not a multiple of \(groups) groups")
    require(stride.0 >= 1 && stride.1 >= 1, "\(operation): stride must be at least 1, got \(stride)")
    require(dilation.0 >= 1 && dilation.1 >= 1, "\(operation): dilation must be at least 1, got \(dilation)")
    require(
      padding.0 >= 0 && padding.1 >= 0 && padding.2 >= 0 && padding.3 >= 0,
      "\(operation): padding must not be negative, got \(padding)")
    require(weight[2] >= 1 && weight[3] >= 1, "\(operation): weight \(weight) has an empty kernel")
    let spanHeight = dilation.0 * (weight[2] - 1) + 1
    let spanWidth = dilation.1 * (weight[3] - 1) + 1
    let paddedHeight = input[2] + padding.0 + padding.1
    let paddedWidth = input[3] + padding.2 + padding.3
    require(
      paddedHeight >= spanHeight && paddedWidth >= spanWidth,
      "\(operation): weight \(weight) with dilation \(dilation) spans \(spanHeight)x\(spanWidth), "
        + "more than the padded input \(paddedHeight)x\(paddedWidth) of \(input)")
    (batch, inputChannels, inputHeight, inputWidth) = (input[0], input[1], input[2], input[3])
    (outputChannels, kernelHeight, kernelWidth) = (weight[0], weight[2], weight[3])
    (strideHeight, strideWidth) = stride
    (padTop, padBottom, padLeft, padRight) = padding
    (dilationHeight, dilationWidth) = dilation
    self.groups = groups
    outputHeight = (paddedHeight - spanHeight) / stride.0 + 1
    outputWidth = (paddedWidth - spanWidth) / stride.1 + 1
  }
}
