// SPDX-License-Identifier: MIT
import Tern
import TernNN

extension Operations {
  static let schedules: [String: Procedure] = schedulesByName.mapValues(rates(of:)).merging([
    "lr_plateau": { _, a, device in try plateau(a, device) }
  ]) { a, _ in a }

  private static func rates(of make: @escaping @Sendable (Attributes) -> (any Schedule)?) -> Procedure {
    { _, a, device in
      make(a.attributes).map { schedule in
        let rates = (0..<a.attributes.int("steps")!).map { Float(schedule.learningRate(at: $0)) }
        return ["out.lr": Tensor(rates, on: device)]
      }
    }
  }

  private static let schedulesByName: [String: @Sendable (Attributes) -> (any Schedule)?] = [
    "lr_step": { StepDecay(initial: $0.double("lr")!, every: $0.int("step_size")!, factor: $0.double("gamma")!) },
    "lr_multistep": {
      MultiStepDecay(initial: $0.double("lr")!, milestones: $0.ints("milestones")!, factor: $0.double("gamma")!)
    },
    "lr_exponential": { ExponentialDecay(initial: $0.double("lr")!, factor: $0.double("gamma")!) },
    "lr_inverse_time": { InverseTimeDecay(initial: $0.double("lr")!, decay: $0.double("decay_rate")!) },
    "lr_cosine": {
      CosineDecay(initial: $0.double("lr")!, final: $0.double("eta_min")!, steps: $0.int("T_max")!)
    },
    "lr_cosine_restarts": {
      CosineRestarts(
        initial: $0.double("lr")!, final: $0.double("eta_min")!, period: $0.int("T_0")!, growth: $0.int("T_mult")!)
    },
    "lr_one_cycle": {
      OneCycle(
        peak: $0.double("max_lr")!, steps: $0.int("total_steps")!, rise: $0.double("pct_start")!,
        shape: $0.text("anneal_strategy") == "cos" ? .cosine : .linear, initialDivisor: $0.double("div_factor")!,
        finalDivisor: $0.double("final_div_factor")!)
    },
    "lr_linear_warmup": {
      let (start, end) = ($0.double("start_factor")!, $0.double("end_factor")!)
      return WarmUp(
        steps: $0.int("total_iters")!, from: start / end, during: ConstantRate($0.double("lr")! * end))
    },
    "lr_polynomial": {
      PolynomialDecay(initial: $0.double("lr")!, steps: $0.int("total_iters")!, power: $0.double("power")!)
    },
    "lr_cyclic": { t in
      let heights: [String: CyclicRate.Height] = [
        "triangular": .constant, "triangular2": .halved, "exp_range": .decaying(t.double("gamma")!),
      ]
      return heights[t.text("mode")!].map {
        CyclicRate(low: t.double("base_lr")!, high: t.double("max_lr")!, rise: t.int("step_size_up")!, height: $0)
      }
    },
    "lr_noam": {
      InverseSquareRootDecay(width: $0.int("d_model")!, warmUp: $0.int("warmup")!, scale: $0.double("lr")!)
    },
  ]

  /// The rate before each measure.
  private static func plateau(_ a: Arguments, _ device: Device) throws -> [String: Tensor] {
    let t = a.attributes
    let threshold = t.double("threshold")!
    let schedule = PlateauDecay(
      initial: t.double("lr")!, factor: t.double("factor")!, patience: t.int("patience")!,
      cooldown: t.int("cooldown")!, lowest: t.double("min_lr")!, goal: t.text("mode") == "min" ? .lowest : .highest,
      threshold: t.text("threshold_mode") == "rel" ? .relative(threshold) : .absolute(threshold))
    let measures = try a["in.metrics"].scalars(as: Double.self)
    let rates = (0..<t.int("steps")!).map {
      Float(schedule.learningRate(at: $0, epochLosses: Array(measures.prefix($0))))
    }
    return ["out.lr": Tensor(rates, on: device)]
  }
}
