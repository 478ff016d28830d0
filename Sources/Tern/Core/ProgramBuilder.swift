// SPDX-License-Identifier: MIT
import TernRuntime

/// Flattens pending values into one straight-line program. Shared parts and equal inputs appear once.
struct ProgramBuilder {
  private enum Source {
    case input(Int)
    case scalar(Int)
    case instruction(Int)
  }

  private(set) var inputs: [StridedView] = []
  private(set) var scalars: [PointwiseProgram.Scalar] = []
  private var instructions: [(op: PointwiseOp, operands: [Source])] = []
  private var placed: [ObjectIdentifier: Source] = [:]
  /// Pending values in the order of their instructions, with the number of times that this program reads each.
  private(set) var computed: [(value: Value, uses: Int)] = []
  private var positions: [ObjectIdentifier: Int] = [:]

  /// Adds everything that `value` needs.
  mutating func add(_ value: Value) { _ = place(value) }

  /// Whether `value` is computed on the way to what was added.
  func computes(_ value: Value) -> Bool { positions[ObjectIdentifier(value)] != nil }

  var fits: Bool {
    instructions.count <= PointwiseProgram.maximumInstructions && inputs.count <= PointwiseProgram.maximumInputs
      && scalars.count <= PointwiseProgram.maximumScalars
  }

  /// Whether all pending work that reads `value` is part of this program, and reads it element by element.
  func isSoleReader(of value: Value) -> Bool {
    guard case .ready(let storage) = value.snapshot, inputs.count(where: { $0.storage === storage }) == 1 else {
      return false
    }
    var reads = 0
    for (reader, _) in computed {
      guard case .pending(let recipe) = reader.snapshot else { return false }
      recipe.forEachValue { if $0 === value { reads += 1 } }
    }
    return reads == value.consumerCount
  }

  /// The finished program, writing `outputs`, which have all been added and are pending.
  func program(writing outputs: [Value]) -> PointwiseProgram {
    func register(_ source: Source) -> Int {
      switch source {
      case .input(let index): index
      case .scalar(let index): inputs.count + index
      case .instruction(let index): inputs.count + scalars.count + index
      }
    }
    return PointwiseProgram(
      inputs: inputs.map(\.dtype), scalars: scalars,
      instructions: instructions.map { instruction in
        let registers = instruction.operands.map(register) + [0, 0]
        return .init(instruction.op, registers[0], registers[1], instruction.operands.count > 2 ? registers[2] : 0)
      },
      outputs: outputs.map { .init(register: register(placed[ObjectIdentifier($0)]!), dtype: $0.dtype) })
  }

  private mutating func place(_ value: Value) -> Source {
    let identity = ObjectIdentifier(value)
    if let source = placed[identity] {
      if let position = positions[identity] { computed[position].uses += 1 }
      return source
    }
    let source: Source
    switch value.snapshot {
    case .ready(let storage): source = place(StridedView(storage, value.dtype, shape: value.shape))
    case .constant(let scalar): source = place(scalar)
    case .pending(let recipe):
      let operands = recipe.operands.map { operand in
        switch operand {
        case .value(let value): place(value)
        case .view(let view): place(view)
        case .scalar(let scalar): place(scalar)
        }
      }
      source = .instruction(instructions.count)
      instructions.append((recipe.op, operands))
      positions[identity] = computed.count
      computed.append((value, 1))
    }
    placed[identity] = source
    return source
  }

  private mutating func place(_ view: StridedView) -> Source {
    let known = inputs.firstIndex {
      $0.storage === view.storage && $0.offset == view.offset && $0.dtype == view.dtype && $0.strides == view.strides
    }
    if let known { return .input(known) }
    inputs.append(view)
    return .input(inputs.count - 1)
  }

  private mutating func place(_ scalar: PointwiseProgram.Scalar) -> Source {
    scalars.append(scalar)
    return .scalar(scalars.count - 1)
  }
}
