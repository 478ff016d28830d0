// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  /// Elements that one work-item of a CPU device runs through at least; a launch of fewer is one work-item.
  private static let shortestRun = 4096
  private static let longestRun = 1 << 16
  /// Work-items of a group on devices that are no CPUs.
  private static let groupSize = 256

  package func pointwise(_ program: PointwiseProgram, _ operands: [PointwiseOperands]) {
    let program = program.withConversions
    let structure = program.structure
    // Sets of one class go together; the order of the others does not matter, because sets are independent.
    var classes: [PointwiseKernels.Key: [PointwiseLayout]] = [:]
    var order: [PointwiseKernels.Key] = []
    for set in operands {
      guard let set = withoutTransposedInputs(program, set) else { continue }
      let whole = PointwiseLayout(set)
      guard whole.count > 0 else { continue }
      for layout in whole.pieces(rank: maximumRank(program, views: whole.views.count)) {
        let key = PointwiseKernels.Key(structure, layout, on: self)
        if classes[key] == nil { order.append(key) }
        classes[key, default: []].append(layout)
      }
    }
    do throws(TernError) {
      for key in order { try run(program, key, classes[key]!) }
    } catch {
      queue.fail(error)
      for view in operands.flatMap(\.outputs) { view.storage.mark(isEnqueued: false) }
    }
  }

  private func run(
    _ program: PointwiseProgram, _ key: PointwiseKernels.Key, _ layouts: [PointwiseLayout]
  ) throws(TernError) {
    let elements = layouts.reduce(0) { $0 + $1.count }
    guard pointwiseKernels.isWorthCompiling(key, sets: layouts.count, elements: elements) else {
      for layout in layouts { try interpret(program, layout) }
      return
    }
    // Few bytes of arguments hold the tables of a launch over several sets, so they are 32 bits wide.
    let fits = { (layout: PointwiseLayout) in
      layout.count <= 1 << 30 && layout.offsets.allSatisfy { (0...Int(Int32.max)).contains($0) }
    }
    guard layouts.count > 1, key.layout.isLinear, !key.isStreamed, layouts.allSatisfy(fits) else {
      for layout in layouts { try runCompiled(program, key, layout) }
      return
    }
    let capacity = setCapacity(program, views: key.layout.steps.count)
    for first in stride(from: 0, to: layouts.count, by: capacity) {
      let part = Array(layouts[first..<min(first + capacity, layouts.count)])
      try runCompiled(program, key, part)
    }
  }

  // MARK: The three kernels

  private func interpret(_ program: PointwiseProgram, _ layout: PointwiseLayout) throws(TernError) {
    let kernel = try pointwiseKernels.interpreter()
    let run = isCPUDevice ? runLength(layout.count) : 1
    var arguments = layout.views[..<program.inputs.count].map { KernelArgument.buffer($0) }
    arguments += layout.outputPlaces.map { .buffer(layout.views[$0]) }
    // Pointers that the program does not use must be something.
    arguments += repeatElement(arguments.last!, count: PointwiseInterpreter.operands - arguments.count)
    var bytes = StructBytes()
    bytes.append(PointwiseInterpreter.descriptor(program, layout, run: run))
    let items = (layout.count + run - 1) / run
    launch(
      kernel, title: "interpret(\(program.structure.operations))", global: [items], local: [isCPUDevice ? 1 : 64],
      arguments + [.bytes(bytes.padded)])
  }

  private func runCompiled(
    _ program: PointwiseProgram, _ key: PointwiseKernels.Key, _ layout: PointwiseLayout
  ) throws(TernError) {
    let kernel = try pointwiseKernels.compiled(key, sets: 0)
    let run = runLength(layout.count)
    var bytes = StructBytes()
    bytes.append(run)
    bytes.append(layout.count)
    bytes.append(layout.shape)
    bytes.append(layout.offsets)
    for strides in layout.strides { bytes.append(strides) }
    bytes.appendScalars(of: program, .integer)
    bytes.appendScalars(of: program, .real)
    let perItem = isCPUDevice ? run : PointwiseSource.elementsPerItem(key.layout)
    launch(
      kernel, global: [(layout.count + perItem - 1) / perItem], local: [isCPUDevice ? 1 : Self.groupSize],
      layout.views.map { .buffer($0) } + [.bytes(bytes.padded)])
  }

  private func runCompiled(
    _ program: PointwiseProgram, _ key: PointwiseKernels.Key, _ layouts: [PointwiseLayout]
  ) throws(TernError) {
    let kernel = try pointwiseKernels.compiled(key, sets: layouts.count)
    let run = runLength(layouts.reduce(0) { $0 + $1.count })
    let perGroup = isCPUDevice ? run : Self.groupSize * PointwiseSource.elementsPerItem(key.layout)
    var first: [Int] = []
    var groups = 0
    for layout in layouts {
      first.append(groups)
      groups += (layout.count + perGroup - 1) / perGroup
    }
    var bytes = StructBytes()
    bytes.append(run)
    bytes.appendScalars(of: program, .integer)
    for number in first { bytes.append(int: number) }
    for layout in layouts { bytes.append(int: layout.count) }
    for offset in layouts.map(\.offsets).joined() { bytes.append(int: offset) }
    bytes.appendScalars(of: program, .real)
    let local = isCPUDevice ? 1 : Self.groupSize
    launch(
      kernel, global: [groups * local], local: [local],
      layouts.flatMap { $0.views.map { .buffer($0) } } + [.bytes(bytes.padded)])
  }

  // MARK: Sizes

  /// Elements of one work-item on a CPU device: a few for each core, long enough to pay for the call.
  private func runLength(_ count: Int) -> Int {
    let share = (count + 8 * computeUnits - 1) / (8 * computeUnits)
    return min(max((share + 63) / 64 * 64, Self.shortestRun), Self.longestRun)
  }

  /// The most axes whose geometry fits both the interpreter's descriptor and a kernel's arguments.
  private func maximumRank(_ program: PointwiseProgram, views: Int) -> Int {
    // Longs: run, count, an offset for each view, scalars; a pointer for each view; then each axis 1 + views.
    let fixed = 2 + 2 * views + program.scalars.count
    let compiled = (info.maxParameterBytes / 8 - fixed) / (1 + views)
    return min(compiled, PointwiseInterpreter.maximumRank(program))
  }

  /// How many sets of `views` fit the arguments of one launch.
  private func setCapacity(_ program: PointwiseProgram, views: Int) -> Int {
    let fixed = 16 + 8 * program.scalars.count
    return max(1, (info.maxParameterBytes - fixed) / (12 * views + 8))
  }
}

extension PointwiseKernels.Key {
  init(_ structure: PointwiseProgram.Structure, _ layout: PointwiseLayout, on backend: OpenCLBackend) {
    let isStreamed =
      backend.isCPUDevice && PointwiseSource.isWorthStreaming(structure, layout, least: backend.leastStreamed)
    self.init(structure: structure, layout: PointwiseLayoutClass(layout), isStreamed: isStreamed)
  }
}

extension StructBytes {
  mutating func appendScalars(of program: PointwiseProgram, _ kind: RegisterClass) {
    for scalar in program.scalars where scalar.registerClass == kind {
      switch scalar {
      case .real(let value): append(value)
      case .integer(let value): append(Int(value))
      }
    }
  }
}
