// SPDX-License-Identifier: MIT
import Tern
import TernNN

/// `relu(norm(convolution(x)) + residual)`, the unit that residual and separable networks are made of; what follows the
/// convolution is one pass over memory.
///
/// Models keep the two layers as properties of their own, so that parameters have the names that other libraries give
/// them, and apply them here.
///
/// - Parameters:
///   - residual: what is added before the activation, of the result's shape.
///   - rectified: whether an activation follows.
func normalizedConvolution(
  _ convolution: Conv2D, _ norm: BatchNorm2D, _ x: Tensor, adding residual: Tensor? = nil, rectified: Bool = true
) -> Tensor {
  norm(convolution(x), adding: residual, activation: rectified ? .relu : .none)
}
