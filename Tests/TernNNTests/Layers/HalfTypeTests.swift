// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

@testable import TernNN

/// One layer, or loss, and inputs for it.
struct HalfCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let shapes: [[Int]]
  /// How far inputs are from 0.
  let shift: Double
  /// Roundings that may add up to the largest error, relative to the largest number of a tensor.
  let roundings: Double
  /// The dtype of a result where it is not that of the inputs.
  let result: DType?
  let make: @Sendable (RandomGenerator) -> any Module
  let run: @Sendable (any Module, [Tensor]) -> Tensor

  /// A layer that maps its inputs to one tensor.
  init<M: Module & SendableMetatype>(
    _ name: String, _ shapes: [Int]..., shift: Double = 0.1, roundings: Double = 4, result: DType? = nil,
    make: @escaping @Sendable (RandomGenerator) -> M, run: @escaping @Sendable (M, [Tensor]) -> Tensor
  ) {
    testDescription = name
    (self.shapes, self.shift, self.roundings, self.result, self.make) = (shapes, shift, roundings, result, make)
    self.run = { run($0 as! M, $1) }
  }

  /// A layer of one input.
  init(
    _ name: String, _ shape: [Int], roundings: Double = 4,
    make: @escaping @Sendable (RandomGenerator) -> some Layer & SendableMetatype
  ) {
    self.init(name, shape, roundings: roundings, make: make) { layer, x in layer(x[0]) }
  }

  /// A loss, or another function without parameters.
  init(
    _ name: String, _ shapes: [Int]..., shift: Double = 0.1, roundings: Double = 4, result: DType? = nil,
    run: @escaping @Sendable ([Tensor]) -> Tensor
  ) {
    testDescription = name
    (self.shapes, self.shift, self.roundings, self.result) = (shapes, shift, roundings, result)
    make = { _ in Sequential(layers: []) }
    self.run = { run($1) }
  }
}

/// A layer with its inputs as parameters, so that one walk finds all that has a gradient.
private struct Trial: Module {
  let module: any Module
  let inputs: [Parameter]
}

/// Every layer and loss takes half types and gives them back; numbers and gradients are those of Float32 but for
/// rounding.
@Suite struct HalfTypeTests {
  @Test(arguments: Device.all) func layersComputeAsInFloat32(_ device: Device) throws {
    for (index, item) in HalfCase.all.enumerated() {
      // Kernels are compiled for each type, which is what takes the time: there one type each.
      let dtypes = [DType.float16, .bfloat16].filter { device.kind == .cpu || ($0 == .float16) == (index % 2 == 0) }
      for dtype in dtypes { try check(item, dtype, on: device) }
    }
  }

  private func check(_ item: HalfCase, _ dtype: DType, on device: Device) throws {
    try withDevice(device) {
      let trial = Trial(
        module: item.make(RandomGenerator(seed: 5)),
        inputs: item.shapes.enumerated().map {
          Parameter(sampleTensor($1, shift: item.shift, phase: Double($0), on: device), name: "input")
        })
      trial.cast(to: dtype)
      let half = try results(item, trial, dtype)
      // The same numbers, rounded as they are.
      trial.cast(to: .float32)
      let whole = try results(item, trial, .float32)
      let rounding = dtype == .float16 ? 0x1p-11 : 0x1p-8
      for ((name, got), (_, want)) in zip(half, whole) {
        let greatest = want.reduce(0) { max($0, abs($1)) }
        let worst = zip(got, want).reduce(0) { max($0, $1.0 == $1.1 ? 0 : abs($1.0 - $1.1)) }
        #expect(
          worst <= item.roundings * rounding * max(greatest, 1e-3) && got.count == want.count,
          "\(item.testDescription), \(dtype) on \(device): \(name) is off by \(worst) of \(greatest)")
      }
    }
  }

  /// The output of a random projection, and all gradients of it.
  private func results(_ item: HalfCase, _ trial: Trial, _ dtype: DType) throws -> [(name: String, values: [Double])] {
    for (_, generator) in trial.contents().generators { generator.state = RandomGenerator.State(seed: 9) }
    var output: Tensor?
    let (_, gradients) = valueAndGradients(of: trial) {
      let y = item.run(trial.module, trial.inputs.map(\.value))
      output = y.detached()
      let weights = sampleTensor(y.shape, shift: 0.3, phase: 2, on: y.device)
      return (y.cast(to: .float32) * weights).sum()
    }
    let wanted = dtype == .float32 ? dtype : item.result ?? dtype
    #expect(output!.dtype == wanted, "\(item.testDescription): the result is \(output!.dtype), not \(wanted)")
    for ((name, parameter), gradient) in zip(gradients.parameters, gradients.values) {
      #expect(gradient.dtype == parameter.value.dtype, "\(item.testDescription): gradient of \(name)")
    }
    return [("the result", try output!.scalars(as: Double.self))]
      + (try zip(gradients.parameters, gradients.values).map {
        ("the gradient of \($0.name)", try $1.scalars(as: Double.self))
      })
  }
}
