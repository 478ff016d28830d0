// SPDX-License-Identifier: MIT

/// The attributes of a case, as JSON has them.
package struct Attributes: Sendable {
  package indirect enum Value: Decodable, Sendable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([Value])
    case table([String: Value])

    /// One kind after the other is tried, so a kind that does not fit is no error; the last one throws what fits none.
    package init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let flag = try? container.decode(Bool.self) {
        self = .flag(flag)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else if let text = try? container.decode(String.self) {
        self = .text(text)
      } else if let list = try? container.decode([Value].self) {
        self = .list(list)
      } else {
        self = .table(try container.decode([String: Value].self))
      }
    }
  }

  private let values: [String: Value]

  package init(_ values: [String: Value]) { self.values = values }

  package func double(_ name: String) -> Double? { if case .number(let number) = values[name] { number } else { nil } }
  package func float(_ name: String) -> Float? { double(name).map { Float($0) } }
  package func int(_ name: String) -> Int? { double(name).map { Int($0) } }
  package func flag(_ name: String) -> Bool { if case .flag(let flag) = values[name] { flag } else { false } }
  package func text(_ name: String) -> String? { if case .text(let text) = values[name] { text } else { nil } }
  package func doubles(_ name: String) -> [Double]? {
    list(name)?.compactMap { if case .number(let n) = $0 { n } else { nil } }
  }
  package func ints(_ name: String) -> [Int]? { doubles(name)?.map { Int($0) } }
  package func table(_ name: String) -> Attributes? {
    if case .table(let table) = values[name] { Attributes(table) } else { nil }
  }

  /// A list of lists of integers.
  package func rows(_ name: String) -> [[Int]]? {
    list(name)?.map { row in
      guard case .list(let elements) = row else { return [] }
      return elements.compactMap { if case .number(let n) = $0 { Int(n) } else { nil } }
    }
  }

  private func list(_ name: String) -> [Value]? { if case .list(let list) = values[name] { list } else { nil } }
}
