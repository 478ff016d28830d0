// SPDX-License-Identifier: MIT

/// A small straight-line program that computes one or several output elements from the input elements at the same
/// position. It is what a chain of pointwise tensor operations becomes.
///
/// Registers are numbered: first the inputs, then the scalars, then one for each instruction. A register is either
/// *real* (Float32) or *integer* (Int64; booleans are 0 and 1). Loads convert from the view's dtype to its class,
/// stores convert back, rounding to nearest even or truncating to the integer's width.
package struct PointwiseProgram: Sendable {
  package static let maximumInstructions = 32
  package static let maximumInputs = 8
  package static let maximumOutputs = 8
  package static let maximumScalars = 16

  package struct Instruction: Sendable, Hashable {
    package let op: PointwiseOp
    /// Registers of the operands; those beyond the op's arity are 0.
    package let a, b, c: UInt8

    package init(_ op: PointwiseOp, _ a: Int, _ b: Int = 0, _ c: Int = 0) {
      self.op = op
      self.a = UInt8(a)
      self.b = UInt8(b)
      self.c = UInt8(c)
    }
  }

  package struct Output: Sendable, Hashable {
    package let register: Int
    package let dtype: DType

    package init(register: Int, dtype: DType) {
      self.register = register
      self.dtype = dtype
    }
  }

  /// A number that the program reads but that does not belong to its identity: another learning rate is the same
  /// program, so nothing is compiled again.
  package enum Scalar: Sendable, Hashable {
    case real(Float)
    case integer(Int64)

    package var registerClass: RegisterClass {
      switch self {
      case .real: .real
      case .integer: .integer
      }
    }
  }

  /// Everything that a compiled kernel depends on: the program without its scalars' values.
  package struct Structure: Sendable, Hashable {
    package let inputs: [DType]
    package let scalars: [RegisterClass]
    package let instructions: [Instruction]
    package let outputs: [Output]

    /// For people: `multiply, add`; `copy` and `fill` for programs without an instruction.
    package var operations: String {
      if instructions.isEmpty { return inputs.isEmpty ? "fill" : "copy" }
      return instructions.map(\.op.name).joined(separator: ", ")
    }
  }

  package var inputs: [DType]
  package var scalars: [Scalar]
  package var instructions: [Instruction]
  package var outputs: [Output]

  package init(inputs: [DType], scalars: [Scalar] = [], instructions: [Instruction], outputs: [Output]) {
    self.inputs = inputs
    self.scalars = scalars
    self.instructions = instructions
    self.outputs = outputs
  }

  package var registerCount: Int { inputs.count + scalars.count + instructions.count }

  package var structure: Structure {
    Structure(
      inputs: inputs, scalars: scalars.map(\.registerClass), instructions: instructions, outputs: outputs)
  }

  package func registerClass(_ register: Int) -> RegisterClass {
    if register < inputs.count { return RegisterClass(of: inputs[register]) }
    let scalar = register - inputs.count
    if scalar < scalars.count { return scalars[scalar].registerClass }
    return instructions[scalar - scalars.count].op.resultClass
  }

  /// Copies its one input, converting the dtype.
  package static func copy(from input: DType, to output: DType) -> PointwiseProgram {
    let (from, to) = (RegisterClass(of: input), RegisterClass(of: output))
    if from == to {
      return PointwiseProgram(inputs: [input], instructions: [], outputs: [Output(register: 0, dtype: output)])
    }
    return PointwiseProgram(
      inputs: [input], instructions: [Instruction(.conversion(to: output), 0)],
      outputs: [Output(register: 1, dtype: output)])
  }

  /// Fills the output with one number.
  package static func fill(_ scalar: Scalar, dtype: DType) -> PointwiseProgram {
    PointwiseProgram(
      inputs: [], scalars: [scalar], instructions: [], outputs: [Output(register: 0, dtype: dtype)])
  }
}

/// The two kinds of register: Float32, and Int64 for `int32`, `int64` and `bool`.
package enum RegisterClass: UInt8, Sendable, Hashable {
  case real, integer

  package init(of dtype: DType) { self = dtype.isFloatingPoint ? .real : .integer }
}

/// One set of arguments of a program: views in the program's order, all of one shape.
package struct PointwiseOperands: Sendable {
  package let inputs: [StridedView]
  package let outputs: [StridedView]

  package init(inputs: [StridedView], outputs: [StridedView]) {
    self.inputs = inputs
    self.outputs = outputs
  }

  /// The same work in sets whose views each need at most `rank` nested loops. Sets are independent, so nothing has to
  /// be copied for it.
  package func pieces(rank: Int) -> [PointwiseOperands] {
    let (views, shape) = (inputs + outputs, outputs[0].shape)
    if shape.count <= rank { return [self] }
    for view in views {
      require(view.shape == shape, "pointwise: operands must have one shape, got \(view.shape) and \(shape)")
    }
    if views.allSatisfy({ CollapsedLoop([$0], shape: shape).shape.count <= rank }) { return [self] }
    let loop = CollapsedLoop(views, shape: shape)
    let (axes, starts) = loop.pieces(rank: rank)
    let extents = axes.map { loop.shape[$0] }
    return starts.map { start in
      let parts = views.indices.map { index in
        views[index].viewed(
          shape: extents, strides: axes.map { loop.strides[index][$0] }, offset: views[index].offset + start[index])
      }
      return PointwiseOperands(
        inputs: Array(parts[..<inputs.count]), outputs: Array(parts[inputs.count...]))
    }
  }
}
