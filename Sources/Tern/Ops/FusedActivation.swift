// SPDX-License-Identifier: MIT
import TernRuntime

extension Activation {
  /// The tensor function of this name.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .none: x
    case .relu: Tern.relu(x)
    case .tanh: Tern.tanh(x)
    case .sigmoid: Tern.sigmoid(x)
    case .gelu: Tern.gelu(x)
    case .geluTanh: Tern.gelu(x, approximation: .tanh)
    case .silu: Tern.silu(x)
    }
  }

  /// Whether an operation on these inputs may apply the activation itself: its derivative follows from the output, or
  /// nobody will ask for one.
  func fuses(withOperationOn inputs: [Tensor]) -> Bool {
    derivativeFollowsFromOutput || inputs.allSatisfy { $0.node == nil }
  }

  /// The gradient before the activation from the one behind it, for those whose derivative follows from the output.
  func pulledBack(_ gradient: Tensor, output y: Tensor) -> Tensor {
    switch self {
    case .none: return gradient
    case .relu: return `where`(y.detached() .<= 0, gradient.like(0), gradient)  // NaN lets it pass, as it passed
    case .tanh: return gradient * (1 - square(y))
    case .sigmoid: return gradient * y * (1 - y)
    case .gelu, .geluTanh, .silu: trap("\(self): its derivative does not follow from its output")
    }
  }
}
