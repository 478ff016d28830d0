// SPDX-License-Identifier: MIT

/// Writes `reduce.cl` for the results of a pointwise program, which are reduced as they are computed and never stored.
///
/// The plan is that of a reduction of the stored results, and so are the numbers, bit for bit: it does not matter to a
/// training when a program begins to be fused.
struct FusedReduction: Hashable {
  let kind: Reduction
  let isInteger: Bool
  let kernelName: String
  /// Work-items of a group on a GPU.
  let groupSize: Int

  /// The program's text; `source` has the operations.
  func text(of source: PointwiseSource) -> String {
    let (inputs, dtypes) = (source.inputs, source.structure.inputs)
    let pointers = inputs.map { "__global const STORAGE(\(dtypes[$0])) *p\($0)" }
    let result = source.structure.outputs[0].dtype
    let loads = inputs.map { index in
      "LOAD(\(dtypes[index]), x.p\(index), \(source.layout.steps[index] == .dense ? "at" : "0"))"
    }
    let scalars = source.structure.scalars.indices.map { "x.a.s\($0)" }
    return """
      #define FUSED 1
      #define KIND \(kind.rawValue)
      #define INTEGER \(isInteger ? 1 : 0)
      #define GROUP \(groupSize)
      typedef struct {
        long offset[\(max(1, inputs.count))];
      \(source.scalars(.integer))\(source.scalars(.real))} operands_t;
      \(source.operations)
      \(source.element)
      typedef struct {
      \(pointers.map { "  \($0);\n" }.joined())  operands_t a;
      } source_t;
      #define SOURCE_PARAMETERS \((pointers + ["const operands_t a"]).joined(separator: ", "))
      #define SOURCE ((source_t){\((inputs.map { "p\($0) + a.offset[\($0)]" } + ["a"]).joined(separator: ", "))})
      static inline VALUE(\(result)) element_at(source_t x, long at) {
        VALUE(\(result)) y;
        element(\((loads + scalars + ["&y"]).joined(separator: ", ")));
        return \(result == .bool ? "y != 0" : "y");
      }
      \(ProgramCache.expanded("reduce.cl")!)
      """
  }
}
