// SPDX-License-Identifier: MIT
import Tern
import TernNN

extension Operations {
  static let normalization: [String: Procedure] = ["batch_norm": batchNorm]

  static let rowNormalizations: [String: Function] = [
    "layer_norm": { a in
      [
        "y": layerNorm(
          a.x, trailingAxes: a.attributes.ints("normalized_shape")!.count, weight: a.optional("p.weight"),
          bias: a.optional("p.bias"), epsilon: a.attributes.float("eps")!)
      ]
    },
    "rms_norm": { ["y": rmsNorm($0.x, weight: $0.optional("p.weight"), epsilon: $0.attributes.float("eps")!)] },
    "group_norm": { a in
      [
        "y": groupNorm(
          a.x, groups: a.attributes.int("num_groups")!, weight: a.optional("p.weight"), bias: a.optional("p.bias"),
          epsilon: a.attributes.float("eps")!)
      ]
    },
    "instance_norm": { a in
      [
        "y": instanceNorm(
          a.x, weight: a.optional("p.weight"), bias: a.optional("p.bias"), epsilon: a.attributes.float("eps")!)
      ]
    },
    "local_response_norm": { a in
      let t = a.attributes
      return [
        "y": localResponseNorm(
          a.x, size: t.int("size")!, alpha: t.float("alpha")!, beta: t.float("beta")!, k: t.float("k")!)
      ]
    },
    "l2_normalize": { a in
      ["y": l2Normalized(a.x, axis: a.attributes.int("dim")!, epsilon: a.attributes.float("eps")!)]
    },
  ]

  /// A layer and its input, so that one gradient scope covers both.
  private struct Normalizer: Module {
    let layer: BatchNorm
    let x: Parameter
  }

  private static let batchNorm: Procedure = { golden, a, device in
    let isTraining = a.attributes.flag("training")
    let model = Normalizer(layer: makeBatchNorm(a, on: device), x: Parameter(a.x))
    var y: Tensor?
    let (_, gradients) = valueAndGradients(of: model, mode: isTraining ? .training : .inference) {
      let result = model.layer(model.x.value)
      y = result.detached()
      return (result * golden.factor(of: "y", on: device)!).sum()
    }
    var results = [
      "out.y": y!, "d.in.x": gradients["x"]!, "out.running_mean": model.layer.runningMean.value,
      "out.running_var": model.layer.runningVariance.value,
    ]
    results["d.p.weight"] = gradients["layer.weight"]
    results["d.p.bias"] = gradients["layer.bias"]
    return results
  }

  /// The layer for the input's rank, with the parameters and statistics that the case gives.
  static func makeBatchNorm(_ a: Arguments, on device: Device) -> BatchNorm {
    let layer = withDevice(device) {
      makeBatchNorm(
        a.x.rank, features: a.x.shape[1], momentum: a.attributes.float("momentum")!,
        epsilon: a.attributes.float("eps")!, affine: a.optional("p.weight") != nil)
    }
    if let weight = a.optional("p.weight") { layer.weight?.value = weight }
    if let bias = a.optional("p.bias") { layer.bias?.value = bias }
    layer.runningMean.value = a["buf.running_mean"]
    layer.runningVariance.value = a["buf.running_var"]
    return layer
  }

  private static func makeBatchNorm(
    _ rank: Int, features: Int, momentum: Float, epsilon: Float, affine: Bool
  ) -> BatchNorm {
    if rank == 5 { return BatchNorm3D(features, momentum: momentum, epsilon: epsilon, affine: affine) }
    if rank == 4 { return BatchNorm2D(features, momentum: momentum, epsilon: epsilon, affine: affine) }
    return BatchNorm1D(features, momentum: momentum, epsilon: epsilon, affine: affine)
  }
}
