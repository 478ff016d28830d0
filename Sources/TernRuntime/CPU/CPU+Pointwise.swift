// SPDX-License-Identifier: MIT
import CTernCPU

extension CPUBackend {
  package func pointwise(_ program: PointwiseProgram, _ operands: [PointwiseOperands]) {
    let launch = begin("pointwise(\(program.structure.operations))")
    defer { launch.end() }
    runPointwise(program, operands)
  }

  /// The same without counting, for the parts of other operations.
  func runPointwise(_ program: PointwiseProgram, _ sets: [PointwiseOperands]) {
    let rank = Int(TERN_MAX_RANK)
    let isDeep = sets.contains { $0.outputs[0].shape.count > rank }
    let operands = isDeep ? sets.flatMap { $0.pieces(rank: rank) } : sets
    let table = tern_pointwise_functions_for(isa)
    // Bytes moved and instructions cost about the same for each element; a chunk is some 20 microseconds of them.
    let cost = program.inputs.count + program.outputs.count + program.instructions.count
    let chunkSize = max(4, 256 / max(1, cost)) * Int(TERN_BLOCK)
    withUnsafeTemporaryAllocation(of: tern_program.self, capacity: 1) { decoded in
      let decoded = decoded.baseAddress!
      decoded.decode(program)
      withUnsafeTemporaryAllocation(of: PointwiseJob.self, capacity: operands.count) { jobs in
        var chunks = 0
        for (index, set) in operands.enumerated() {
          jobs.initializeElement(at: index, to: PointwiseJob(firstChunk: chunks, chunkSize: chunkSize))
          jobs.baseAddress!.advanced(by: index).prepare(decoded, set)
          chunks += jobs[index].chunkCount
        }
        let prepared = UnsafeMutableBufferPointer(rebasing: jobs[..<operands.count])
        threads.run(chunks: chunks) { chunk in
          prepared.job(ofChunk: chunk).run(table, decoded, chunk: chunk)
        }
      }
    }
  }

  /// A dense Float32 copy of `x`, or `x` itself where it is that already. The storage must be kept while it is read.
  func denseFloat(_ x: StridedView) -> StridedView { dense(x, as: .float32) }

  /// A dense copy of `x` in `dtype`, or `x` itself where it is that already.
  func dense(_ x: StridedView, as dtype: DType) -> StridedView {
    if x.dtype == dtype && x.isContiguous { return x }
    let copy = scratch(x.shape, dtype)
    convert(x, into: copy)
    return copy
  }

  /// A dense view of new memory with undefined contents.
  func scratch(_ shape: [Int], _ dtype: DType = .float32) -> StridedView {
    StridedView(allocate(byteCount: elementCount(shape) * dtype.byteCount), dtype, shape: shape)
  }

  /// Copies `x` into `y`, converting the dtype.
  func convert(_ x: StridedView, into y: StridedView) {
    runPointwise(.copy(from: x.dtype, to: y.dtype), [PointwiseOperands(inputs: [x], outputs: [y])])
  }
}

/// One set of operands, ready for the C loops, and its share of the chunks of the call.
struct PointwiseJob {
  let firstChunk: Int
  /// Positions in a chunk; in tiles, for a tiled loop.
  fileprivate var chunkSize: Int
  fileprivate var units = 0
  fileprivate var isTiled = false
  fileprivate var views = tern_operands()
  fileprivate var tiling = tern_tiling()

  init(firstChunk: Int, chunkSize: Int) {
    self.firstChunk = firstChunk
    self.chunkSize = chunkSize
  }

  var chunkCount: Int { (units + chunkSize - 1) / chunkSize }
}

extension UnsafeMutableBufferPointer<PointwiseJob> {
  /// The last job that starts at or before `chunk` and has chunks.
  fileprivate func job(ofChunk chunk: Int) -> UnsafeMutablePointer<PointwiseJob> {
    var (low, high) = (0, count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if self[middle].firstChunk <= chunk { low = middle } else { high = middle }
    }
    return baseAddress! + low
  }
}

extension UnsafeMutablePointer<PointwiseJob> {
  fileprivate func run(
    _ table: UnsafePointer<tern_pointwise_functions>, _ program: UnsafePointer<tern_program>, chunk: Int
  ) {
    let first = (chunk - pointee.firstChunk) * pointee.chunkSize
    let last = min(first + pointee.chunkSize, pointee.units)
    if pointee.isTiled {
      table.pointee.run_tiles(program, &pointee.views, &pointee.tiling, Int64(first), Int64(last))
    } else {
      table.pointee.run(program, &pointee.views, Int64(first), Int64(last))
    }
  }

  /// Fills in the views and decides how each is reached.
  fileprivate func prepare(_ program: UnsafeMutablePointer<tern_program>, _ set: PointwiseOperands) {
    let shape = set.outputs[0].shape
    let inputs = tern_operands_inputs(&pointee.views)
    let outputs = tern_operands_outputs(&pointee.views)
    pointee.units = elementCount(shape)
    if pointee.units == 0 { return }
    var isTransposed = false
    for (index, view) in set.inputs.enumerated() {
      (inputs + index).describe(view, shape)
      isTransposed = isTransposed || (inputs + index).isTransposed
    }
    for (index, view) in set.outputs.enumerated() {
      (outputs + index).describe(view, shape)
      isTransposed = isTransposed || (outputs + index).isTransposed
    }
    if isTransposed && prepareTiles(set, shape) { return }
    chooseDirectOutputs(program, set)
  }

  /// Lets instructions write outputs directly, and read inputs in place, as far as none reads what another has
  /// overwritten: an input that shares its storage with an output is in place only if nothing reads it after the output
  /// has been written.
  private func chooseDirectOutputs(_ program: UnsafeMutablePointer<tern_program>, _ set: PointwiseOperands) {
    let inputs = tern_operands_inputs(&pointee.views)
    let outputs = tern_operands_outputs(&pointee.views)
    let stored = tern_program_output(program)
    let lastUse = tern_program_last_use(program)
    let firstStep = Int(program.pointee.input_count + program.pointee.scalar_count)
    let steps = Int(program.pointee.step_count)
    for (index, output) in set.outputs.enumerated() {
      let register = Int(stored[index])
      let isFirstOfRegister = !(0..<index).contains { Int(stored[$0]) == register }
      let isLaidOut = outputs[index].access == TERN_IN_PLACE.rawValue
      let isStreamed = isLaidOut && isWorthStreaming(output, set.inputs)
      let isDirect = isLaidOut && !isStreamed && register >= firstStep && isFirstOfRegister
      if isStreamed {
        outputs[index].access = Int32(TERN_STREAMED.rawValue)
      } else if isLaidOut && !isDirect {
        outputs[index].access = Int32(TERN_DENSE.rawValue)
      }
      let written = isDirect ? register - firstStep : steps
      for (position, input) in set.inputs.enumerated() where input.storage === output.storage {
        if Int(lastUse[position]) > written || Int(lastUse[position]) == steps {
          if inputs[position].access == TERN_IN_PLACE.rawValue { inputs[position].access = Int32(TERN_DENSE.rawValue) }
        }
      }
    }
  }

  /// Whether an output would only sweep the caches (16 MiB and more), and is not in them as an input already.
  private func isWorthStreaming(_ output: StridedView, _ inputs: [StridedView]) -> Bool {
    output.dtype == .float32 && output.count >= 1 << 22 && Int(bitPattern: output.address) % 64 == 0
      && !inputs.contains { $0.storage === output.storage }
  }

  /// Sets up a loop over square tiles for views that are dense along another axis than the last.
  ///
  /// - Returns: false if the shared loop is too deep or too narrow for it.
  private func prepareTiles(_ set: PointwiseOperands, _ shape: [Int]) -> Bool {
    let views = set.inputs + set.outputs
    let loop = CollapsedLoop(views, shape: shape)
    let rank = loop.shape.count
    guard rank >= 2, rank <= Int(TERN_MAX_RANK) else { return false }
    let unitAxis = loop.strides.lazy.compactMap { strides -> Int? in
      if abs(strides[rank - 1]) <= 1 { return nil }
      return strides.dropLast().lastIndex { abs($0) == 1 }
    }.first
    guard let rowAxis = unitAxis, loop.shape[rowAxis] >= 8, loop.shape[rank - 1] >= 8 else { return false }
    pointee.tiling.rank = Int32(rank)
    pointee.tiling.row_axis = Int32(rowAxis)
    let extents = tern_tiling_shape(&pointee.tiling)
    pointee.units = 1
    for axis in 0..<rank {
      extents[axis] = Int64(loop.shape[axis])
      let step = axis == rowAxis || axis == rank - 1 ? Int(TERN_TILE) : 1
      pointee.units *= (loop.shape[axis] + step - 1) / step
    }
    let inputs = tern_operands_inputs(&pointee.views)
    let outputs = tern_operands_outputs(&pointee.views)
    for (index, strides) in loop.strides.enumerated() {
      let operand = index < set.inputs.count ? inputs + index : outputs + (index - set.inputs.count)
      if operand.pointee.access == TERN_CONSTANT.rawValue { continue }
      operand.pointee.access = Int32(TERN_STRIDED.rawValue)
      let target = tern_operand_strides(operand)
      for axis in 0..<rank { target[axis] = Int64(strides[axis]) }
    }
    pointee.chunkSize = max(1, pointee.chunkSize / Int(TERN_BLOCK))
    pointee.isTiled = true
    return true
  }
}

extension UnsafeMutablePointer<tern_operand> {
  /// Writes down a view of `shape`: dense, constant, or by its merged axes.
  fileprivate func describe(_ view: StridedView, _ shape: [Int]) {
    require(view.shape == shape, "pointwise: operands must have one shape, got \(view.shape) and \(shape)")
    pointee.base = view.address.assumingMemoryBound(to: CChar.self)
    pointee.dtype = Int32(view.dtype.rawValue)
    let extents = tern_operand_shape(self)
    let strides = tern_operand_strides(self)
    var rank = 0
    for axis in shape.indices where shape[axis] != 1 {
      let stride = Int64(view.strides[axis])
      let extent = Int64(shape[axis])
      if rank > 0 && strides[rank - 1] == stride * extent {
        extents[rank - 1] *= extent
        strides[rank - 1] = stride
        continue
      }
      extents[rank] = extent
      strides[rank] = stride
      rank += 1
    }
    pointee.rank = Int32(rank)
    if rank == 0 || (rank == 1 && strides[0] == 1) {
      let access = view.dtype.isRegister ? TERN_IN_PLACE : TERN_DENSE
      pointee.access = Int32(access.rawValue)
    } else {
      let access = rank == 1 && strides[0] == 0 ? TERN_CONSTANT : TERN_STRIDED
      pointee.access = Int32(access.rawValue)
    }
  }

  /// Whether neighbours along the last axis lie apart, but those along another one do not.
  fileprivate var isTransposed: Bool {
    let rank = Int(pointee.rank)
    guard pointee.access == TERN_STRIDED.rawValue, rank >= 2 else { return false }
    let strides = tern_operand_strides(self)
    return abs(strides[rank - 1]) > 1 && (0..<rank - 1).contains { abs(strides[$0]) == 1 }
  }
}

extension DType {
  /// Whether memory of this dtype is laid out as registers are, so that instructions can work on it in place.
  fileprivate var isRegister: Bool { self == .float32 || self == .int64 }
}

extension UnsafeMutablePointer<tern_program> {
  /// Writes a program down for the C loops.
  fileprivate func decode(_ program: PointwiseProgram) {
    initialize(to: tern_program())
    pointee.input_count = Int32(program.inputs.count)
    pointee.scalar_count = Int32(program.scalars.count)
    pointee.step_count = Int32(program.instructions.count)
    pointee.output_count = Int32(program.outputs.count)
    let isInteger = tern_program_is_integer(self)
    let scalars = tern_program_scalars(self)
    for (index, dtype) in program.inputs.enumerated() { isInteger[index] = dtype.isFloatingPoint ? 0 : 1 }
    for (index, scalar) in program.scalars.enumerated() {
      switch scalar {
      case .real(let value): scalars[index] = Int64(value.bitPattern)
      case .integer(let value): scalars[index] = value
      }
      isInteger[program.inputs.count + index] = scalar.registerClass == .integer ? 1 : 0
    }
    let steps = tern_program_steps(self)
    for (index, instruction) in program.instructions.enumerated() {
      let result = program.inputs.count + program.scalars.count + index
      steps[index] = tern_step(
        op: Int32(instruction.op.index), a: instruction.a, b: instruction.b, c: instruction.c, result: UInt8(result))
    }
    let output = tern_program_output(self)
    for (index, stored) in program.outputs.enumerated() { output[index] = UInt8(stored.register) }
    tern_program_assign(self)
  }
}
