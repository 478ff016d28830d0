// SPDX-License-Identifier: MIT
import TestSupport
import Testing

@testable import Tern

/// Convolutions of sequences and volumes, and transposed ones; those of planes are in `NetworkOpTests`.
@Suite struct VolumeConvolutionTests {
  struct Case: Sendable {
    var input: [Int]
    var weight: [Int]
    var stride = [1, 1, 1]
    var padding: [(Int, Int)] = [(0, 0), (0, 0), (0, 0)]
    var dilation = [1, 1, 1]
    var groups = 1

    var triples: (stride: Triple, padding: Padding3D, dilation: Triple) {
      (
        Triple(stride[0], stride[1], stride[2]),
        .explicit(
          front: padding[0].0, back: padding[0].1, top: padding[1].0, bottom: padding[1].1, left: padding[2].0,
          right: padding[2].1), Triple(dilation[0], dilation[1], dilation[2])
      )
    }

    var reference: VolumeReference {
      VolumeReference(
        input: Array(input[2...]), kernel: Array(weight[2...]), stride: stride, dilation: dilation, padding: padding)
    }
  }

  static let volumes = [
    Case(
      input: [2, 3, 5, 4, 5], weight: [2, 3, 3, 2, 3], stride: [2, 1, 2], padding: [(1, 2), (0, 1), (2, 1)],
      dilation: [1, 2, 1]),
    Case(input: [1, 4, 4, 1, 3], weight: [6, 2, 2, 1, 1], stride: [1, 2, 1], dilation: [2, 1, 1], groups: 2),
    Case(input: [3, 2, 6, 3, 1], weight: [3, 2, 3, 1, 1], stride: [2, 1, 1], padding: [(2, 0), (0, 0), (0, 0)]),
    Case(input: [2, 3, 1, 5, 4], weight: [3, 1, 1, 3, 3], padding: [(0, 0), (1, 1), (1, 1)], groups: 3),
  ]

  @Test(arguments: Device.all, volumes.indices)
  func volumesFollowTheirDefinition(_ device: Device, _ index: Int) throws {
    let c = Self.volumes[index]
    let (stride, padding, dilation) = c.triples
    let w = sampleTensor(c.weight, phase: 1, on: device)
    let b = sampleTensor([c.weight[0]], phase: 2, on: device)
    // Dense, and with the axes in another order in memory; then a small limit takes volumes slice by slice, too.
    let dense = sampleTensor(c.input, on: device)
    let strided = sampleTensor(c.input.reversed(), on: device).transposed([4, 3, 2, 1, 0])
    for (x, partBytes) in [(dense, VolumeGeometry.partBytes), (strided, 1)] {
      try VolumeGeometry.$partBytes.withValue(partBytes) {
        let (xs, ws) = (try x.scalars(as: Double.self), try w.scalars(as: Double.self))
        let bs = try b.scalars(as: Double.self)
        func counts(_ body: (Int, Int, Int, Int) -> [Double]) -> [Double] {
          body(c.input[0], c.input[1], c.weight[0], c.groups)
        }
        let plain = counts { c.reference.convolved(xs, ws, batch: $0, channels: $1, outputs: $2, groups: $3) }
        let size = plain.count / (c.input[0] * c.weight[0])
        let expected = plain.enumerated().map { max(0, $1 + bs[$0 / size % c.weight[0]]) }
        func convolve(_ x: Tensor, _ w: Tensor, _ bias: Tensor?, _ activation: Activation = .none) -> Tensor {
          conv3d(
            x, w, bias: bias, stride: stride, padding: padding, dilation: dilation, groups: c.groups,
            activation: activation)
        }
        let y = convolve(x, w, b, .relu)
        #expect(y.shape == [c.input[0], c.weight[0]] + c.reference.output)
        try expectClose(y, expected, relative: 1e-5, absolute: 1e-5)
        // The gradient of the input is the transposed convolution; that of the weight agrees with it by linearity.
        let g = sampleTensor(y.shape, phase: 3, on: device)
        let (_, gradients) = valueAndGradients(at: [x, w, b]) { (convolve($0[0], $0[1], $0[2]) * g).sum() }
        let gs = try g.scalars(as: Double.self)
        let dx = counts { c.reference.transposed(gs, ws, batch: $0, channels: $1, outputs: $2, groups: $3) }
        try expectClose(gradients[0], dx, relative: 1e-5, absolute: 1e-5, "input gradient")
        let dw = ws.indices.map { place in
          var one = [Double](repeating: 0, count: ws.count)
          one[place] = 1
          let y = counts { c.reference.convolved(xs, one, batch: $0, channels: $1, outputs: $2, groups: $3) }
          return zip(y, gs).reduce(0) { $0 + $1.0 * $1.1 }
        }
        try expectClose(gradients[1], dw, relative: 1e-5, absolute: 1e-4, "weight gradient")
      }
    }
  }

  @Test(arguments: Device.all) func sequencesAreImagesOfOneRow(_ device: Device) throws {
    let x = sampleTensor([9, 4, 2], on: device).transposed([2, 1, 0])
    let (w, b) = (sampleTensor([6, 2, 3], phase: 1, on: device), sampleTensor([6], phase: 2, on: device))
    let reference = VolumeReference(input: [9], kernel: [3], stride: [2], dilation: [2], padding: [(1, 3)])
    let plain = reference.convolved(
      try x.scalars(as: Double.self), try w.scalars(as: Double.self), batch: 2, channels: 4, outputs: 6, groups: 2)
    let bs = try b.scalars(as: Double.self)
    let y = conv1d(x, w, bias: b, stride: 2, padding: .explicit(start: 1, end: 3), dilation: 2, groups: 2)
    try expectClose(y, plain.enumerated().map { $1 + bs[$0 / reference.output[0] % 6] }, relative: 1e-5)
    #expect(conv1d(x, w, stride: 2, padding: .same, groups: 2).shape == [2, 6, 5])
    #expect(
      conv3d(sampleTensor([1, 1, 5, 6, 7]), sampleTensor([1, 1, 2, 3, 4]), padding: .same).shape == [1, 1, 5, 6, 7])
  }

  /// A kernel, and what comes out, for an axis; `outputPadding` goes beyond `padding`, up to the dilation.
  @Test(arguments: Device.all) func transposedConvolutionsScatter(_ device: Device) throws {
    let axes: [(input: Int, kernel: Int, stride: Int, padding: Int, extra: Int, dilation: Int)] = [
      (4, 3, 2, 1, 1, 1), (3, 2, 3, 0, 2, 1), (3, 2, 1, 1, 2, 3),
    ]
    let (channels, outputs, groups) = (4, 2, 2)
    for rank in 1...3 {
      let axes = Array(axes[..<rank])
      let sizes = axes.map {
        ($0.input - 1) * $0.stride - 2 * $0.padding + $0.dilation * ($0.kernel - 1) + $0.extra + 1
      }
      let x = sampleTensor([2, channels] + axes.map(\.input), on: device)
      let w = sampleTensor([channels, outputs / groups] + axes.map(\.kernel), phase: 1, on: device)
      let b = sampleTensor([outputs], phase: 2, on: device)
      let y: Tensor
      switch rank {
      case 1:
        y = convTranspose1d(
          x, w, bias: b, stride: axes[0].stride, padding: axes[0].padding, outputPadding: axes[0].extra,
          dilation: axes[0].dilation, groups: groups)
      case 2:
        func pair(_ part: (Int) -> Int) -> Pair { Pair(part(0), part(1)) }
        y = convTranspose2d(
          x, w, bias: b, stride: pair { axes[$0].stride }, padding: pair { axes[$0].padding },
          outputPadding: pair { axes[$0].extra }, dilation: pair { axes[$0].dilation }, groups: groups)
      default:
        func triple(_ part: (Int) -> Int) -> Triple { Triple(part(0), part(1), part(2)) }
        y = convTranspose3d(
          x, w, bias: b, stride: triple { axes[$0].stride }, padding: triple { axes[$0].padding },
          outputPadding: triple { axes[$0].extra }, dilation: triple { axes[$0].dilation }, groups: groups)
      }
      #expect(y.shape == [2, outputs] + sizes)
      // The convolution whose input has the result's size; its windows end where the axis does.
      let reference = VolumeReference(
        input: sizes, kernel: axes.map(\.kernel), stride: axes.map(\.stride), dilation: axes.map(\.dilation),
        padding: axes.map { ($0.padding, $0.padding - $0.extra) })
      #expect(reference.output == axes.map(\.input))
      let plain = reference.transposed(
        try x.scalars(as: Double.self), try w.scalars(as: Double.self), batch: 2, channels: outputs, outputs: channels,
        groups: groups)
      let bs = try b.scalars(as: Double.self)
      let size = sizes.reduce(1, *)
      try expectClose(y, plain.enumerated().map { $1 + bs[$0 / size % outputs] }, relative: 1e-5, absolute: 1e-5)
    }
  }

  @Test(arguments: Device.all) func transposedConvolutionsHaveGradients(_ device: Device) throws {
    let inputs = [
      sampleTensor([1, 2, 2, 3], on: device), sampleTensor([2, 1, 2, 3], scale: 0.5, phase: 1, on: device),
      sampleTensor([2], phase: 2, on: device),
    ]
    func y(_ t: [Tensor]) -> Tensor {
      convTranspose2d(
        t[0], t[1], bias: t[2], stride: 2, padding: Pair(0, 1), outputPadding: 1, groups: 2, activation: .tanh)
    }
    try expectGradients(inputs, of: y)
    try expectGradients(Array(inputs[..<2]), tolerance: 1e-2, "second order") { t in
      let (_, gradients) = valueAndGradients(at: t, createGraph: true) {
        square(convTranspose2d($0[0], $0[1], stride: 2, groups: 2)).sum() * 0.1
      }
      return square(gradients[0]).sum() * 0.1 + square(gradients[1]).sum() * 0.1
    }
  }

  @Test(arguments: Device.all) func volumesHaveSecondDerivatives(_ device: Device) throws {
    let x = sampleTensor([1, 1, 3, 2, 3], on: device)
    let w = sampleTensor([1, 1, 2, 2, 2], scale: 0.5, phase: 1, on: device)
    try expectGradients([x, w], tolerance: 1e-2) { inputs in
      let (_, gradients) = valueAndGradients(at: inputs, createGraph: true) {
        square(conv3d($0[0], $0[1], padding: 1)).sum() * 0.1
      }
      return square(gradients[0]).sum() * 0.1 + square(gradients[1]).sum() * 0.1
    }
  }

  @Test(arguments: Device.all) func halfTypesAddUpInFloat(_ device: Device) throws {
    let x = sampleTensor([2, 3, 4, 5, 5], on: device).cast(to: .float16)
    let w = sampleTensor([4, 3, 3, 3, 3], scale: 0.3, phase: 1, on: device).cast(to: .float16)
    func run(_ inputs: [Tensor]) -> [Tensor] {
      let (_, gradients) = valueAndGradients(at: inputs) { conv3d($0[0], $0[1], stride: 2, padding: 1).sum() }
      return [conv3d(inputs[0], inputs[1], padding: 1)] + gradients
    }
    try VolumeGeometry.$partBytes.withValue(1) {
      let wide = run([x.cast(to: .float32), w.cast(to: .float32)])
      for (half, wide) in zip(run([x, w]), wide) {
        #expect(half.dtype == .float16)
        try expectClose(half, try wide.scalars(as: Double.self), relative: 2e-3, absolute: 1e-2)
      }
    }
  }

  @Test func wrongShapesTrap() async {
    await #expect(processExitsWith: .failure) {
      _ = conv3d(Tensor.zeros([1, 3, 4, 4, 4], on: .cpu), Tensor.zeros([2, 2, 3, 3, 3], on: .cpu))
    }
    await #expect(processExitsWith: .failure) {
      _ = convTranspose2d(
        Tensor.zeros([1, 3, 4, 4], on: .cpu), Tensor.zeros([3, 2, 3, 3], on: .cpu), stride: 2, outputPadding: 2)
    }
  }
}
