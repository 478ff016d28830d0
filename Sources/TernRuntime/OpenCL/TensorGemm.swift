// SPDX-License-Identifier: MIT

/// Whether a device has tensor cores that `gemm_tensor` reaches: found out by compiling it and checking small products.
final class TensorCores: Sendable {
  private let works = Lock<Bool?>(nil)

  /// What a product's operands and the precision in force ask for, if the device can do it.
  func algorithm(for problem: GemmProblem, on backend: OpenCLBackend) -> GemmAlgorithm? {
    guard backend.info.isNVIDIA, problem.k > 0, let wanted = Self.wanted(for: problem) else { return nil }
    return areThere(backend) ? wanted : nil
  }

  static func wanted(for problem: GemmProblem) -> GemmAlgorithm? {
    // Numbers of half types are TF32 numbers, so their products are exact.
    if problem.a.dtype != .float32 && problem.b.dtype != .float32 { return .tensorTF32 }
    switch MatmulPrecision.current {
    case .highest: return nil
    case .high: return .tensor3xTF32
    case .medium: return .tensorTF32
    }
  }

  /// The precision in force, where it makes a difference: on devices with tensor cores.
  func precision(on backend: OpenCLBackend) -> MatmulPrecision {
    let precision = MatmulPrecision.current
    return precision != .highest && backend.info.isNVIDIA && areThere(backend) ? precision : .highest
  }

  private func areThere(_ backend: OpenCLBackend) -> Bool {
    works.withLock { works in
      if let works { return works }
      guard !backend.queue.hasFailed else { return false }  // an older failure: not to be hidden, nor to be judged by
      let found = [GemmAlgorithm.tensorTF32, .tensor3xTF32].allSatisfy { Self.check($0, on: backend) }
      works = found
      return found
    }
  }

  /// Multiplies matrices of small integers, whose products TF32 gives exactly, plus 1/4096 of others that only the
  /// split keeps, over edges in all directions.
  static func check(_ algorithm: GemmAlgorithm, on backend: OpenCLBackend) -> Bool {
    let (m, n, k) = (150, 140, 37)
    let isSplit = algorithm == .tensor3xTF32
    func numbers(_ count: Int, _ seed: Int) -> [Float] {
      (0..<count).map { index in
        let coarse = Float((index * 7 + seed) % 13 - 6)
        return isSplit ? coarse + Float((index * 5 + seed) % 11 - 5) / 4096 : coarse
      }
    }
    func upload(_ values: [Float]) -> Storage {
      let storage = backend.scratch(values.count)
      values.withUnsafeBytes { backend.upload($0, to: storage, byteOffset: 0) }
      return storage
    }
    let (left, right) = (numbers(m * k, 1), numbers(k * n, 4))
    let c = GemmOperand(storage: backend.scratch(m * n), dtype: .float32, row: n, column: 1)
    let problem = GemmProblem(
      m: m, n: n, k: k, a: GemmOperand(storage: upload(left), dtype: .float32, row: k, column: 1),
      b: GemmOperand(storage: upload(right), dtype: .float32, row: n, column: 1), c: c)
    let tile = GemmTile.tensor
    do {
      _ = try backend.programs.kernel(
        tile.kernel, of: tile.source, definitions: backend.tileDefinitions(problem, tile, algorithm))
    } catch {
      return false  // the driver does not know the instructions
    }
    backend.gemm(problem, by: algorithm)
    var values = [Float](repeating: .nan, count: m * n)
    do {
      try values.withUnsafeMutableBytes { try backend.download(c.storage, byteOffset: 0, into: $0) }
    } catch {
      return false
    }
    return (0..<m * n).allSatisfy { place in
      var sum = 0.0
      for p in 0..<k { sum += Double(left[place / n * k + p]) * Double(right[p * n + place % n]) }
      return abs(Double(values[place]) - sum) <= (isSplit ? 1e-3 : 0)
    }
  }
}

extension OpenCLBackend {
  /// The precision in force, `.highest` where the device has but one: what algorithms are chosen by.
  var tensorPrecision: MatmulPrecision { tensorCores.precision(on: self) }
}
