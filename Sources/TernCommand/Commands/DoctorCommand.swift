// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern
import TernRuntime

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Looks for what is wrong with the OpenCL installation.",
    discussion: """
      Looks at the OpenCL loader, the drivers, CLBlast, permissions and TERN_ variables, and prints what to do about \
      each problem. The exit code is 1 if there is one. Tern works on the CPU whatever it finds.
      """)

  @Flag(help: "Print one JSON object on standard output and nothing else.")
  var json = false

  func run() throws {
    let findings = Doctor.examine()
    let problems = findings.count(where: \.isProblem)
    if json {
      try printJSON(Examination(problems: problems, findings: findings))
    } else {
      let lines = findings.map { finding in
        "\(finding.isProblem ? "problem" : "ok     ")  \(finding.title): \(finding.detail)"
          + (finding.remedy.isEmpty ? "" : "\n         \(finding.remedy)")
      }
      let summary = problems == 0 ? "Nothing is wrong." : "Problems: \(problems). The CPU works in any case."
      try printResult((lines + ["", summary]).joined(separator: "\n"))
    }
    if problems > 0 { throw ExitCode.failure }
  }
}

/// What the doctor found, as `tern doctor --json` prints it.
private struct Examination: Encodable {
  let problems: Int
  let findings: [Doctor.Finding]
}
