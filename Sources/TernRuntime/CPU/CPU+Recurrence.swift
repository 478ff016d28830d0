// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func recurrence(
    _ plan: Recurrence, weight: StridedView, hiddenBias: StridedView?, _ memory: Recurrence.Memory
  ) {
    let launch = begin()
    defer { launch.end() }
    if plan.batch == 0 || plan.size == 0 { return }
    let run = RecurrentRun(self, plan, memory)
    let gates = plan.cell.gates
    // The transposed weights, the gates of some units next to each other: what a thread needs at a time.
    let matrix = weight.matrix(row: 1, column: 0)
    PackedWeights.with(matrix, isa, depth: plan.size, columns: plan.size, blocks: gates, rows: plan.batch) { weights in
      let product = plan.cell == .gru ? scratch([plan.batch, plan.width]) : nil
      let (products, bias) = (product?.floats, hiddenBias?.floats)
      for time in plan.order {
        let state = UnsafePointer(run.states + plan.slot(before: time) * plan.batch * plan.size)
        run.forEachChunk(threads, weights) { panels, units in
          let target = products ?? run.gates! + time * plan.batch * plan.width
          for panel in panels {
            for gate in 0..<gates {
              let column = gate * plan.size + panel * weights.width
              weights.multiply(
                state, panel, block: gate, into: target + column, step: plan.width, bias: bias.map { $0 + column },
                accumulates: products == nil)
            }
          }
          var step = run.step(time, units)
          step.product = products.map { UnsafePointer($0 + units.lowerBound) }
          run.forward(&step)
        }
      }
      withExtendedLifetime((product, hiddenBias)) {}
    }
    withExtendedLifetime(run) {}
  }

  package func recurrenceGradient(
    _ plan: Recurrence, weight: StridedView, _ memory: Recurrence.Memory, dStates: StridedView,
    into gradients: Recurrence.Gradients
  ) {
    let launch = begin()
    defer { launch.end() }
    if plan.batch == 0 || plan.size == 0 { return }
    let run = RecurrentRun(self, plan, memory)
    let carry = gradients.dState.floats
    carry.update(repeating: 0, count: plan.batch * plan.size)
    // What the state's gradient is multiplied from.
    let source = (gradients.dHidden ?? gradients.dGates).floats
    let (size, width, rows) = (plan.size, plan.width, plan.batch)
    let (dGates, dHidden, dCell) = (gradients.dGates.floats, gradients.dHidden?.floats, gradients.dCell?.floats)
    let dStates = dStates.floats
    let matrix = weight.matrix(row: 0, column: 1)
    PackedWeights.with(matrix, isa, depth: width, columns: size, blocks: 1, rows: rows) { weights in
      var later: UnsafePointer<Float>?
      for time in plan.order.reversed() {
        run.forEachChunk(threads, weights) { panels, units in
          if let later { weights.multiply(later, panels, into: carry, step: size) }
          let unit = units.lowerBound
          var step = run.step(time, units)
          step.d_state = UnsafePointer(dStates + plan.slot(of: time) * rows * size + unit)
          step.carry = carry + unit
          step.d_cell = dCell.map { $0 + unit }
          step.d_gates = dGates + time * rows * width + unit
          step.d_hidden = dHidden.map { $0 + time * rows * width + unit }
          run.backward(&step)
        }
        later = UnsafePointer(source + time * rows * width)
      }
      guard let later else { return }
      run.forEachChunk(threads, weights) { panels, _ in weights.multiply(later, panels, into: carry, step: size) }
    }
    withExtendedLifetime(run) {}
  }
}

/// The arrays of a recurrent layer on the CPU, and the loops of its cell.
private final class RecurrentRun {
  let gates: UnsafeMutablePointer<Float>?
  let states: UnsafeMutablePointer<Float>
  private let plan: Recurrence
  private let memory: Recurrence.Memory
  private let cells, candidates: UnsafeMutablePointer<Float>?
  private let lengths: UnsafePointer<Int32>?
  private let functions: tern_recurrent_functions

  init(_ backend: CPUBackend, _ plan: Recurrence, _ memory: Recurrence.Memory) {
    (self.plan, self.memory) = (plan, memory)
    functions = tern_recurrent_functions_for(backend.isa).pointee
    gates = memory.gates?.floats
    states = memory.states.floats
    (cells, candidates) = (memory.cells?.floats, memory.candidates?.floats)
    lengths = memory.lengths.map { UnsafePointer($0.address.assumingMemoryBound(to: Int32.self)) }
  }

  func step(_ time: Int, _ units: Range<Int>) -> tern_recurrent_step {
    let unit = units.lowerBound
    var step = tern_recurrent_step()
    (step.rows, step.units, step.size, step.width) = (plan.batch, units.count, plan.size, plan.width)
    (step.time, step.lengths) = (Int64(time), lengths)
    let slotCount = plan.batch * plan.size
    let (before, after) = (plan.slot(before: time) * slotCount + unit, plan.slot(of: time) * slotCount + unit)
    step.gates = gates.map { $0 + time * plan.batch * plan.width + unit }
    step.before = UnsafePointer(states + before)
    step.state = states + after
    step.cell_before = cells.map { UnsafePointer($0 + before) }
    step.cell = cells.map { $0 + after }
    step.candidate = candidates.map { $0 + time * slotCount + unit }
    return step
  }

  /// Cuts the panels of a step into a chunk for each thread, and fewer when there is little work in them. What is
  /// computed for a unit does not depend on the cut. A chunk's gates follow its products, in rows as long as they get:
  /// panel by panel they would be read in bits that are far apart.
  func forEachChunk(
    _ threads: ThreadPool, _ weights: PackedWeights, _ body: (_ panels: Range<Int>, _ units: Range<Int>) -> Void
  ) {
    let work = plan.batch * plan.width * plan.size
    let panels = weights.panels
    let chunks = max(1, min(panels, threads.threadCount, 2 * work / MatrixProduct.chunkWork))
    threads.run(chunks: chunks) { chunk in
      let range = panels * chunk / chunks..<panels * (chunk + 1) / chunks
      body(range, range.lowerBound * weights.width..<min(range.upperBound * weights.width, plan.size))
    }
  }

  func forward(_ step: inout tern_recurrent_step) {
    switch plan.cell {
    case .tanh: functions.tanh_step(&step)
    case .relu: functions.relu_step(&step)
    case .lstm: functions.lstm_step(&step)
    case .gru: functions.gru_step(&step)
    }
  }

  func backward(_ step: inout tern_recurrent_step) {
    switch plan.cell {
    case .tanh: functions.tanh_gradient(&step)
    case .relu: functions.relu_gradient(&step)
    case .lstm: functions.lstm_gradient(&step)
    case .gru: functions.gru_gradient(&step)
    }
  }
}

/// A matrix `[depth, blocks * columns]` that is packed once for products with many left operands, dense
/// `[rows, depth]`: panel by panel, the panels of all blocks of the same columns next to each other.
private struct PackedWeights {
  let panels: Int
  let width: Int
  private let functions: tern_gemm_functions
  private let depth, count, blocks, rows: Int
  private let packed: UnsafeMutablePointer<Float>

  /// - Parameter rows: of the left operands.
  static func with(
    _ matrix: tern_matrix, _ isa: tern_isa, depth: Int, columns: Int, blocks: Int, rows: Int,
    _ body: (PackedWeights) -> Void
  ) {
    let functions = tern_gemm_functions_for(isa).pointee
    let width = Int(functions.columns)
    let panels = (columns + width - 1) / width
    ScratchPool.shared.withFloats(panels * blocks * width * depth) { packed in
      let weights = PackedWeights(
        panels: panels, width: width, functions: functions, depth: depth, count: columns, blocks: blocks, rows: rows,
        packed: packed)
      var matrix = matrix
      for panel in 0..<panels {
        for block in 0..<blocks {
          functions.pack_columns(
            &matrix, block * columns + panel * width, weights.columns(of: panel), 0, depth, weights.start(panel, block))
        }
      }
      body(weights)
    }
  }

  private func start(_ panel: Int, _ block: Int) -> UnsafeMutablePointer<Float> {
    packed + (panel * blocks + block) * width * depth
  }

  /// How many columns of a panel are some of the matrix.
  func columns(of panel: Int) -> Int { min(width, count - panel * width) }

  /// `target (+)= left operand · panel (+ bias)`.
  func multiply(
    _ left: UnsafePointer<Float>, _ panel: Int, block index: Int = 0, into target: UnsafeMutablePointer<Float>,
    step: Int, bias: UnsafePointer<Float>? = nil, accumulates: Bool
  ) {
    MatrixProduct.forEachDepth(of: depth) { start, count in
      var block = tern_gemm_block()
      (block.m, block.n, block.k) = (rows, columns(of: panel), count)
      (block.a, block.a_step) = (left + start, depth)
      block.b = UnsafePointer(self.start(panel, index) + start * width)
      (block.b_step, block.b_panel_step) = (width, width * count)
      (block.c, block.c_step) = (target, step)
      block.column_bias = start == 0 ? bias : nil
      block.accumulate = accumulates || start > 0
      functions.multiply_row_major(&block)
    }
  }

  /// Adds the left operand's products with some panels of the only block.
  func multiply(
    _ left: UnsafePointer<Float>, _ panels: Range<Int>, into target: UnsafeMutablePointer<Float>, step: Int
  ) {
    for panel in panels { multiply(left, panel, into: target + panel * width, step: step, accumulates: true) }
  }
}
