// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernNN
import Testing

/// Memory over many steps.
@Suite struct LongTrainingTests {
  /// In a process of its own, since other tests use the same pools.
  @Test func tenThousandStepsWhoseLossesNobodyReadsDoNotGrow() async {
    await #expect(processExitsWith: .success) {
      for device in Device.all {
        try withDevice(device) {
          let model = Linear(3, 2)
          let (x, labels) = (Tensor.randomNormal([8, 3]).evaluated(), Tensor([0, 1, 1, 0, 1, 0, 0, 1]))
          var optimizer = SGD(learningRate: 1e-3, momentum: 0.9)
          func train(_ steps: Int) throws {
            for _ in 0..<steps {
              let (_, gradients) = valueAndGradients(of: model) { crossEntropy(model(x), labels) }
              try optimizer.update(model, with: gradients)
            }
            try device.synchronize()
          }
          // Until all programs have been compiled.
          try train(1000)
          let (memory, resident) = (device.memory, try residentBytes())
          try train(9000)
          let (later, residentLater) = (device.memory, try residentBytes())
          precondition(later.inUse <= memory.inUse, "\(device) holds \(later.inUse) bytes after \(memory.inUse)")
          precondition(later.pooled <= memory.pooled + 65_536, "\(later.pooled) bytes in the pool of \(device)")
          precondition(residentLater <= resident + 8 << 20, "\(resident) to \(residentLater) bytes with \(device)")
          let value = try crossEntropy(model(x), labels).scalar(as: Float.self)
          precondition(value.isFinite && model.parameters().allSatisfy { $0.parameter.value.device == device })
        }
      }
    }
  }
}

/// The memory of this process that is in RAM.
private func residentBytes() throws -> Int {
  let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
  return Int(fields[1])! * Int(sysconf(Int32(_SC_PAGESIZE)))
}
