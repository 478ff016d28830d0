// SPDX-License-Identifier: MIT
import ArgumentParser
import Tern

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
      for finding in findings {
        print("\(finding.isProblem ? "problem" : "ok     ")  \(finding.title): \(finding.detail)")
        if !finding.remedy.isEmpty { print("         \(finding.remedy)") }
      }
      print(problems == 0 ? "\nNothing is wrong." : "\nProblems: \(problems). The CPU works in any case.")
    }
    if problems > 0 { throw ExitCode.failure }
  }
}

/// What the doctor found, as `tern doctor --json` prints it.
private struct Examination: Encodable {
  let problems: Int
  let findings: [Doctor.Finding]
}
