// SPDX-License-Identifier: MIT
import TestSupport

@testable import Tern

extension SecondOrderCases {
  static let shapes: [Case] = [
    Case("reshaped", [2, 6], .transposed) { $0.reshaped(to: [3, 4]) }, Case("flattened", [2, 3]) { $0.flattened() },
    Case("transposed", [2, 3, 2]) { $0.transposed([2, 0, 1]) * $0.transposed([2, 0, 1]).flipped(along: 0) },
    Case("swappedAxes", [2, 3]) { $0.swappedAxes(0, 1) }, Case("expanded", [3]) { $0.expanded(at: 0) },
    Case("squeezed", [3, 1]) { $0.squeezed(at: 1) }, Case("broadcast", [3, 1]) { $0.broadcast(to: [2, 3, 2]) },
    Case("flipped", [2, 3]) { $0.flipped(along: 1) * $0 }, Case("rolled", [2, 3]) { $0.rolled(by: 1, along: 1) * $0 },
    Case("tiled", [2, 3]) { $0.tiled([2, 2]) }, Case("repeated", [2, 3]) { $0.repeated(2, along: 0) },
    Case("diagonal", [3, 4]) { $0.diagonal(offset: 1) }, Case("lowerTriangle", [3, 3]) { $0.lowerTriangle() },
    Case("upperTriangle", [3, 3]) { $0.upperTriangle(diagonal: -1) },
    Case("subscript", [4, 5], .transposed) { $0[1..., .every(2)] * $0[0][.every(2)] },
    Case("sliced", [2, 6]) { $0.sliced(along: 1, from: 1, to: 6, step: 2) },
    Case("split", [2, 5]) { $0.split(sizes: [2, 3], along: 1)[1] },
    Case("concatenated", inputs: [.init([2, 2]), .init([2, 3], .transposed)]) { concatenated($0, along: 1) },
    Case("stacked", inputs: [.init([3]), .init([3])]) { stacked($0, along: 1) * $0[0].expanded(at: 1) },
    Case("cast", [3]) { ($0 * $0).cast(to: .float32) },
    Case("on", [3]) { x in
      do { return try (x * x).on(x.device) } catch { return x.detached() }
    },
    Case("padded", [2, 3]) { $0.padded([AxisPadding(axis: 1, before: 2, after: -1)], mode: .constant(2)) },
    Case("padded by reflection", [2, 3], onAllDevices: true) {
      $0.padded(
        [AxisPadding(axis: 1, before: 2, after: 1), AxisPadding(axis: 0, before: 1, after: 0)], mode: .reflected)
    },
    Case("padded around", [2, 3]) { $0.padded([AxisPadding(axis: 1, before: 2, after: 3)], mode: .circular) },
    Case("padded by the edge", [2, 3]) { $0.padded([AxisPadding(axis: 0, before: 2, after: 1)], mode: .replicated) },
    Case("pixelShuffle", [1, 4, 2, 1]) { pixelShuffle($0, factor: 2) },
    Case("pixelUnshuffle", [1, 1, 2, 4]) { pixelUnshuffle($0, factor: 2) },
    Case("recompute", [4]) { recompute($0) { sin($0) * $0 } },
    Case("evaluated", [4]) { sin($0).evaluated() * $0 },
    Case("customGradient", inputs: [.init([4]), .init([4])]) { inputs in
      customGradient(at: inputs) {
        exp($0[0]) * $0[1]
      } pullback: { gradient, saved in
        let power = exp(saved.inputs[0])
        return [gradient * power * saved.inputs[1], gradient * power]
      }
    },
    Case("customGradient of the output", [4]) { x in
      customGradient(at: x, saving: .output) {
        exp($0)
      } pullback: { gradient, saved in
        gradient * saved.output
      }
    },
  ]

  static let indexing: [Case] = [
    Case("gathered", [3, 4], .transposed, onAllDevices: true) {
      $0.gathered(rows: Tensor([2, 0, 2], on: $0.device))
    },
    Case("gathered along an axis", [3, 4], .spaced, onAllDevices: true) {
      $0.gathered(at: Tensor([3, 3, 0, 1, 0, 2], shape: [3, 2], on: $0.device), along: 1)
    },
    Case("selected", [3, 4]) { $0.selected(Tensor([1, 1, 3], on: $0.device), along: 1) },
    Case("scatterAdding", inputs: [.init([3, 4]), .init([2, 4], .transposed)], onAllDevices: true) {
      $0[0].scatterAdding($0[1], at: Tensor([2, 0, 2, 1, 2, 0, 1, 1], shape: [2, 4], on: $0[0].device), along: 0)
    },
    Case("sorted", [2, 5]) { $0.sorted(along: 1, descending: true).values },
    Case("topK", [2, 5]) { $0.topK(2, along: 1).values },
    Case("embedding", [4, 3]) { embedding(Tensor([1, 3, 1, 0], on: $0.device), $0, paddingIndex: 3) },
    Case("embeddingBag", [4, 3], onAllDevices: true) {
      embeddingBag(Tensor([1, 3, 1, 0], shape: [2, 2], on: $0.device), $0, paddingIndex: 3)
    },
    Case("embeddingBag with weights", inputs: [.init([4, 3]), .init([5])]) { t in
      let (entries, offsets) = (Tensor([1, 3, 1, 0, 2], on: t[0].device), Tensor([0, 2, 2], on: t[0].device))
      return embeddingBag(entries, t[0], offsets: offsets, mode: .sum, entryWeights: t[1])
    },
    Case("embeddingBag of maxima", [5, 3], onAllDevices: true) {
      let (entries, offsets) = (Tensor([1, 3, 1, 0, 2], on: $0.device), Tensor([0, 3, 3], on: $0.device))
      return embeddingBag(entries, $0, offsets: offsets, mode: .max, paddingIndex: -2)
    },
  ]
}
