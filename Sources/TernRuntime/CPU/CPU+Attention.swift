// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func headProducts(_ a: StridedView, _ b: StridedView, into c: StridedView) {
    let launch = begin()
    defer { launch.end() }
    if c.count == 0 { return }
    func matrices(_ view: StridedView, _ index: Int) -> StridedView {
      view.viewed(
        shape: Array(view.shape[1...]), strides: Array(view.strides[1...]),
        offset: view.offset + index * view.strides[0])
    }
    let batches = (0..<c.shape[0]).map { BatchedProduct(matrices(a, $0), matrices(b, $0), matrices(c, $0), .none) }
    let (each, threads) = (batches[0].count, threads)
    let work = batches[0].m * batches[0].n * max(1, batches[0].k)
    let items = batches.count * each
    if items == 1 || work >= 8 * MatrixProduct.chunkWork {
      for item in 0..<items { batches[item / each].run(item % each, bias: nil, threads) }
      return
    }
    let chunks = max(1, min(items, 64, items * work / MatrixProduct.chunkWork))
    threads.run(chunks: chunks) { chunk in
      for item in items * chunk / chunks..<items * (chunk + 1) / chunks {
        batches[item / each].run(item % each, bias: nil, threads)
      }
    }
  }

  package func attentionSoftmax(_ plan: Attention, _ scores: StridedView, mask: StridedView?) {
    let launch = begin()
    defer { launch.end() }
    if scores.count == 0 { return }
    let functions = tern_attention_functions_for(isa).pointee
    let target = scores.floats
    // Chunks are ranges of one head's queries, since masks have strides of their own for batch and head.
    let perChunk = max(1, min(plan.queries, (1 << 14) / max(1, plan.keys)))
    let cuts = (plan.queries + perChunk - 1) / perChunk
    threads.run(chunks: plan.batch * plan.heads * cuts) { chunk in
      let (head, first) = (chunk / cuts, chunk % cuts * perChunk)
      var rows = tern_attention_rows()
      rows.rows = min(perChunk, plan.queries - first)
      rows.keys = plan.keys
      rows.scores = target + (head * plan.queries + first) * plan.keys
      rows.scale = plan.scale
      rows.visible = plan.causalOffset.map { first + $0 + 1 } ?? plan.keys
      rows.visible_step = plan.causalOffset == nil ? 0 : 1
      if let mask {
        let at = head / plan.heads * mask.strides[0] + head % plan.heads * mask.strides[1] + first * mask.strides[2]
        (rows.mask_row, rows.mask_key) = (mask.strides[2], mask.strides[3])
        if mask.dtype == .bool {
          rows.allowed = UnsafePointer(mask.address.assumingMemoryBound(to: UInt8.self) + at)
        } else {
          rows.added = UnsafePointer(mask.floats + at)
        }
      }
      functions.softmax(&rows)
    }
  }

  package func attentionSoftmaxGradient(_ plan: Attention, probabilities: StridedView, _ gradient: StridedView) {
    let launch = begin()
    defer { launch.end() }
    if gradient.count == 0 { return }
    let functions = tern_attention_functions_for(isa).pointee
    let (source, target) = (probabilities.floats, gradient.floats)
    forEachRange(plan.rows, elementsEach: plan.keys) { first, count in
      var rows = tern_attention_rows()
      (rows.rows, rows.keys, rows.scale) = (count, plan.keys, plan.scale)
      rows.scores = target + first * plan.keys
      rows.probabilities = UnsafePointer(source + first * plan.keys)
      functions.softmax_gradient(&rows)
    }
  }
}
