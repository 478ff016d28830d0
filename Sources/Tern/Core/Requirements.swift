// SPDX-License-Identifier: MIT
import TernRuntime

/// Traps unless an operation's input is of real numbers.
func requireFloatingPoint(_ operation: String, _ x: Tensor) {
  require(
    x.dtype.isFloatingPoint, "\(operation): needs a floating-point tensor, got \(x.dtype); convert it with x.cast(to:)")
}

/// Traps unless the dtype that was asked for is of real numbers.
func requireFloatingPoint(_ operation: String, dtype: DType) {
  require(dtype.isFloatingPoint, "\(operation): needs a floating-point dtype, got \(dtype)")
}
