// SPDX-License-Identifier: MIT
import Tern
import TernData
import TernNN
import TestSupport
import Testing

@testable import TernCommand

@Suite struct RecipeTests {
  private static let digits = NormalizedImages(ImageDataset.digits(count: 12, split: .train))

  /// All weights after a run of the tool's job.
  private func weights(_ recipe: [String], checkpoint: String, resume: String? = nil) throws -> [Float] {
    let job = TrainingJob(
      specification: ModelSpecification(.logistic), recipe: try RecipeOptions.parse(["--batch-size", "4"] + recipe),
      device: .cpu, train: Self.digits, test: Self.digits, checkpoint: checkpoint, resume: resume)
    _ = try job.run()
    let file = try SafetensorsFile(path: checkpoint)
    let model = withDevice(.cpu) { job.specification.makeModel(generator: RandomGenerator(seed: 9)) }
    try model.load(from: file)
    return try model.parameters().flatMap { try $0.parameter.value.scalars(as: Float.self) }
  }

  @Test(.serialized, arguments: OptimizerName.allCases) func everyOptimizerResumesExactly(_ name: OptimizerName) throws
  {
    let directory = try TemporaryDirectory()
    let (whole, parts) = (directory.path + "/whole", directory.path + "/parts")
    let recipe = ["--optimizer", name.rawValue, "--warmup", "2", "--weight-decay", "0.01"]
    let start = try weights(recipe + ["--epochs", "1"], checkpoint: parts)
    let expected = try weights(recipe + ["--epochs", "2"], checkpoint: whole)
    let resumed = try weights(recipe + ["--epochs", "2"], checkpoint: parts, resume: parts)
    #expect(resumed == expected && resumed != start && resumed.allSatisfy(\.isFinite))
  }

  /// Rates of a run of four epochs of 10 steps from 0.1; those of the first step, of two on the way and of the last.
  @Test(
    arguments: [
      ("constant", nil), ("constant --warmup 20", [0, 0.05, 0.1, 0.1]), ("step", [0.1, 0.1, 0.01, 1e-4]),
      ("step --schedule-period 2 --schedule-factor 0.5", [0.1, 0.1, 0.05, 0.05]),
      ("multi-step", [0.1, 0.1, 0.01, 1e-3]),
      ("exponential --schedule-factor 0.5", [0.1, 0.05, 0.025, 0.1 * 0.0669858]),
      ("inverse-time --schedule-period 1", [0.1, 0.05, 0.1 / 3, 0.1 / 4.9]),
      ("inverse-sqrt --warmup 10", [0.01, 0.1 * 0.9534626, 0.1 * 0.6900656, 0.05]),
      ("linear --final-rate 0.02", [0.1, 0.08, 0.06, 0.022]), ("polynomial", [0.1, 0.05625, 0.025, 6.25e-5]),
      ("cosine --warmup 10", [0, 0.0853553, 0.05, 0.1 * 0.0015413]),
      ("cosine-restarts", [0.1, 0.1, 0.1, 0.1 * 0.0244717]),
      ("one-cycle", [0.004, 0.0980557, 0.0766017, 4e-7]),
      ("cyclic --schedule-period 2", [0.01, 0.1, 0.01, 0.019]), ("plateau", [0.1, 0.1, 0.1, 0.1]),
    ] as [(String, [Double]?)]) func schedulesSpanTheRun(_ line: String, _ expected: [Double]?) throws
  {
    let recipe = try RecipeOptions.parse(
      ["--epochs", "4", "--learning-rate", "0.1", "--schedule"] + line.split(separator: " ").map(String.init))
    let schedule = recipe.makeSchedule(stepsPerEpoch: 10)
    #expect((schedule == nil) == (expected == nil))
    for (step, rate) in zip([0, 10, 20, 39], expected ?? []) {
      let got = schedule!.learningRate(at: step, epochLosses: [1, 0.5, 0.4])
      #expect(abs(got - rate) < 1e-6, "\(line), step \(step): \(got), expected \(rate)")
    }
  }

  @Test func everyScheduleIsExplained() {
    for name in ScheduleName.allCases {
      #expect(ScheduleName.explanation.split(separator: "\n").contains { $0.hasPrefix(name.rawValue + " ") })
    }
  }
}
