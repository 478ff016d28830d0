// SPDX-License-Identifier: MIT

/// The class of a convolution: its geometry, and how its operands lie in memory, without their addresses.
package struct ConvolutionClass: Hashable, Sendable {
  package struct Operand: Hashable, Sendable {
    package var dtype: DType
    package var isDense: Bool

    package init(dtype: DType, isDense: Bool) {
      self.dtype = dtype
      self.isDense = isDense
    }

    package init(_ view: StridedView) { self.init(dtype: view.dtype, isDense: view.isContiguous) }
  }

  package var geometry: ConvolutionGeometry
  /// The operands by their roles, whichever of them the pass computes: `x`, `w` and `y`, or the gradient of one.
  package var x, w, y: Operand
  package var hasBias: Bool
  /// Of the products that some algorithms are made of; `.highest` on devices that know no other.
  package var precision = MatmulPrecision.highest

  package var operations: Double {
    2 * Double(elementCount(geometry.outputShape))
      * Double(geometry.inputChannelsPerGroup * geometry.kernelHeight * geometry.kernelWidth)
  }
}

extension ProblemClass {
  /// The class of a pass over these operands, in the roles of the forward pass.
  package static func convolution(
    _ pass: ConvolutionPass, _ geometry: ConvolutionGeometry, x: StridedView, w: StridedView, y: StridedView,
    bias: StridedView? = nil, precision: MatmulPrecision = .highest
  ) -> ProblemClass {
    .convolution(
      pass,
      ConvolutionClass(
        geometry: geometry, x: ConvolutionClass.Operand(x), w: ConvolutionClass.Operand(w),
        y: ConvolutionClass.Operand(y), hasBias: bias != nil, precision: precision))
  }
}

extension ConvolutionClass: LosslessStringConvertible {
  package var description: String {
    let g = geometry
    func list(_ numbers: Int...) -> String { numbers.map(String.init).joined(separator: ",") }
    return "input=\(list(g.batch, g.inputChannels, g.inputHeight, g.inputWidth))"
      + " weight=\(list(g.outputChannels, g.inputChannelsPerGroup, g.kernelHeight, g.kernelWidth))"
      + " stride=\(list(g.strideHeight, g.strideWidth))"
      + " padding=\(list(g.padTop, g.padBottom, g.padLeft, g.padRight))"
      + " dilation=\(list(g.dilationHeight, g.dilationWidth)) groups=\(g.groups)"
      + " x=\(x) w=\(w) y=\(y) bias=\(hasBias ? "yes" : "no")" + precision.problemField
  }

  package init?(_ description: String) {
    let names: Set = ["input", "weight", "stride", "padding", "dilation", "groups", "x", "w", "y", "bias"]
    guard let fields = ProblemFields(description, names: names, defaults: MatmulPrecision.defaultField),
      let input = fields.numbers("input", count: 4),
      let weight = fields.numbers("weight", count: 4), let stride = fields.numbers("stride", count: 2),
      let padding = fields.numbers("padding", count: 4, least: 0),
      let dilation = fields.numbers("dilation", count: 2), let groups = fields.numbers("groups")?[0],
      let x = Operand(fields["x"]), let w = Operand(fields["w"]), let y = Operand(fields["y"]),
      let bias = ["yes": true, "no": false][fields["bias"].joined()], let precision = fields.precision,
      // What the geometry would trap on.
      input[1] == weight[1] * groups, weight[0] % groups == 0,
      input[2] + padding[0] + padding[1] > dilation[0] * (weight[2] - 1),
      input[3] + padding[2] + padding[3] > dilation[1] * (weight[3] - 1)
    else { return nil }
    let geometry = ConvolutionGeometry(
      "convolution", input: input, weight: weight, stride: (stride[0], stride[1]),
      padding: (padding[0], padding[1], padding[2], padding[3]), dilation: (dilation[0], dilation[1]), groups: groups)
    self.init(geometry: geometry, x: x, w: w, y: y, hasBias: bias, precision: precision)
  }
}

extension ConvolutionClass.Operand: CustomStringConvertible {
  package var description: String { "\(dtype),\(isDense ? "dense" : "strided")" }

  fileprivate init?(_ words: [String]) {
    guard words.count == 2, let dtype = DType(named: words[0]),
      let isDense = ["dense": true, "strided": false][words[1]]
    else { return nil }
    self.init(dtype: dtype, isDense: isDense)
  }
}
