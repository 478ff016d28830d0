// SPDX-License-Identifier: MIT

/// Normalization: a family of operations beside `Backend`, under the same rules.
///
/// Storage may be of any floating-point type, in one dtype for all of `x`, `y`, `residual` and their gradients;
/// statistics, weights and their gradients are computed in Float32. Statistics are accurate for means far from zero:
/// squares are summed relative to a mean, never as `E[x²] - E[x]²`.
package protocol NormalizationBackend: AnyObject, Sendable {
  /// Batch normalization by the batch's own statistics, with residual sum and rectifier in the same pass:
  ///
  ///     y = act((x - mean[c]) * deviation[c] * weight[c] + bias[c] + residual)
  func batchNormalization(
    _ plan: BatchNormalization, _ inputs: BatchNormalization.Inputs, into results: BatchNormalization.Results)
  /// The gradient, with `g = dy` where the rectifier let it pass, `n` elements a channel and
  /// `z = (x - mean) * deviation`:
  ///
  ///     dBias = sum(g)    dWeight = sum(g * z)    dResidual = g
  ///     dx = weight * deviation * (g - dBias / n - z * dWeight / n)
  func batchNormalizationGradient(
    _ plan: BatchNormalization, _ saved: BatchNormalization.Saved, dy: StridedView,
    into gradients: BatchNormalization.Gradients)
  /// Normalizes every row by itself: `y = (x - mean) * deviation * weight + bias`.
  func rowNormalization(
    _ plan: RowNormalization, _ x: StridedView, weight: StridedView?, bias: StridedView?,
    into results: RowNormalization.Results)
  /// The gradient, with `g = dy * weight`, `n` elements a row and `z = (x - mean) * deviation`:
  ///
  ///     dBias = sum(dy)    dWeight = sum(dy * z)    dx = deviation * (g - sum(g) / n - z * sum(g * z) / n)
  ///
  /// The sums of `dx` run over the row, and the first is absent unless the plan centers.
  func rowNormalizationGradient(
    _ plan: RowNormalization, _ saved: RowNormalization.Saved, dy: StridedView,
    into gradients: RowNormalization.Gradients)
}

/// Sizes and settings of batch normalization of `[batch, channels, ...]`.
package struct BatchNormalization: Sendable, Hashable {
  /// Extents; `inner` is the product of the axes behind the channels.
  package let batch, channels, inner: Int
  package let epsilon: Float
  /// Whether a rectifier follows.
  package let rectifies: Bool

  /// - Precondition: `shape` has at least two axes, and a channel more than one element.
  package init(_ operation: String, _ shape: [Int], epsilon: Float, rectifies: Bool) {
    require(shape.count >= 2, "\(operation): input must be [N, C, ...], got \(shape)")
    require(epsilon >= 0, "\(operation): epsilon must not be negative, got \(epsilon)")
    batch = shape[0]
    channels = shape[1]
    inner = elementCount(Array(shape[2...]))
    self.epsilon = epsilon
    self.rectifies = rectifies
    require(
      channelCount > 1 || channels == 0,
      "\(operation): the batch's statistics need more than one value for each channel, got \(shape)")
  }

  /// Elements of one channel.
  package var channelCount: Int { batch * inner }
}

extension BatchNormalization {
  package struct Inputs: Sendable {
    package let x: StridedView
    /// `[channels]`; ones and zeros where absent.
    package let weight, bias: StridedView?
    /// Of `x`'s shape; added before the rectifier.
    package let residual: StridedView?
    /// Mean and variance so far, Float32 `[channels]`, and the share of this batch in the new ones.
    package let running: (mean: StridedView, variance: StridedView, momentum: Float)?

    package init(
      x: StridedView, weight: StridedView?, bias: StridedView?, residual: StridedView?,
      running: (mean: StridedView, variance: StridedView, momentum: Float)?
    ) {
      self.x = x
      self.weight = weight
      self.bias = bias
      self.residual = residual
      self.running = running
    }
  }

  /// Dense outputs: `y` of `x`'s shape and dtype, the others Float32 `[channels]`.
  package struct Results: Sendable {
    package let y: StridedView
    package let mean: StridedView
    /// The reciprocal of the standard deviation: `1 / sqrt(variance + epsilon)`.
    package let deviation: StridedView
    /// New running statistics, there if the inputs have some; the variance is the unbiased one.
    package let running: (mean: StridedView, variance: StridedView)?

    package init(
      y: StridedView, mean: StridedView, deviation: StridedView, running: (mean: StridedView, variance: StridedView)?
    ) {
      self.y = y
      self.mean = mean
      self.deviation = deviation
      self.running = running
    }
  }

  /// What the gradient is computed from.
  package struct Saved: Sendable {
    package let x: StridedView
    /// The output, there if the plan rectifies: the gradient passed where it is positive.
    package let y: StridedView?
    package let weight: StridedView?
    package let mean, deviation: StridedView

    package init(
      x: StridedView, y: StridedView?, weight: StridedView?, mean: StridedView, deviation: StridedView
    ) {
      self.x = x
      self.y = y
      self.weight = weight
      self.mean = mean
      self.deviation = deviation
    }
  }

  /// Dense outputs; `dx` and `dResidual` are absent where nobody asks for them, the latter also without a rectifier,
  /// where it would be `dy`.
  package struct Gradients: Sendable {
    package let dx, dResidual: StridedView?
    /// Float32 `[channels]`.
    package let dWeight, dBias: StridedView

    package init(dx: StridedView?, dResidual: StridedView?, dWeight: StridedView, dBias: StridedView) {
      self.dx = dx
      self.dResidual = dResidual
      self.dWeight = dWeight
      self.dBias = dBias
    }
  }
}

/// Sizes and settings of a normalization of rows. An array is seen as `[rows, channels, spread]`, normalized over the
/// last two; `spread` neighbours share a weight, and row `r` uses the weights of group `r % groups`.
///
/// | kind | rows | groups | channels | spread |
/// | --- | --- | --- | --- | --- |
/// | layer and RMS norm | all before | 1 | elements of a row | 1 |
/// | group norm | N * groups | groups | C / groups | H * W |
/// | instance norm | N * C | C | 1 | H * W |
package struct RowNormalization: Sendable, Hashable {
  package let rows, groups, channels, spread: Int
  /// How many axes come before those that are normalized, where a row takes whole axes; else nil.
  package let leadingAxes: Int?
  package let epsilon: Float
  /// False: divides by the root of the mean square, the mean counts as 0.
  package let centers: Bool

  /// Rows of the last axes.
  package init(
    _ operation: String, _ shape: [Int], trailing count: Int, epsilon: Float, centers: Bool
  ) {
    require(epsilon >= 0, "\(operation): epsilon must not be negative, got \(epsilon)")
    leadingAxes = shape.count - count
    rows = elementCount(Array(shape.dropLast(count)))
    channels = elementCount(Array(shape.suffix(count)))
    (groups, spread) = (1, 1)
    self.epsilon = epsilon
    self.centers = centers
  }

  /// Groups of channels of `[N, C, ...]`.
  ///
  /// - Precondition: `groups` divides the channels.
  package init(_ operation: String, _ shape: [Int], groups: Int, epsilon: Float) {
    require(shape.count >= 2, "\(operation): input must be [N, C, ...], got \(shape)")
    require(epsilon >= 0, "\(operation): epsilon must not be negative, got \(epsilon)")
    require(
      groups >= 1 && shape[1] % groups == 0,
      "\(operation): the channels of \(shape) must be a multiple of groups, which is \(groups)")
    leadingAxes = groups == 1 ? 1 : nil
    rows = shape[0] * groups
    channels = shape[1] / groups
    spread = elementCount(Array(shape[2...]))
    self.groups = groups
    self.epsilon = epsilon
    centers = true
  }

  /// Elements of a row.
  package var length: Int { channels * spread }
  /// Numbers in the weight, and in the bias.
  package var weightCount: Int { groups * channels }
}

extension RowNormalization {
  /// Dense outputs: `y` of `x`'s shape and dtype, the statistics Float32 `[rows]`; `mean` is there if the plan centers.
  package struct Results: Sendable {
    package let y: StridedView
    package let mean: StridedView?
    package let deviation: StridedView

    package init(y: StridedView, mean: StridedView?, deviation: StridedView) {
      self.y = y
      self.mean = mean
      self.deviation = deviation
    }
  }

  package struct Saved: Sendable {
    package let x: StridedView
    package let weight: StridedView?
    package let mean: StridedView?
    package let deviation: StridedView

    package init(x: StridedView, weight: StridedView?, mean: StridedView?, deviation: StridedView) {
      self.x = x
      self.weight = weight
      self.mean = mean
      self.deviation = deviation
    }
  }

  /// Dense outputs, absent where nobody asks for them; the weights' are Float32 `[groups * channels]`.
  package struct Gradients: Sendable {
    package let dx, dWeight, dBias: StridedView?

    package init(dx: StridedView?, dWeight: StridedView?, dBias: StridedView?) {
      self.dx = dx
      self.dWeight = dWeight
      self.dBias = dBias
    }
  }
}
