// SPDX-License-Identifier: MIT
import Tern
import TernNN

extension Operations {
  /// What is judged by its distribution.
  static let random: [String: Procedure] = [
    "init_statistics": { _, a, device in
      initializer(a.attributes).map { ["out.sample": $0(a.attributes.ints("shape")!, on: device)] }
    },
    "dropout_statistics": { _, a, _ in
      ["out.sample": withMode(.training) { dropout(a.x, probability: a.attributes.float("p")!) }]
    },
  ]

  private static func initializer(_ t: Attributes) -> Initializer? {
    let gain = t.double("gain") ?? 1
    switch t.text("scheme") {
    case "xavier_uniform": return .xavier(.uniform, gain: gain)
    case "xavier_normal": return .xavier(.normal, gain: gain)
    case "kaiming_uniform_fan_in": return .he(.uniform)
    case "kaiming_normal_fan_in": return .he(.normal)
    case "kaiming_normal_fan_out": return .he(.normal, fan: .output)
    case "lecun_normal": return .lecun(.normal)
    case "uniform": return .uniform(t.float("low")!, t.float("high")!)
    case "normal": return .normal(mean: t.float("mean")!, deviation: t.float("std")!)
    case "truncated_normal": return .truncatedNormal(deviation: t.float("std")!)
    case "orthogonal": return .orthogonal(gain: gain)
    default: return nil
    }
  }
}
