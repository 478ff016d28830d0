// SPDX-License-Identifier: MIT
import TernKernels

/// Text and arguments of the interpreter kernel in `Kernels/pointwise.cl`.
enum PointwiseInterpreter {
  /// Words of the descriptor. With 16 pointers it fills the 1,024 bytes of arguments that every device accepts.
  static let words = 110
  static let operands = PointwiseProgram.maximumInputs + PointwiseProgram.maximumOutputs

  /// The kernel's text: a case for each row of tern_pointwise.def, then the file.
  static let text: String = {
    let names = [RegisterClass.real: "real", .integer: "integer"]
    let cases = (0..<Int32(TERN_OP_COUNT.rawValue)).map { code in
      let row = tern_op_rows(code).pointee
      let classes = [row.result, row.operand.0, row.operand.1, row.operand.2].prefix(Int(row.arity) + 1)
      let words = classes.map { names[$0 == TERN_REAL ? .real : .integer]! } + [String(cString: row.expression)]
      return "CASE\(row.arity)(\(code), \(words.joined(separator: ", ")))"
    }
    return "#define CASES \(cases.joined(separator: " "))\n" + (ProgramCache.embedded("pointwise.cl") ?? "")
  }()

  /// The most axes that the descriptor has room for; at least 3.
  static func maximumRank(_ program: PointwiseProgram) -> Int {
    let operands = program.inputs.count + program.outputs.count
    let fixed = 6 + operands + program.scalars.count + (program.instructions.count + 1) / 2
    return (words - fixed) / (operands + 1)
  }

  /// The program and the geometry as the kernel reads them:
  ///
  ///     0  counts: instructions, inputs, scalars, outputs, rank; a byte each, lowest first
  ///     1  elements   2  elements of one work-item
  ///     3  dtypes of the operands, 4 bits each   4  registers of the outputs, 8 bits each
  ///     5  bit i: whether scalar i is real
  ///     6  extents; for each operand its offset and strides; scalars; instructions, two to a word
  static func descriptor(_ program: PointwiseProgram, _ layout: PointwiseLayout, run: Int) -> [Int] {
    let counts = [
      program.instructions.count, program.inputs.count, program.scalars.count, program.outputs.count,
      layout.shape.count,
    ]
    let dtypes = program.inputs + program.outputs.map(\.dtype)
    let reals = program.scalars.map { $0.registerClass == .real ? 1 : 0 }
    var result = [
      pack(counts, bits: 8), layout.count, run, pack(dtypes.map { Int($0.rawValue) }, bits: 4),
      pack(program.outputs.map(\.register), bits: 8), pack(reals, bits: 1),
    ]
    result += layout.shape
    for place in Array(program.inputs.indices) + layout.outputPlaces {
      result.append(layout.offsets[place])
      result += layout.strides[place]
    }
    for scalar in program.scalars {
      switch scalar {
      case .real(let value): result.append(Int(value.bitPattern))
      case .integer(let value): result.append(Int(value))
      }
    }
    let code = program.instructions.map { pack([$0.op.index, Int($0.a), Int($0.b), Int($0.c)], bits: 8) }
    for first in stride(from: 0, to: code.count, by: 2) {
      result.append(pack(Array(code[first..<min(first + 2, code.count)]), bits: 32))
    }
    require(result.count <= words, "pointwise: the interpreter's descriptor has \(words) words, needs \(result.count)")
    return result + repeatElement(0, count: words - result.count)
  }

  private static func pack(_ numbers: [Int], bits: Int) -> Int {
    numbers.enumerated().reduce(0) { $0 | $1.element << ($1.offset * bits) }
  }
}

extension PointwiseProgram {
  /// The same program with explicit conversions where an output's register is not of its dtype's class.
  var withConversions: PointwiseProgram {
    var program = self
    program.outputs = outputs.map { output in
      let (from, to) = (registerClass(output.register), RegisterClass(of: output.dtype))
      guard from != to else { return output }
      program.instructions.append(Instruction(.conversion(to: output.dtype), output.register))
      return Output(register: program.registerCount - 1, dtype: output.dtype)
    }
    return program
  }
}
