// SPDX-License-Identifier: MIT
import TestSupport
import Testing

/// Mistakes in the arguments: the parser's text, and exit code 64.
@Suite struct ArgumentTests {
  @Test(arguments: [
    ("train", "model"),
    ("train resnet", "resnet"),
    ("train lenet5 --batch-size 0", "--batch-size must be at least 1, got 0"),
    ("train lenet5 --batch-size=-3", "--batch-size must be at least 1, got -3"),
    ("train lenet5 --batch-size many", "--batch-size"),
    ("train lenet5 --epochs 0", "--epochs must be at least 1"),
    ("train lenet5 --learning-rate 0", "--learning-rate must be a positive number"),
    ("train lenet5 --learning-rate nan", "--learning-rate must be a positive number"),
    ("train lenet5 --optimizer lyon", "radam"),
    ("train lenet5 --schedule cosign", "cosine-restarts"),
    ("train lenet5 --schedule cosine --schedule-factor 0.5", "--schedule-factor does not apply to the schedule cosine"),
    ("train lenet5 --schedule step --schedule-period 0", "--schedule-period must be at least 1"),
    ("train lenet5 --warmup=-1", "--warmup must be at least 0"),
    ("train lenet5 --weight-decay inf", "--weight-decay must be 0 or a positive number"),
    ("train lenet5 --seed -1", "--seed"),
    ("train lenet5 --limit 0", "--limit must be at least 1"),
    ("train mlp --classic", "--classic is a form of lenet5"),
    ("train lenet5 --frobnicate", "--frobnicate"),
    ("train lenet5 --checkpoint=", "--checkpoint"),
    ("eval", "--checkpoint"),
    ("predict --checkpoint a", "IMAGE.pgm"),
    ("demo --epochs 0", "--epochs must be at least 1"),
    ("dance", "dance"),
  ]) func mistakesShowTheUsage(line: String, says: String) throws {
    try expectMistake(line.split(separator: " ").map(String.init), says: says)
  }

  @Test(arguments: [
    (["train", "lenet5", "--checkpoint", ""], "--checkpoint"), (["train", "lenet5", "--resume", ""], "--resume"),
    (["train", "lenet5", "--json-steps", ""], "--json-steps"), (["train", "lenet5", "--data", ""], "--data"),
    (["train", "lenet5", "--trace", ""], "--trace"), (["profile", "lenet5", "--trace", ""], "--trace"),
    (["eval", "--checkpoint", ""], "--checkpoint"), (["predict", "--checkpoint", "a", ""], "IMAGE.pgm"),
  ]) func emptyPathsAreMistakes(arguments: [String], name: String) throws {
    try expectMistake(arguments, says: "\(name) must name a file or a directory")
  }

  private func expectMistake(_ arguments: [String], says: String) throws {
    let outcome = try Tool.run(arguments)
    #expect(outcome.status == 64 && !outcome.crashed)
    #expect(outcome.output.isEmpty)
    #expect(outcome.error.contains(says) && outcome.error.contains("Usage: tern"), "\(outcome.error)")
  }

  @Test(arguments: ["", "train", "eval", "predict", "profile", "devices", "doctor", "demo"])
  func everyCommandExplainsItself(command: String) throws {
    let outcome = try Tool.run((command.isEmpty ? [] : [command]) + ["--help"])
    #expect(outcome.status == 0 && outcome.error.isEmpty)
    #expect(outcome.output.contains("OVERVIEW") && outcome.output.contains("USAGE: tern"))
  }
}
