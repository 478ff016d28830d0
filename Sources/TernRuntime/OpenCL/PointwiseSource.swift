// SPDX-License-Identifier: MIT
import TernKernels

/// Writes the kernel of one pointwise program: straight-line code over one class of layouts.
///
/// On CPU devices one work-item runs through a stretch of elements, row by row, so that the compiler's loop vectorizer
/// works. Elsewhere one work-item takes four neighbours (linear layouts) or one element. With `sets` above 0 the kernel
/// takes that many sets of operands, and each work-group finds its set in a table of first groups.
struct PointwiseSource {
  let structure: PointwiseProgram.Structure
  let layout: PointwiseLayoutClass
  let sets: Int
  let isCPUDevice: Bool
  /// Whether results pass the caches by; see `isWorthStreaming`. For one set on a CPU device.
  var isStreamed = false

  /// The names of all kernels that this writes for one type of device.
  static func kernelNames(isCPUDevice: Bool) -> [String] {
    isCPUDevice
      ? ["pointwise_rows", "pointwise_rows_of_sets", "pointwise_streamed"]
      : ["pointwise_linear", "pointwise_linear_of_sets", "pointwise_strided"]
  }

  var kernelName: String {
    if isStreamed { return "pointwise_streamed" }
    return (isCPUDevice ? "pointwise_rows" : layout.isLinear ? "pointwise_linear" : "pointwise_strided")
      + (sets > 0 ? "_of_sets" : "")
  }

  private static let streamedBlock = 1024

  /// Whether the results of a launch on a CPU device would only sweep its caches: they are dense and many, and the
  /// program does little enough for memory to be what it waits for. A line that is stored past the cache is not read
  /// first, so an addition moves three quarters of the bytes.
  ///
  /// - Parameter least: elements from which a result is no longer in the caches when something reads it.
  static func isWorthStreaming(_ structure: PointwiseProgram.Structure, _ layout: PointwiseLayout, least: Int) -> Bool {
    let areDense = zip(structure.outputs, layout.outputPlaces).allSatisfy { output, place in
      // What was an input, too, is in the caches when it is stored.
      output.dtype == .float32 && place >= structure.inputs.count && layout.strides[place] == [1]
        && layout.offsets[place] * MemoryLayout<Float>.size % 64 == 0
    }
    return areDense && layout.count >= least && structure.instructions.count <= layout.views.count
  }

  /// Elements of a work-item on devices that are no CPUs.
  static func elementsPerItem(_ layout: PointwiseLayoutClass) -> Int { layout.isLinear ? 4 : 1 }

  var text: String {
    [arguments, operations, element, kernel].joined(separator: "\n")
  }

  // MARK: Names

  var inputs: Range<Int> { structure.inputs.indices }
  private var outputs: Range<Int> { structure.outputs.indices }
  private var places: Range<Int> { layout.steps.indices }

  /// The dtype of the view at a place.
  private func dtype(_ place: Int) -> DType {
    place < structure.inputs.count
      ? structure.inputs[place] : structure.outputs[layout.outputPlaces.firstIndex(of: place)!].dtype
  }

  private func pointer(_ place: Int) -> String {
    let constant = layout.outputPlaces.contains(place) ? "" : "const "
    return "__global \(constant)STORAGE(\(dtype(place))) *"
  }

  func scalarType(_ index: Int) -> String { structure.scalars[index] == .real ? "float" : "long" }

  private func registerType(_ register: Int) -> String {
    if register < structure.inputs.count { return "VALUE(\(structure.inputs[register]))" }
    let scalar = register - structure.inputs.count
    if scalar < structure.scalars.count { return scalarType(scalar) }
    return structure.instructions[scalar - structure.scalars.count].op.resultClass == .real ? "float" : "long"
  }

  // MARK: Parts

  /// The struct that carries the geometry and the scalars; `PointwiseArguments` writes its bytes.
  private var arguments: String {
    let geometry =
      sets > 0
      ? "  int first[\(sets)], count[\(sets)], offset[\(sets)][\(places.count)];\n"
      : """
        long count, extent[\(layout.rank)], offset[\(places.count)], stride[\(places.count)][\(layout.rank)];

      """
    let longs = "  long run;\n" + (sets > 0 ? "" : geometry) + scalars(.integer)
    return "typedef struct {\n\(longs)\(sets > 0 ? geometry : "")\(scalars(.real))} arguments;\n"
  }

  /// Fields for the scalars of one kind.
  func scalars(_ kind: RegisterClass) -> String {
    structure.scalars.indices.filter { structure.scalars[$0] == kind }
      .map { "  \(scalarType($0)) s\($0);\n" }.joined()
  }

  /// A function for each operation that the program uses.
  var operations: String {
    var written = Set<Int>()
    return structure.instructions.map(\.op).filter { written.insert($0.index).inserted }.map { op in
      let parameters = zip(op.operandClasses, ["a", "b", "c"]).map { ($0 == .real ? "float " : "long ") + $1 }
      let result = op.resultClass == .real ? "float" : "long"
      return """
        static inline \(result) op_\(op.name)(\(parameters.joined(separator: ", "))) { return \(op.expression); }

        """
    }.joined()
  }

  /// The program for one element: `element(inputs, scalars, &outputs)`.
  var element: String {
    let constants = structure.inputs.count..<structure.inputs.count + structure.scalars.count
    let parameters =
      (0..<constants.upperBound).map { "const \(registerType($0)) r\($0)" }
      + outputs.map { "VALUE(\(structure.outputs[$0].dtype)) *y\($0)" }
    let lines = structure.instructions.enumerated().map { index, instruction in
      let register = constants.upperBound + index
      let operands = [instruction.a, instruction.b, instruction.c].prefix(instruction.op.arity)
      return "  const \(registerType(register)) r\(register) = "
        + "op_\(instruction.op.name)(\(operands.map { "r\($0)" }.joined(separator: ", ")));\n"
    }
    let results = outputs.map { "  *y\($0) = r\(structure.outputs[$0].register);\n" }
    return "static inline void element(\(parameters.joined(separator: ", "))) {\n"
      + lines.joined() + results.joined() + "}\n"
  }

  private var kernel: String {
    let pointers = (0..<max(1, sets)).flatMap { set in places.map { "\(pointer($0))p\(set)_\($0)" } }
    return """
      __kernel void \(kernelName)(\(pointers.joined(separator: ", ")), const arguments a) {
      \(sets > 0 ? setSelection : "  const long count = a.count, group = get_group_id(0);\n" + places.map {
        "  \(pointer($0))q\($0) = p0_\($0) + a.offset[\($0)];\n"
      }.joined())\(isCPUDevice ? runOfElements : layout.isLinear ? fourElements : oneElement)}

      """
  }

  /// `q` becomes the pointers of the set that the work-group belongs to, `group` its number in the set.
  private var setSelection: String {
    let sum = (1..<sets).map { " + (number >= a.first[\($0)])" }.joined()
    let cases = (0..<sets).map { set in
      let pointers = places.map { "q\($0) = p\(set)_\($0) + a.offset[\(set)][\($0)];" }
      return "    case \(set): count = a.count[\(set)]; group = number - a.first[\(set)]; "
        + pointers.joined(separator: " ") + " break;\n"
    }
    return """
        const int number = (int)get_group_id(0), set = 0\(sum);
        long count = 0, group = 0;
      \(places.map { "  \(pointer($0))q\($0) = p0_\($0);\n" }.joined())  switch (set) {
      \(cases.joined())  }

      """
  }

  // MARK: Loops

  /// Call of `element`, with `load` giving each input's value and `result` the name of each output's variable.
  private func call(load: (Int) -> String, result: (Int) -> String) -> String {
    let arguments =
      inputs.map(load) + structure.scalars.indices.map { "a.s\($0)" } + outputs.map { "&" + result($0) }
    return "element(\(arguments.joined(separator: ", ")));"
  }

  private func declareResults(_ name: (Int) -> String) -> String {
    outputs.map { "VALUE(\(structure.outputs[$0].dtype)) \(name($0));" }.joined(separator: " ")
  }

  /// Declares the values of inputs that do not move along the innermost axis.
  private func repeatedLoads(from base: (Int) -> String) -> String {
    inputs.filter { layout.steps[$0] == .repeated }
      .map { "const VALUE(\(dtype($0))) h\($0) = LOAD(\(dtype($0)), \(base($0)), 0);" }.joined(separator: " ")
  }

  /// One element of a row: `index` is its number in the row.
  private func rowElement(_ base: (Int) -> String, index: String) -> String {
    let stores = outputs.map { output in
      let place = layout.outputPlaces[output]
      return "STORE(\(dtype(place)), \(base(place)), \(at(place, index)), y\(output));"
    }
    return computed(base, index: index) + " " + stores.joined(separator: " ")
  }

  /// The variables `y` with the results of one element of a row.
  private func computed(_ base: (Int) -> String, index: String) -> String {
    let load = { (i: Int) -> String in
      layout.steps[i] == .repeated ? "h\(i)" : "LOAD(\(dtype(i)), \(base(i)), \(at(i, index)))"
    }
    return "\(declareResults { "y\($0)" }) \(call(load: load) { "y\($0)" })"
  }

  /// The place of an element in its row's memory.
  private func at(_ place: Int, _ index: String) -> String {
    switch layout.steps[place] {
    case .repeated: "0"
    case .dense: index
    case .strided: "(\(index)) * step\(place)"
    }
  }

  /// CPU devices: elements `group * run` and on, row by row.
  private var runOfElements: String {
    let row = layout.rank - 1
    let extent = { (axis: Int) in sets > 0 ? "count" : "a.extent[\(axis)]" }
    let steps = places.filter { layout.steps[$0] == .strided }
      .map { "  const long step\($0) = a.stride[\($0)][\(row)];\n" }.joined()
    let starts = places.map { place in
      let column = ["", " + column", " + column * step\(place)"][Int(layout.steps[place].rawValue)]
      return "    \(pointer(place))x\(place) = q\(place)\(column);\n"
    }.joined()
    let outer = (0..<row).reversed().map { axis in
      let moves = places.map { "x\($0) += index * a.stride[\($0)][\(axis)];" }.joined(separator: " ")
      return """
            {
              const long next = rest / a.extent[\(axis)], index = rest - next * a.extent[\(axis)];
              \(moves)
              rest = next;
            }

        """
    }.joined()
    return """
        long position = group * a.run;
        const long end = min(position + a.run, count);
      \(steps)  while (position < end) {
          long rest = position / \(extent(row));
          const long column = position - rest * \(extent(row));
          const long length = min(end - position, \(extent(row)) - column);
      \(starts)\(outer)    \(repeatedLoads { "x\($0)" })
      \(isStreamed ? streamedRow : "    VECTOR_LOOP for (long e = 0; e < length; e++) { "
        + rowElement({ "x\($0)" }, index: "e") + " }")
          position += length;
        }

      """
  }

  /// A row whose results go through blocks in the first-level cache, from which vectors are stored past it: a compiler
  /// that makes vectors of a loop does not do so with such stores.
  private var streamedRow: String {
    let blocks = outputs.map { "float b\($0)[\(Self.streamedBlock)] __attribute__((aligned(64)));" }
    let stores = outputs.map { "b\($0)[e] = y\($0);" }
    let target = { (output: Int) in "x\(layout.outputPlaces[output]) + block" }
    let streams = outputs.map { "STREAM(*(const float16 *)(b\($0) + e), \(target($0)) + e);" }
    let rest = outputs.map { "(\(target($0)))[e] = b\($0)[e];" }
    return """
          \(blocks.joined(separator: " "))
          for (long block = 0; block < length; block += \(Self.streamedBlock)) {
            const long part = min(length - block, \(Self.streamedBlock)L);
            VECTOR_LOOP for (long e = 0; e < part; e++) {
              \(computed({ "x\($0)" }, index: "block + e")) \(stores.joined(separator: " "))
            }
            for (long e = 0; e + 16 <= part; e += 16) { \(streams.joined(separator: " ")) }
            for (long e = part / 16 * 16; e < part; e++) { \(rest.joined(separator: " ")) }
          }
      """
  }

  /// Other devices, linear layouts: four neighbours at once where they are aligned.
  private var fourElements: String {
    let moving = places.filter { layout.steps[$0] == .dense }
    let aligned = moving.map { "(ulong)q\($0) % sizeof(STORAGE(\(dtype($0)))[4]) == 0" }.joined(separator: " && ")
    let loads = moving.filter { inputs.contains($0) }
      .map { "    const VALUE4(\(dtype($0))) v\($0) = LOAD4(\(dtype($0)), q\($0), position);\n" }.joined()
    let lanes = (0..<4).map { lane in
      let load = { (i: Int) in layout.steps[i] == .repeated ? "h\(i)" : "v\(i).s\(lane)" }
      let name = { (output: Int) in "y\(output)_\(lane)" }
      return "    \(declareResults(name)) \(call(load: load, result: name))\n"
    }.joined()
    let stores = outputs.map { output in
      let place = layout.outputPlaces[output]
      let four = (0..<4).map { "y\(output)_\($0)" }.joined(separator: ", ")
      let type = dtype(place)
      return "    STORE4(\(type), q\(place), position, (VALUE4(\(type)))(\(four)));\n"
    }.joined()
    return """
        const long position = 4 * (group * get_local_size(0) + get_local_id(0));
        if (position >= count) return;
        \(repeatedLoads { "q\($0)" })
        if (position + 4 <= count\(aligned.isEmpty ? "" : " && " + aligned)) {
      \(loads)\(lanes)\(stores)  } else {
          for (long e = position; e < min(position + 4, count); e++) { \(rowElement({ "q\($0)" }, index: "e")) }
        }

      """
  }

  /// Other devices, any layout: the element's coordinates by division.
  private var oneElement: String {
    let type = layout.isWide ? "ulong" : "uint"
    let axes = (0..<layout.rank).reversed().map { axis in
      let moves = places.map { "q\($0) += index * a.stride[\($0)][\(axis)];" }.joined(separator: " ")
      return """
          {
            const \(type) extent = (\(type))a.extent[\(axis)], next = rest / extent;
            const long index = rest - next * extent;
            \(moves)
            rest = next;
          }

        """
    }.joined()
    let load = { (i: Int) -> String in "LOAD(\(dtype(i)), q\(i), 0)" }
    let stores = outputs.map { output in
      let place = layout.outputPlaces[output]
      return "STORE(\(dtype(place)), q\(place), 0, y\(output));"
    }
    return """
        \(type) rest = (\(type))get_global_id(0);
        if (rest >= count) return;
      \(axes)  \(declareResults { "y\($0)" }) \(call(load: load) { "y\($0)" })
        \(stores.joined(separator: " "))

      """
  }
}

extension PointwiseOp {
  fileprivate var operandClasses: [RegisterClass] {
    let row = tern_op_rows(Int32(index)).pointee
    return [row.operand.0, row.operand.1, row.operand.2].prefix(arity).map { $0 == TERN_REAL ? .real : .integer }
  }
}
