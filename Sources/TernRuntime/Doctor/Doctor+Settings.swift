// SPDX-License-Identifier: MIT

extension Doctor {
  /// How many threads the CPU device may have.
  package static let threadCounts = 1...1024

  /// Nil for a value that means something.
  private typealias Complaint = @Sendable (_ value: String, Surroundings) -> String?

  /// The environment variables that Tern reads, with what is wrong with a value, if anything.
  private static let variables: [(name: String, complaint: Complaint)] = [
    ("TERN_DEVICE", { value, _ in isDevice(value) ? nil : "expected cpu, opencl or opencl:N" }),
    (
      "TERN_THREADS",
      { value, _ in Int(value).map { threadCounts ~= $0 } == true ? nil : "expected a number from 1 to 1024" }
    ),
    ("TERN_ISA", oneOf(["avx512", "avx2", "baseline"])),
    (
      "TERN_MEMORY_LIMIT",
      { value, _ in
        (try? MemoryPool.configuredLimit(value)) == nil
          ? "expected a number of bytes, or one with the suffix K, M or G" : nil
      }
    ),
    ("TERN_STRICT", oneOf(["0", "1"])), ("TERN_POINTWISE_TIER", oneOf(["0", "1"])),
    ("TERN_TUNING", oneOf(["on", "off"])), ("TERN_CACHE_DIRECTORY", { _, _ in nil }),
    ("TERN_PROGRAM_CACHE", oneOf(DiskProgramCache.Mode.allCases.map(\.rawValue))),
    // A name of the other kind of device leaves the choice to Tern, so that one setting can serve a comparison.
    (
      "TERN_CONV",
      oneOf(ConvolutionAlgorithm.allCases.map(\.rawValue) + OpenCLConvolutionAlgorithm.allCases.map(\.rawValue))
    ),
    ("TERN_GEMM", oneOf(GemmAlgorithm.settings)),
    ("TERN_MATMUL_PRECISION", oneOf(MatmulPrecision.allCases.map(\.rawValue))),
    ("TERN_CLBLAST_PARAMETERS", { value, _ in CLBlastParameters.complaint(about: value) }),
    ("TERN_FAULT", { _, _ in "makes a call of OpenCL fail on purpose" }),
    ("TERN_OPENCL_LIBRARY", { value, surroundings in complaintAboutFile(value, surroundings) }),
    ("TERN_CLBLAST_LIBRARY", { value, surroundings in complaintAboutFile(value, surroundings) }),
  ]

  /// Settings that stop a program from starting, for they are read where nothing can be thrown.
  private static let fatalVariables = [
    "TERN_THREADS", "TERN_ISA", "TERN_TUNING", "TERN_GEMM", "TERN_CONV", "TERN_MATMUL_PRECISION",
    "TERN_CLBLAST_PARAMETERS",
  ]

  /// Looks at the environment variables whose wrong values trap when a device is first used, so that a program can
  /// report them in its own way before.
  ///
  /// - Throws: `TernError` with code `setting` that names the first wrong one.
  public static func checkSettings() throws { try checkSettings(.actual) }

  static func checkSettings(_ surroundings: Surroundings) throws {
    for (name, complaint) in variables where fatalVariables.contains(name) {
      guard let value = surroundings.environment[name], !value.isEmpty else { continue }
      if let what = complaint(value, surroundings) {
        throw TernError(.setting, "\(name): \(what), got '\(value)'", remedy: "correct or unset it")
      }
    }
  }

  /// One finding for each `TERN_…` variable that is set; none when all is as it comes.
  static func settings(_ surroundings: Surroundings) -> [Finding] {
    surroundings.environment.filter { $0.key.hasPrefix("TERN_") && !$0.value.isEmpty }.sorted { $0.key < $1.key }
      .map { name, value in
        let title = "Setting \(name)"
        guard let variable = variables.first(where: { $0.name == name }) else {
          let known = variables.map(\.name).joined(separator: ", ")
          return bad(title, "'\(value)' has no effect: Tern reads no such variable", "known are \(known)")
        }
        guard let complaint = variable.complaint(value, surroundings) else { return good(title, value) }
        return bad(title, "'\(value)': \(complaint)", "correct or unset \(name)")
      }
  }

  /// For a variable with a few words to choose from; words that menus share may come twice.
  private static func oneOf(_ words: [String]) -> Complaint {
    let words = words.enumerated().filter { words.firstIndex(of: $0.element) == $0.offset }.map(\.element)
    let list = "\(words.dropLast().joined(separator: ", ")) or \(words[words.count - 1])"
    return { value, _ in words.contains(value) ? nil : "expected \(list)" }
  }

  private static func isDevice(_ text: String) -> Bool {
    if text == "cpu" || text == "opencl" { return true }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count == 2 && parts[0] == "opencl" && Int(parts[1]).map { $0 >= 0 } == true
  }

  private static func complaintAboutFile(_ path: String, _ surroundings: Surroundings) -> String? {
    // A name without a folder is looked up by the dynamic linker.
    guard let slash = path.lastIndex(of: "/") else { return nil }
    let folder = String(path[..<slash])
    let name = path[path.index(after: slash)...]
    return surroundings.list(folder.isEmpty ? "/" : folder).contains(String(name)) ? nil : "there is no such file"
  }
}
