// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

/// What a walk over a model found.
struct ModuleContents {
  let parameters: ParameterList
  let buffers: [(name: String, buffer: Buffer)]
  /// Random generators that layers draw from, such as that of a `Dropout`.
  let generators: [(name: String, generator: RandomGenerator)]

  var stateTensors: [(name: String, tensor: Tensor)] {
    parameters.map { ($0.name, $0.parameter.cellValue) } + buffers.map { ($0.name, $0.buffer.value) }
  }

  /// The device of the first parameter or buffer, which is taken to be the model's.
  var device: Device? { parameters.first?.parameter.cellValue.device ?? buffers.first?.buffer.value.device }
}
