// SPDX-License-Identifier: MIT

/// The class of a `GemmProblem`: its extents, and how its operands lie in memory, without their addresses.
package struct GemmClass: Hashable, Sendable {
  /// Which elements of a matrix are neighbours in memory.
  package enum Order: String, Sendable {
    /// Those of a row.
    case rows
    /// Those of a column.
    case columns
    case neither
  }

  package struct Operand: Hashable, Sendable {
    package var dtype: DType
    package var order: Order
    /// Whether the outer batch index does not move it.
    package var sharesOuter = false
    package var sharesInner = false
  }

  /// What a bias vector is indexed by.
  package struct Bias: Hashable, Sendable {
    package var dtype: DType
    package var byInner: Bool
    package var byRow: Bool
    package var byColumn: Bool
  }

  package var m, n, k, outer, inner: Int
  package var a, b, c: Operand
  package var bias: Bias?
  /// Whether an activation follows, which CLBlast has none of. Which one does not matter: each algorithm applies it to
  /// each element of the result once.
  package var hasActivation = false
  /// `.highest` on devices that know no other, and where no operand is Float32.
  package var precision = MatmulPrecision.highest

  package var operations: Double { 2 * Double(m) * Double(n) * Double(k) * Double(outer) * Double(inner) }
}

extension GemmClass: LosslessStringConvertible {
  package var description: String {
    "m=\(m) n=\(n) k=\(k) outer=\(outer) inner=\(inner) a=\(a) b=\(b) c=\(c) bias=\(bias?.description ?? "none")"
      + (hasActivation ? " activation=yes" : "") + precision.problemField
  }

  package init?(_ description: String) {
    let names: Set = ["m", "n", "k", "outer", "inner", "a", "b", "c", "bias"]
    let defaults = MatmulPrecision.defaultField.merging(["activation": "no"]) { $1 }
    guard let fields = ProblemFields(description, names: names, defaults: defaults),
      let m = fields.numbers("m")?[0], let n = fields.numbers("n")?[0], let k = fields.numbers("k", least: 0)?[0],
      let outer = fields.numbers("outer")?[0], let inner = fields.numbers("inner")?[0],
      let a = Operand(fields["a"]), let b = Operand(fields["b"]), let c = Operand(fields["c"])
    else { return nil }
    let bias = Bias(fields["bias"])
    guard bias != nil || fields["bias"] == ["none"], let precision = fields.precision,
      let hasActivation = ["yes": true, "no": false][fields["activation"].joined()]
    else { return nil }
    self.init(
      m: m, n: n, k: k, outer: outer, inner: inner, a: a, b: b, c: c, bias: bias, hasActivation: hasActivation,
      precision: precision)
  }
}

extension GemmClass.Operand: CustomStringConvertible {
  package var description: String {
    "\(dtype),\(order.rawValue)" + (sharesOuter ? ",outer" : "") + (sharesInner ? ",inner" : "")
  }

  fileprivate init?(_ words: [String]) {
    guard words.count >= 2, let dtype = DType(named: words[0]), let order = GemmClass.Order(rawValue: words[1]),
      words.dropFirst(2).allSatisfy({ ["outer", "inner"].contains($0) })
    else { return nil }
    self.init(
      dtype: dtype, order: order, sharesOuter: words.dropFirst(2).contains("outer"),
      sharesInner: words.dropFirst(2).contains("inner"))
  }
}

extension GemmClass.Bias: CustomStringConvertible {
  package var description: String {
    "\(dtype)" + (byInner ? ",inner" : "") + (byRow ? ",row" : "") + (byColumn ? ",column" : "")
  }

  fileprivate init?(_ words: [String]) {
    guard let first = words.first, let dtype = DType(named: first),
      words.dropFirst().allSatisfy({ ["inner", "row", "column"].contains($0) })
    else { return nil }
    self.init(
      dtype: dtype, byInner: words.contains("inner"), byRow: words.contains("row"), byColumn: words.contains("column"))
  }
}

extension GemmProblem {
  /// - Parameter precision: the one in force if the device can compute at it, else `.highest`.
  func problemClass(_ precision: MatmulPrecision) -> ProblemClass {
    func operand(_ operand: GemmOperand, rows: Int, columns: Int) -> GemmClass.Operand {
      // Lines that overlap (a broadcast) are no matrix that a library would take.
      func areLines(_ step: Int, _ width: Int, _ stride: Int, _ lines: Int) -> Bool {
        (step == 1 || width == 1) && (lines == 1 || stride >= width)
      }
      let isByRows = areLines(operand.column, columns, operand.row, rows)
      return GemmClass.Operand(
        dtype: operand.dtype,
        order: isByRows ? .rows : areLines(operand.row, rows, operand.column, columns) ? .columns : .neither,
        sharesOuter: outer > 1 && operand.outer == 0, sharesInner: inner > 1 && operand.inner == 0)
    }
    return .gemm(
      GemmClass(
        m: m, n: n, k: k, outer: outer, inner: inner, a: operand(a, rows: m, columns: k),
        b: operand(b, rows: k, columns: n), c: operand(c, rows: m, columns: n),
        bias: bias.map {
          GemmClass.Bias(dtype: $0.dtype, byInner: $0.inner != 0, byRow: $0.row != 0, byColumn: $0.column != 0)
        }, hasActivation: activation != .none,
        precision: a.dtype == .float32 || b.dtype == .float32 ? precision : .highest))
  }
}
