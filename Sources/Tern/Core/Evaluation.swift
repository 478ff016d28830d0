// SPDX-License-Identifier: MIT
import TernRuntime

/// Runs pending values.
enum Evaluation {
  private struct Launch {
    let program: PointwiseProgram
    let outputs: [Value]
    let operands: PointwiseOperands
  }

  private struct Key: Hashable {
    let device: Device
    let structure: PointwiseProgram.Structure
    let scalars: [PointwiseProgram.Scalar]
  }

  /// Makes every value ready. The values of one group become one program with several outputs where they have one shape
  /// and the program fits; equal programs of different groups go to the device in one call. See `Tensor.evaluate` for
  /// `owned`.
  static func run(_ groups: [[Value]], overwriting owned: [[Value?]] = []) {
    var launches: [Launch] = []
    for (position, group) in groups.enumerated() {
      var rest = group.filter(\.isPending)
      while let first = rest.first {
        var together = [first]
        var builder = ProgramBuilder()
        builder.add(first)
        for value in rest.dropFirst() where value.shape == first.shape && value.device == first.device {
          guard together.count < PointwiseProgram.maximumOutputs else { break }
          if !builder.computes(value) {
            var larger = builder
            larger.add(value)
            guard larger.fits else { continue }
            builder = larger
          }
          together.append(value)
        }
        rest.removeAll { value in together.contains { $0 === value } }
        // A later program of the group might read what this one would overwrite.
        let isWhole = position < owned.count && together.count == owned[position].count
        launches.append(launch(builder, together, overwriting: isWhole ? owned[position] : []))
      }
    }
    dispatch(launches)
    for group in groups { for value in group { _ = value.storage() } }
  }

  /// Reduces a pending value without storing it, where its device does that faster and nothing else is waiting for the
  /// value or for what is computed on the way.
  ///
  /// - Returns: false if nothing has been reduced; the value may be ready then.
  static func reduce(_ kind: Reduction, _ geometry: ReductionGeometry, _ value: Value, into y: StridedView) -> Bool {
    guard value.isPending, value.consumerCount == 0, !value.isWorthKeeping else { return false }
    var builder = ProgramBuilder()
    builder.add(value)
    // Another thread may have made it ready meanwhile.
    guard builder.computed.contains(where: { $0.value === value }) else { return false }
    let isAlone = builder.computed.allSatisfy { $0.value === value || $0.value.consumerCount <= $0.uses }
    let backend = value.device.backend
    guard isAlone, backend.reduce(kind, geometry, of: builder.program(writing: [value]), builder.inputs, into: y) else {
      finish([launch(builder, [value], overwriting: [])])  // the program is here, so it need not be built again
      return false
    }
    for (value, _) in builder.computed { value.markRecomputed() }
    return true
  }

  /// Completes a launch: values computed on the way that other pending recipes also read are kept as outputs.
  private static func launch(_ builder: ProgramBuilder, _ wanted: [Value], overwriting owned: [Value?]) -> Launch {
    var outputs = wanted
    for (value, uses) in builder.computed where !wanted.contains(where: { $0 === value }) {
      if value.consumerCount > uses && outputs.count < PointwiseProgram.maximumOutputs {
        outputs.append(value)
      } else {
        value.markRecomputed()
      }
    }
    let backend = wanted[0].device.backend
    let views = outputs.indices.map { index in
      let value = outputs[index]
      var storage: Storage?
      if index < owned.count, let old = owned[index], old.dtype == value.dtype, old.shape == value.shape,
        builder.isSoleReader(of: old)
      {
        storage = old.storage()
      }
      let size = elementCount(value.shape) * value.dtype.byteCount
      return StridedView(storage ?? backend.allocate(byteCount: size), value.dtype, shape: value.shape)
    }
    return Launch(
      program: builder.program(writing: outputs), outputs: outputs,
      operands: PointwiseOperands(inputs: builder.inputs, outputs: views))
  }

  private static func dispatch(_ launches: [Launch]) {
    if launches.count == 1 {
      finish(launches)
      return
    }
    var order: [Key] = []
    var byKey: [Key: [Launch]] = [:]
    for launch in launches {
      let key = Key(
        device: launch.outputs[0].device, structure: launch.program.structure, scalars: launch.program.scalars)
      if byKey[key] == nil { order.append(key) }
      byKey[key, default: []].append(launch)
    }
    for key in order { finish(byKey[key]!) }
  }

  /// Runs launches of one program and hands out the results.
  private static func finish(_ launches: [Launch]) {
    launches[0].outputs[0].device.backend.pointwise(launches[0].program, launches.map(\.operands))
    for launch in launches {
      for (value, view) in zip(launch.outputs, launch.operands.outputs) { value.publish(view.storage) }
    }
  }
}
