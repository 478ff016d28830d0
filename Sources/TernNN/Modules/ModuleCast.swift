// SPDX-License-Identifier: MIT
import Tern
import TernRuntime

extension Module {
  /// Stores the parameters in another floating-point type, rounded to the nearest, and leaves the rest of the work to
  /// the layers, which compute in the dtype of their parameters and give what they take:
  ///
  ///     model.cast(to: .bfloat16)
  ///     let logits = model(images.cast(to: .bfloat16))
  ///
  /// Scales and shifts of normalizations stay in Float32, and so do all buffers, running statistics above all: they are
  /// few, and their layers take them so. The type says where numbers are stored; sums and products are made in Float32.
  ///
  /// Optimizers keep a Float32 copy of each parameter of a half type, see `Optimizer`, so the model is cast once,
  /// before training. Small gradients vanish in `float16`: see `LossScaler`. Files keep the dtype of the parameters,
  /// and loading one converts to the dtypes of the model that loads it.
  ///
  /// - Precondition: the dtype is floating point; no gradient scope of the parameters is open.
  public func cast(to dtype: DType) {
    require(dtype.isFloatingPoint, "\(Self.self).cast(to:): parameters are floating point, got \(dtype)")
    let cells = parameters().map(\.parameter).filter { !$0.keepsFloat32 && $0.value.dtype != dtype }
    let values = cells.map { $0.value.cast(to: dtype) }
    Tensor.evaluate(values.map { [$0] })
    for (cell, value) in zip(cells, values) { cell.value = value }
  }
}
