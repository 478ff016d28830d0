// SPDX-License-Identifier: MIT
import CTernCPU

extension WeightGradient {
  /// Dot products along whole bands of the planes. `dy`'s rows are filled up with zeros to the planes' width, so that
  /// each product runs over the ends of the rows in one go. (An infinity or NaN in `x` therefore reaches all taps of
  /// its channel, also where the padding would have kept it from a corner's tap.)
  func addDots(_ band: Band) {
    let g = geometry
    let rows = g.outputChannelsPerGroup * rowsPerBand * pitch
    ScratchPool.shared.withFloats(inPlace ? 0 : band.images * rows) { widened in
      var pass = tern_conv_weight_pass()
      (pass.channels, pass.depth, pass.images) = (g.outputChannelsPerGroup, band.offsets.count, band.images)
      pass.length = (band.rows - 1) * pitch + g.outputWidth
      (pass.source, pass.image_step) = (band.source, band.sourceImageStep)
      if inPlace {
        (pass.dy, pass.dy_step, pass.dy_image_step) = (band.dy, outputPlane, g.outputChannels * outputPlane)
      } else {
        for image in 0..<band.images {
          var padding = tern_conv_planes(
            image: band.dy + image * g.outputChannels * outputPlane, channels: g.outputChannelsPerGroup,
            height: g.outputHeight, width: g.outputWidth, row_stride: 1, column_stride: 1, pad_top: 0, pad_left: 0,
            plane_height: band.rows, plane_width: pitch, planes: widened + image * rows)
          convolution.pad(&padding)
        }
        (pass.dy, pass.dy_step, pass.dy_image_step) = (UnsafePointer(widened), band.rows * pitch, rows)
      }
      (pass.target, pass.target_step) = (band.target, depth)
      band.offsets.withUnsafeBufferPointer {
        pass.offsets = $0.baseAddress
        convolution.add_weight_gradient(&pass)
      }
    }
  }

  /// `dw += dy · shifted xᵀ` over the band's pixels: rows of `dy` and taps are transposed into panels on the way.
  func addProduct(_ band: Band) {
    let g = geometry
    let width = Int(gemm.columns)
    let pixels = band.rows * g.outputWidth
    let length = band.images * pixels
    ScratchPool.shared.withFloats(length * (g.outputChannelsPerGroup + width)) { packed in
      let panel = packed + length * g.outputChannelsPerGroup
      convolution.pack_gradient(
        band.dy, g.outputChannelsPerGroup, outputPlane, band.images, g.outputChannels * outputPlane, pixels, packed)
      band.offsets.withUnsafeBufferPointer { offsets in
        var pass = tern_conv_pass()
        (pass.source, pass.offsets, pass.pitch) = (band.source, offsets.baseAddress, pitch)
        (pass.out_height, pass.out_width) = (band.rows, g.outputWidth)
        var block = tern_gemm_block()
        (block.m, block.k, block.accumulate) = (g.outputChannelsPerGroup, length, true)
        (block.a, block.b, block.b_step) = (UnsafePointer(packed), UnsafePointer(panel), width)
        block.c_step = depth
        for first in stride(from: 0, to: offsets.count, by: width) {
          block.n = min(width, offsets.count - first)
          convolution.pack_taps(&pass, first, block.n, band.images, band.sourceImageStep, panel)
          block.c = band.target + first
          gemm.multiply(&block)
        }
      }
    }
  }
}
