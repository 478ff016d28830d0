// SPDX-License-Identifier: MIT

extension ProgramCache {
  /// Text of an embedded file with the files that it includes, each once, in place of their `#include "name"` lines:
  /// drivers see no folder to find them in.
  static func expanded(_ name: String) -> String? {
    var included: Set<String> = [name]
    return expanded(name, &included)
  }

  private static func expanded(_ name: String, _ included: inout Set<String>) -> String? {
    guard let text = embedded(name) else { return nil }
    var lines: [Substring] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      guard line.hasPrefix("#include \"") else {
        lines.append(line)
        continue
      }
      let other = String(line.dropFirst("#include \"".count).prefix { $0 != "\"" })
      guard included.insert(other).inserted else {
        lines.append("")
        continue
      }
      guard let inner = expanded(other, &included) else { return nil }
      lines.append("#line 1 \"\(other)\"\n\(inner)\n#line \(number + 2) \"\(name)\"")
    }
    return lines.joined(separator: "\n")
  }
}
