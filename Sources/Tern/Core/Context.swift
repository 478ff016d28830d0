// SPDX-License-Identifier: MIT
import TernRuntime

/// Whether layers behave as in training (dropout drops, batch normalization uses the batch) or as in use.
public enum Mode: Sendable, Hashable {
  /// Dropout drops, and batch normalization takes the batch's statistics and updates the running ones. Gradient scopes
  /// set it.
  case training
  /// Dropout passes everything, and batch normalization takes the running statistics.
  case inference

  @TaskLocal static var scoped: Mode = .inference

  /// The mode in force: `.inference`, unless a gradient scope or `withMode` says otherwise.
  public static var current: Mode { scoped }
}

/// Runs `body` with layers in another mode.
public func withMode<R>(_ mode: Mode, _ body: () throws -> R) rethrows -> R {
  try Mode.$scoped.withValue(mode, operation: body)
}

extension Device {
  @TaskLocal static var scoped: Device?

  /// Where tensors made without a device go: the innermost `withDevice`, else `Device.default`.
  public static var current: Device { scoped ?? .default }
}

/// Makes `device` the place of tensors created in `body`. Operations run where their inputs are, here too.
public func withDevice<R>(_ device: Device, _ body: () throws -> R) rethrows -> R {
  try Device.$scoped.withValue(device, operation: body)
}
