// SPDX-License-Identifier: MIT

/// What a device has done since the process started, or since an earlier reading: `later - earlier`.
public struct Statistics: Sendable, Equatable, Codable {
  /// Kernels launched. A CLBlast call counts as the launches it makes.
  public var launches = 0
  /// Bytes copied from the host to the device.
  public var bytesUploaded = 0
  /// Bytes copied from the device to the host.
  public var bytesDownloaded = 0
  /// Times the host waited for the device.
  public var hostSyncs = 0
  /// Operations that had no kernel on the device and ran on the CPU.
  public var cpuFallbacks = 0
  /// Blocks of device memory taken from the driver or the operating system, so not from the pool.
  public var deviceAllocations = 0
  /// Programs compiled by the driver.
  public var programBuilds = 0
  /// Programs whose compiled form came from Tern's cache on disk, so that the driver had nothing to compile.
  public var programLoads = 0

  /// All counters at 0.
  public init() {}

  /// What happened between two readings of one device.
  public static func - (later: Statistics, earlier: Statistics) -> Statistics {
    var difference = Statistics()
    difference.launches = later.launches - earlier.launches
    difference.bytesUploaded = later.bytesUploaded - earlier.bytesUploaded
    difference.bytesDownloaded = later.bytesDownloaded - earlier.bytesDownloaded
    difference.hostSyncs = later.hostSyncs - earlier.hostSyncs
    difference.cpuFallbacks = later.cpuFallbacks - earlier.cpuFallbacks
    difference.deviceAllocations = later.deviceAllocations - earlier.deviceAllocations
    difference.programBuilds = later.programBuilds - earlier.programBuilds
    difference.programLoads = later.programLoads - earlier.programLoads
    return difference
  }
}

/// A device's memory as Tern holds it, in bytes.
public struct MemoryUse: Sendable, Equatable, Codable {
  /// Held by living tensors.
  public var inUse = 0
  /// The highest `inUse` so far.
  public var peak = 0
  /// Free blocks kept for reuse.
  public var pooled = 0

  /// No memory.
  public init() {}
}
