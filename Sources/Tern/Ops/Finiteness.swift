// SPDX-License-Identifier: MIT
import TernRuntime

extension Tensor {
  /// Whether no element of any of the tensors is infinite or NaN: a bool of shape [], which nothing waits for.
  ///
  /// One reduction over all of them, in about one launch for 16 tensors. Integers and bools are always finite.
  ///
  ///     let isFinite = try Tensor.allFinite(gradients.values).scalar(as: Bool.self)
  ///
  /// - Precondition: there is a tensor, and all are on one device.
  public static func allFinite(_ tensors: [Tensor]) -> Tensor {
    require(!tensors.isEmpty, "allFinite: needs at least one tensor")
    let device = commonDevice("allFinite", tensors)
    let real = tensors.filter(\.dtype.isFloatingPoint)
    evaluate(real.map { [$0] })
    let flag = StridedView(device.backend.allocate(byteCount: DType.int32.byteCount), .int32, shape: [])
    device.backend.findNotFinite(in: real.map(\.view), into: flag)
    return Tensor(Value(device, .int32, [], .ready(flag.storage))) .== 0
  }
}
