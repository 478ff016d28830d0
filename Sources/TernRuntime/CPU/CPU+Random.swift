// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func random(_ draw: RandomDraw, into y: StridedView) {
    let launch = begin()
    defer { launch.end() }
    let table = tern_random_functions_for(isa).pointee
    // Words are exact as integers, everything else as floats.
    if case .words = draw.distribution {
      let words = y.dtype == .int32 ? y : scratch(y.shape, .int32)
      fill(draw, count: y.count) { drawn, first, count in
        (words.address + first * 4).copyMemory(from: drawn, byteCount: count * 4)
      }
      if words.storage !== y.storage { widen(words, into: y) }
      return
    }
    write(y) { y in
      let target = y.floats
      fill(draw, count: y.count) { words, first, count in
        switch draw.distribution {
        case .words: break
        case .uniform(let low, let high): table.uniform(words, low, high, target + first, count)
        case .mask(let threshold): table.mask(words, threshold, target + first, count)
        case .normal(let mean, let deviation):
          // Pairs: an odd last element is the first of a pair whose second nobody wants.
          table.normal(words, mean, deviation, target + first, count & ~1)
          if count % 2 == 1 {
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 2) { pair in
              table.normal(words + count - 1, mean, deviation, pair.baseAddress!, 2)
              target[first + count - 1] = pair[0]
            }
          }
        }
      }
    }
  }

  /// Draws words in chunks and hands them to `body` with the position of their first element.
  private func fill(_ draw: RandomDraw, count: Int, _ body: (UnsafePointer<UInt32>, _ first: Int, _ count: Int) -> Void)
  {
    let table = tern_random_functions_for(isa).pointee
    let piece = 1024  // words that stay in L1
    forEachRange((count + piece - 1) / piece, elementsEach: piece) { firstPiece, pieces in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: piece) { words in
        for index in firstPiece..<firstPiece + pieces {
          let first = index * piece
          let size = min(piece, count - first)
          var stream = tern_stream(seed: draw.seed, stream: draw.stream, first_block: UInt64(first / 4))
          table.words(&stream, words.baseAddress!, (size + 3) / 4)
          body(UnsafePointer(words.baseAddress!), first, size)
        }
      }
    }
  }

  /// Zero-extends words: as signed integers they would be negative in `int64`.
  private func widen(_ words: StridedView, into y: StridedView) {
    let program = PointwiseProgram(
      inputs: [.int32], scalars: [.integer(0xffff_ffff)], instructions: [.init(.and, 0, 1)],
      outputs: [.init(register: 2, dtype: y.dtype)])
    runPointwise(program, [PointwiseOperands(inputs: [words], outputs: [y])])
  }
}
