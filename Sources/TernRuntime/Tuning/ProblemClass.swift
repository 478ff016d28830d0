// SPDX-License-Identifier: MIT

/// A class of problems that one algorithm is chosen for: an operation with everything that decides which algorithms can
/// run it and how fast they are, and nothing else. Two calls of one class get the same algorithm.
///
/// Its text, `gemm m=256 n=64 …`, names it in files and tables, and can be read back.
package enum ProblemClass: Hashable, Sendable {
  case gemm(GemmClass)
  case convolution(ConvolutionPass, ConvolutionClass)

  /// Multiplications and additions of the definition, which measure how much a better algorithm may save.
  package var operations: Double {
    switch self {
    case .gemm(let gemm): gemm.operations
    case .convolution(_, let convolution): convolution.operations
    }
  }
}

extension ProblemClass: LosslessStringConvertible {
  package var description: String {
    switch self {
    case .gemm(let gemm): "gemm \(gemm)"
    case .convolution(let pass, let convolution): "convolution.\(pass.rawValue) \(convolution)"
    }
  }

  /// - Returns: nil for what is no problem, or one that no operation would accept.
  package init?(_ description: String) {
    let words = description.split(separator: " ", maxSplits: 1).map(String.init)
    guard words.count == 2 else { return nil }
    if words[0] == "gemm" {
      guard let gemm = GemmClass(words[1]) else { return nil }
      self = .gemm(gemm)
      return
    }
    let parts = words[0].split(separator: ".", maxSplits: 1)
    guard parts.count == 2, parts[0] == "convolution", let pass = ConvolutionPass(rawValue: String(parts[1])),
      let convolution = ConvolutionClass(words[1])
    else { return nil }
    self = .convolution(pass, convolution)
  }
}

/// `name=value` words of a problem's text, each of which is wanted exactly once, or at most once if it has a default.
struct ProblemFields {
  private var values: [Substring: Substring] = [:]

  /// - Parameters:
  ///   - names: of the words that must be there.
  ///   - defaults: other words' values where they are not there.
  init?(_ text: String, names: Set<String>, defaults: [String: String] = [:]) {
    for word in text.split(separator: " ") {
      let parts = word.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, names.contains(String(parts[0])) || defaults[String(parts[0])] != nil,
        values[parts[0]] == nil
      else { return nil }
      values[parts[0]] = parts[1]
    }
    guard names.allSatisfy({ values[$0[...]] != nil }) else { return nil }
    for (name, value) in defaults where values[name[...]] == nil { values[name[...]] = value[...] }
  }

  /// The parts of a value between its commas.
  subscript(_ name: String) -> [String] {
    values[name[...]].map { $0.split(separator: ",").map(String.init) } ?? []
  }

  /// `count` whole numbers, none below `least` or above what an extent may be.
  func numbers(_ name: String, count: Int = 1, least: Int = 1) -> [Int]? {
    let numbers = self[name].compactMap(Int.init)
    guard numbers.count == count, self[name].count == count, numbers.allSatisfy({ least...1 << 31 ~= $0 }) else {
      return nil
    }
    return numbers
  }
}

extension MatmulPrecision {
  /// The word of a problem's text, left out where there is nothing special about it.
  var problemField: String { self == .highest ? "" : " precision=\(rawValue)" }
  static let defaultField = ["precision": MatmulPrecision.highest.rawValue]
}

extension ProblemFields {
  var precision: MatmulPrecision? { MatmulPrecision(rawValue: self["precision"].joined()) }
}

extension DType {
  /// The dtype called `float32`, `int64`, ….
  init?(named name: String) {
    guard let type = DType.allCases.first(where: { $0.description == name }) else { return nil }
    self = type
  }
}

extension ProblemClass {
  /// A short name for tables, which leaves out what is usual.
  package var label: String {
    func times(_ numbers: Int...) -> String { numbers.map(String.init).joined(separator: "x") }
    func suffix(_ precision: MatmulPrecision) -> String { precision == .highest ? "" : " \(precision.rawValue)" }
    switch self {
    case .gemm(let g):
      let orders = [g.a, g.b].map { $0.order == .rows ? "n" : $0.order == .columns ? "t" : "s" }.joined()
      let batch = g.outer * g.inner > 1 ? " batch \(g.outer * g.inner)" : ""
      let types = Set([g.a.dtype, g.b.dtype, g.c.dtype]).subtracting([.float32]).map { " \($0)" }.sorted().joined()
      let epilogue = (g.bias == nil ? "" : " bias") + (g.hasActivation ? " activation" : "")
      return "gemm \(times(g.m, g.n, g.k)) \(orders)\(batch)\(epilogue)\(types)\(suffix(g.precision))"
    case .convolution(let pass, let c):
      let g = c.geometry
      let stride = g.strideHeight * g.strideWidth == 1 ? "" : " stride \(times(g.strideHeight, g.strideWidth))"
      let dilation = g.dilationHeight * g.dilationWidth == 1 ? "" : " dilated"
      let groups = g.groups == 1 ? "" : " groups \(g.groups)"
      let types = Set([c.x.dtype, c.w.dtype, c.y.dtype]).subtracting([.float32]).map { " \($0)" }.sorted().joined()
      return "conv \(pass.rawValue) \(times(g.batch, g.inputChannels, g.inputHeight, g.inputWidth)) * "
        + times(g.outputChannels, g.inputChannelsPerGroup, g.kernelHeight, g.kernelWidth)
        + "\(stride)\(dilation)\(groups)\(types)\(suffix(c.precision))"
    }
  }
}
