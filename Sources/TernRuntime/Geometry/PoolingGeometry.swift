// SPDX-License-Identifier: MIT

/// Sizes of a 2D pooling, checked. `x` `[N, C, H, W]`, `y` `[N, C, outH, outW]`.
package struct PoolingGeometry: Sendable, Hashable {
  package let batch, channels, inputHeight, inputWidth: Int
  package let kernelHeight, kernelWidth: Int
  package let strideHeight, strideWidth: Int
  package let padHeight, padWidth: Int
  package let dilationHeight, dilationWidth: Int
  /// Average pooling: whether padding counts in the divisor (PyTorch's `count_include_pad`).
  package let countsPadding: Bool
  /// Average pooling: what sums are divided by, whatever their windows hold; 0 for the count of elements.
  package let divisor: Int
  /// Whether windows follow from the output's size: window `i` of `o` along an axis of size `s` is
  /// `floor(i * s / o) ..< ceil((i + 1) * s / o)`. Then the kernel is the largest window, stride and dilation are 1,
  /// and there is no padding.
  package let isAdaptive: Bool
  package let outputHeight, outputWidth: Int

  package var inputShape: [Int] { [batch, channels, inputHeight, inputWidth] }
  package var outputShape: [Int] { [batch, channels, outputHeight, outputWidth] }

  /// - Precondition: padding is at most half the kernel, so that no window is all padding.
  package init(
    _ operation: String, input: [Int], kernel: (Int, Int), stride: (Int, Int), padding: (Int, Int) = (0, 0),
    dilation: (Int, Int) = (1, 1), countsPadding: Bool = true, divisor: Int? = nil, roundsUp: Bool = false
  ) {
    require(
      divisor == nil || 1...Int(Int32.max) ~= divisor!, "\(operation): divisor must be at least 1, got \(divisor!)")
    Self.requirePlanes(operation, input)
    require(kernel.0 >= 1 && kernel.1 >= 1, "\(operation): window must be at least 1x1, got \(kernel)")
    require(stride.0 >= 1 && stride.1 >= 1, "\(operation): stride must be at least 1, got \(stride)")
    require(dilation.0 >= 1 && dilation.1 >= 1, "\(operation): dilation must be at least 1, got \(dilation)")
    require(
      padding.0 >= 0 && padding.1 >= 0 && padding.0 * 2 <= kernel.0 && padding.1 * 2 <= kernel.1,
      "\(operation): padding \(padding) must be between 0 and half of the window \(kernel)")
    func outputs(_ size: Int, _ kernel: Int, _ stride: Int, _ pad: Int, _ dilation: Int) -> Int {
      let span = dilation * (kernel - 1) + 1
      require(
        size + 2 * pad >= span,
        "\(operation): window \(kernel) with dilation \(dilation) spans \(span), "
          + "more than \(size) + 2 * \(pad) of input \(input)")
      let room = size + 2 * pad - span
      var count = (roundsUp ? room + stride - 1 : room) / stride + 1
      // With ceil rounding the last window must still start inside the input or its leading padding.
      if roundsUp && (count - 1) * stride >= size + pad { count -= 1 }
      return count
    }
    (batch, channels, inputHeight, inputWidth) = (input[0], input[1], input[2], input[3])
    (kernelHeight, kernelWidth) = kernel
    (strideHeight, strideWidth) = stride
    (padHeight, padWidth) = padding
    (dilationHeight, dilationWidth) = dilation
    self.countsPadding = countsPadding
    self.divisor = divisor ?? 0
    isAdaptive = false
    outputHeight = outputs(input[2], kernel.0, stride.0, padding.0, dilation.0)
    outputWidth = outputs(input[3], kernel.1, stride.1, padding.1, dilation.1)
    Self.requireResult(operation, (outputHeight, outputWidth))
  }

  private static func requireResult(_ operation: String, _ output: (Int, Int)) {
    require(
      output.0 >= 1 && output.1 >= 1 && output.0 <= Int(Int32.max) / output.1,
      "\(operation): the result's planes must have 1 to \(Int32.max) elements, got \(output)")
  }

  /// Positions in a plane are 32-bit numbers.
  private static func requirePlanes(_ operation: String, _ input: [Int]) {
    require(input.count == 4, "\(operation): input must be [N, C, H, W], got \(input)")
    require(
      input[2] >= 1 && input[3] >= 1 && input[2] * input[3] <= Int32.max,
      "\(operation): planes must have 1 to \(Int32.max) elements, got input \(input)")
  }

  /// Windows that cover the input so that the output has a given size: equal ones where sizes divide, else adaptive.
  package init(_ operation: String, input: [Int], output: (Int, Int)) {
    Self.requirePlanes(operation, input)
    Self.requireResult(operation, output)
    let (height, width) = (input[2], input[3])
    isAdaptive = height % output.0 != 0 || width % output.1 != 0
    (batch, channels, inputHeight, inputWidth) = (input[0], input[1], height, width)
    kernelHeight = Self.largestWindow(height, output.0)
    kernelWidth = Self.largestWindow(width, output.1)
    strideHeight = isAdaptive ? 1 : kernelHeight
    strideWidth = isAdaptive ? 1 : kernelWidth
    (padHeight, padWidth, dilationHeight, dilationWidth) = (0, 0, 1, 1)
    (countsPadding, divisor) = (false, 0)
    (outputHeight, outputWidth) = output
  }

  private static func largestWindow(_ size: Int, _ outputs: Int) -> Int {
    (0..<outputs).reduce(0) { max($0, (($1 + 1) * size + outputs - 1) / outputs - $1 * size / outputs) }
  }
}
