// SPDX-License-Identifier: MIT

/// The three products of a convolution layer.
package enum ConvolutionPass: String, Sendable, CaseIterable {
  case forward, inputGradient, weightGradient
}
