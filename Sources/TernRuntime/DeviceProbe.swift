// SPDX-License-Identifier: MIT
import CTernCPU

/// What a device reaches when nothing but its hardware holds it back.
public struct DeviceProbe: Sendable, Codable, Equatable {
  /// Bytes read and written by a copy of a large array, in 10^9 a second.
  public let copyGigabytesPerSecond: Double
  /// Float32 multiply-adds in registers, two operations each, in 10^9 operations a second.
  public let multiplyAddGigaflopsPerSecond: Double

  /// Measures the device; takes about half a second, and a few hundred megabytes of its memory.
  ///
  /// - Throws: `TernError` when the device fails.
  public static func measure(_ device: Device) throws -> DeviceProbe {
    let bytes = 2.0 * Double(copyCount * DType.float32.byteCount)
    let copy = try copySeconds(device)
    let arithmetic =
      switch device.backend {
      case let backend as OpenCLBackend: try multiplyAddRate(backend)
      default: multiplyAddRate(ThreadPool.shared)
      }
    return DeviceProbe(
      copyGigabytesPerSecond: bytes / copy / 1e9, multiplyAddGigaflopsPerSecond: arithmetic / 1e9)
  }

  /// Elements of the array that is copied: 128 MiB, more than any cache.
  private static let copyCount = 1 << 25

  private static func copySeconds(_ device: Device) throws -> Double {
    let backend = device.backend
    let views = (0..<2).map { _ in
      StridedView(backend.allocate(byteCount: 4 * copyCount), .float32, shape: [copyCount])
    }
    backend.pointwise(.fill(.real(1), dtype: .float32), [PointwiseOperands(inputs: [], outputs: [views[0]])])
    let copy = PointwiseProgram.copy(from: .float32, to: .float32)
    // The first rounds touch the pages and compile the kernel.
    return try best(of: 8, afterWarmUp: 3) {
      backend.pointwise(copy, [PointwiseOperands(inputs: [views[0]], outputs: [views[1]])])
      try backend.synchronize()
    }
  }

  private static func multiplyAddRate(_ threads: ThreadPool) -> Double {
    let probe = tern_probe().pointee
    let chunks = 4 * threads.threadCount
    return rate(operationsPerRound: Double(2 * chunks * Int(probe.chains * probe.lanes))) { rounds in
      threads.run(chunks: chunks) { _ in _ = probe.multiply_add(Int64(rounds)) }
    }
  }

  private static func multiplyAddRate(_ backend: OpenCLBackend) throws -> Double {
    // Enough work-items to fill every unit of the device: a GPU's hold up to 2,048 each.
    let (items, local, lanes) =
      backend.isCPUDevice ? (4 * backend.computeUnits, 1, 16) : (2048 * backend.computeUnits, 256, 1)
    let y = backend.allocate(byteCount: 4 * items)
    return try rate(operationsPerRound: Double(2 * 12 * items * lanes)) { rounds in
      backend.launch("probe.cl", "multiply_add", global: [items], local: [local], [.storage(y), .long(rounds)])
      try backend.synchronize()
    }
  }

  /// Operations a second, with as many rounds as take 20 ms.
  private static func rate(
    operationsPerRound: Double, _ run: (_ rounds: Int) throws -> Void
  ) rethrows -> Double {
    var rounds = 1 << 12
    while try best(of: 1, afterWarmUp: 1, { try run(rounds) }) < 0.02 && rounds < 1 << 32 { rounds *= 2 }
    let seconds = try best(of: 5, afterWarmUp: 0) { try run(rounds) }
    return operationsPerRound * Double(rounds) / seconds
  }

  private static func best(of repetitions: Int, afterWarmUp: Int, _ body: () throws -> Void) rethrows -> Double {
    for _ in 0..<afterWarmUp { try body() }
    let clock = ContinuousClock()
    let times = try (0..<repetitions).map { _ in try clock.measure(body) / .seconds(1) }
    return times.min()!
  }
}
