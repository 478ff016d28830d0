// SPDX-License-Identifier: MIT
import Tern
import TernNN

extension Operations {
  /// Convolutions and poolings of sequences and volumes, and what changes the size of images.
  static let spatial: [String: Function] = [
    "conv1d": { a in
      let t = a.attributes
      return [
        "y": conv1d(
          a.x, a["p.weight"], bias: a.optional("p.bias"), stride: t.ints("stride")![0],
          padding: sides(t, axes: 1).map { .explicit(start: $0[0].0, end: $0[0].1) } ?? .same,
          dilation: t.ints("dilation")![0], groups: t.int("groups")!)
      ]
    },
    "conv_transpose1d": { a in
      let t = a.attributes
      return [
        "y": convTranspose1d(
          a.x, a["p.weight"], bias: a.optional("p.bias"), stride: t.ints("stride")![0],
          padding: t.ints("padding")![0], outputPadding: t.ints("output_padding")![0],
          dilation: t.ints("dilation")![0], groups: t.int("groups")!)
      ]
    },
    "conv_transpose2d": { a in
      let t = a.attributes
      return [
        "y": convTranspose2d(
          a.x, a["p.weight"], bias: a.optional("p.bias"), stride: pair(t, "stride"), padding: pair(t, "padding"),
          outputPadding: pair(t, "output_padding"), dilation: pair(t, "dilation"), groups: t.int("groups")!)
      ]
    },
    "conv3d": { a in
      let t = a.attributes
      let padding = sides(t, axes: 3).map { sides -> Padding3D in
        .explicit(
          front: sides[0].0, back: sides[0].1, top: sides[1].0, bottom: sides[1].1, left: sides[2].0,
          right: sides[2].1)
      }
      return [
        "y": conv3d(
          a.x, a["p.weight"], bias: a.optional("p.bias"), stride: triple(t, "stride"), padding: padding ?? .same,
          dilation: triple(t, "dilation"), groups: t.int("groups")!)
      ]
    },
    "conv_transpose3d": { a in
      let t = a.attributes
      return [
        "y": convTranspose3d(
          a.x, a["p.weight"], bias: a.optional("p.bias"), stride: triple(t, "stride"), padding: triple(t, "padding"),
          outputPadding: triple(t, "output_padding"), dilation: triple(t, "dilation"), groups: t.int("groups")!)
      ]
    },
    "unfold": { a in
      let t = a.attributes
      return [
        "y": unfold(
          a.x, window: pair(t, "kernel_size"), stride: pair(t, "stride"), padding: pair(t, "padding"),
          dilation: pair(t, "dilation"))
      ]
    },
    "max_pool1d": { a in
      let t = a.attributes
      return [
        "y": maxPool1d(
          a.x, window: t.ints("kernel_size")![0], stride: t.ints("stride")![0], padding: t.ints("padding")![0],
          dilation: t.ints("dilation")![0], roundsUp: t.flag("ceil_mode"))
      ]
    },
    "avg_pool1d": { a in
      let t = a.attributes
      return [
        "y": averagePool1d(
          a.x, window: t.ints("kernel_size")![0], stride: t.ints("stride")![0], padding: t.ints("padding")![0],
          countsPadding: t.flag("count_include_pad"), roundsUp: t.flag("ceil_mode"))
      ]
    },
    "max_pool3d": { a in
      let t = a.attributes
      return [
        "y": maxPool3d(
          a.x, window: triple(t, "kernel_size"), stride: triple(t, "stride"), padding: triple(t, "padding"),
          dilation: triple(t, "dilation"), roundsUp: t.flag("ceil_mode"))
      ]
    },
    "avg_pool3d": { a in
      let t = a.attributes
      return [
        "y": averagePool3d(
          a.x, window: triple(t, "kernel_size"), stride: triple(t, "stride"), padding: triple(t, "padding"),
          countsPadding: t.flag("count_include_pad"), divisor: t.int("divisor_override"),
          roundsUp: t.flag("ceil_mode"))
      ]
    },
    "adaptive_avg_pool2d": { ["y": adaptiveAveragePool2d($0.x, outputSize: pair($0.attributes, "output_size"))] },
    "adaptive_max_pool2d": { ["y": adaptiveMaxPool2d($0.x, outputSize: pair($0.attributes, "output_size"))] },
    "interpolate": { a in
      let t = a.attributes
      let modes: [String: Interpolation] = [
        "nearest": .nearest, "linear": .linear, "bilinear": .linear, "bicubic": .cubic,
      ]
      let (mode, aligns) = (modes[t.text("mode")!]!, t.flag("align_corners"))
      if let size = t.ints("size") {
        return ["y": interpolate(a.x, size: size, mode: mode, alignsCorners: aligns)]
      }
      return ["y": interpolate(a.x, scale: t.doubles("scale_factor")!, mode: mode, alignsCorners: aligns)]
    },
    "grid_sample": { a in
      let paddings: [String: GridPadding] = ["zeros": .zeros, "border": .border, "reflection": .reflection]
      return [
        "y": gridSample(
          a.x, a["in.grid"], padding: paddings[a.attributes.text("padding_mode")!]!,
          alignsCorners: a.attributes.flag("align_corners"))
      ]
    },
    "pixel_shuffle": { ["y": pixelShuffle($0.x, factor: $0.attributes.int("r")!)] },
  ]

  /// Zeros before and behind each axis, outermost first; nil for as many as keep the size.
  static func sides(_ attributes: Attributes, axes: Int) -> [(Int, Int)]? {
    guard let both = attributes.ints("padding") else { return nil }
    let extra = attributes.ints("pads") ?? [Int](repeating: 0, count: 2 * axes)
    return (0..<axes).map { axis -> (Int, Int) in
      let (before, behind) = (extra[2 * axis], extra[2 * axis + 1])
      return (both[axis] + before, both[axis] + behind)
    }
  }

  static func pair(_ attributes: Attributes, _ name: String) -> Pair {
    let sides = attributes.ints(name)!
    return Pair(sides[0], sides[1])
  }

  private static func triple(_ attributes: Attributes, _ name: String) -> Triple {
    let sides = attributes.ints(name)!
    return Triple(sides[0], sides[1], sides[2])
  }
}
