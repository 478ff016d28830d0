// SPDX-License-Identifier: MIT
import Tern
import TernNN

/// `relu(norm(convolution(x)) + residual)`, the unit that residual and separable networks are made of.
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
  var y = norm(convolution(x))
  if let residual { y = y + residual }
  return rectified ? relu(y) : y
}
