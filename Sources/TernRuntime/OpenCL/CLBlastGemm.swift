// SPDX-License-Identifier: MIT
import CCLBlast
import COpenCL
import Foundation

/// The process-wide side of CLBlast: its first call races between threads, so calls go one at a time, and parameters
/// are set before a device's first.
private enum CLBlast {
  static let prepared = Lock<Set<Int>>([])
  /// Devices on which overridden parameters gave wrong results.
  static let refused = Lock<Set<Int>>([])
  /// Written once by the loader, never after.
  nonisolated(unsafe) static let functions = tern_clblast_load()

  /// - Returns: whether there was anything to override.
  static func override(_ table: tern_clblast_table, device: cl_device_id) throws(TernError) -> Bool {
    guard let setting = environmentValue("TERN_CLBLAST_PARAMETERS") else { return false }
    let parameters: CLBlastParameters
    do throws(CLBlastParameters.Refusal) {
      parameters = try CLBlastParameters(setting)
    } catch {
      throw TernError(.setting, "TERN_CLBLAST_PARAMETERS: \(error.what)", remedy: "correct or unset it")
    }
    for (kernel, values) in parameters.kernels {
      let names = values.keys.sorted()
      var pointers = names.map { UnsafePointer(strdup($0)) as UnsafePointer<CChar>? }
      defer { for pointer in pointers { free(UnsafeMutablePointer(mutating: pointer)) } }
      let status = table.CLBlastOverrideParameters(
        device, kernel, CLBlastPrecisionSingle, names.count, &pointers, names.map { values[$0]! })
      guard status == CLBlastSuccess else {
        throw TernError(
          .setting, "TERN_CLBLAST_PARAMETERS: CLBlast refuses the parameters of \(kernel)",
          remedy: "all parameters of the kernel are needed, by CLBlast's names",
          cause: "CLBlast status \(status.rawValue)")
      }
    }
    return !parameters.kernels.isEmpty
  }
}

extension OpenCLBackend {
  /// Whether the library is there and takes the problem: Float32, a batch of one stride, a sum that is not empty, no
  /// activation.
  func canUseCLBlast(_ problem: GemmProblem) -> Bool {
    CLBlast.functions != nil && forCLBlast(problem) != nil && prepareCLBlast()
  }

  /// Before a device's first call: sets parameters and, where any are overridden, tries them.
  ///
  /// - Returns: whether products are right.
  private func prepareCLBlast() -> Bool {
    let device = Int(bitPattern: deviceID)
    let overrides = CLBlast.prepared.withLock { prepared in
      guard prepared.insert(device).inserted, let functions = CLBlast.functions else { return false }
      do throws(TernError) {
        return try CLBlast.override(functions.pointee, device: deviceID)
      } catch {
        fail(error)
        return false
      }
    }
    // Above 1,472 in each extent NVIDIA's default uses the kernel that is tuned, below another one.
    if overrides && !agreesWithCLBlast(size: isCPUDevice ? 640 : 1536) {
      _ = CLBlast.refused.withLock { $0.insert(device) }
      fail(
        TernError(
          .setting, "TERN_CLBLAST_PARAMETERS: with them CLBlast's products are wrong on \(info.name)",
          remedy: "unset the variable, or take other parameters; CLBlast is not used until then"))
    }
    return !CLBlast.refused.withLock { $0.contains(device) }
  }

  /// Whether CLBlast multiplies square matrices of small integers exactly as `own` does.
  func agreesWithCLBlast(size: Int) -> Bool {
    func matrix(_ step: Int) -> GemmOperand {
      let storage = scratch(size * size)
      let values = (0..<size * size).map { Float(($0 * step + $0 / size) % 7 - 3) }
      values.withUnsafeBytes { upload($0, to: storage, byteOffset: 0) }
      return GemmOperand(storage: storage, dtype: .float32, row: size, column: 1)
    }
    func values(_ operand: GemmOperand) -> [Float]? {
      var values = [Float](repeating: .nan, count: size * size)
      let isRead: Void? = try? values.withUnsafeMutableBytes { try download(operand.storage, byteOffset: 0, into: $0) }
      return isRead == nil ? nil : values
    }
    let (a, b) = (matrix(5), matrix(3))
    let problem = GemmProblem(m: size, n: size, k: size, a: a, b: b, c: matrix(1))
    var other = problem
    other.c = matrix(2)
    guard clblastGemm(problem) else { return false }
    tiledGemm(other, GemmTile.choice(for: other, on: self))
    guard let found = values(problem.c), let expected = values(other.c) else { return false }
    return found == expected
  }

  /// The problem as CLBlast takes it, with the result's matrix.
  private func forCLBlast(_ original: GemmProblem) -> (problem: GemmProblem, c: LeadingMatrix)? {
    let problem = original.c.column == 1 || original.n == 1 ? original : original.transposed
    guard problem.k > 0, problem.outer == 1 || problem.inner == 1, problem.activation == .none,
      problem.bias == nil || problem.bias!.inner == 0 || problem.outer == 1,
      [problem.a.dtype, problem.b.dtype, problem.c.dtype].allSatisfy({ $0 == .float32 }),
      let c = matrix(problem.c, rows: problem.m, columns: problem.n, problem), !c.isTransposed
    else { return nil }
    return (problem, c)
  }

  /// Multiplies with CLBlast.
  ///
  /// - Returns: false where it cannot.
  func clblastGemm(_ original: GemmProblem) -> Bool {
    guard let functions = CLBlast.functions, case (let problem, var c)? = forCLBlast(original) else { return false }
    let a =
      matrix(problem.a, rows: problem.m, columns: problem.k, problem)
      ?? matrix(
        copy(problem.a, rows: problem.m, columns: problem.k, problem), rows: problem.m, columns: problem.k, problem)!
    let b =
      matrix(problem.b, rows: problem.k, columns: problem.n, problem)
      ?? matrix(
        copy(problem.b, rows: problem.k, columns: problem.n, problem), rows: problem.k, columns: problem.n, problem)!
    c.batch = problem.outer == 1 ? problem.c.inner : problem.c.outer
    if problem.bias != nil { prefill(problem) }
    guard let x = a.storage.buffer, let y = b.storage.buffer, let z = c.storage.buffer else {
      fail(Self.neverAllocated("matmul"))
      return true
    }
    let beta: Float = problem.bias == nil ? 0 : 1
    return CLBlast.prepared.withLock { _ in
      if problem.batch > 1 {
        // One kernel for the products, and up to one before or after for each operand.
        enqueue("CLBlastSgemmStridedBatched", launches: 5) { queue, event in
          var queue: cl_command_queue? = queue
          return functions.pointee.CLBlastSgemmStridedBatched(
            CLBlastLayoutRowMajor, a.transpose, b.transpose, problem.m, problem.n, problem.k, 1,
            x, a.offset, a.leading, a.batch, y, b.offset, b.leading, b.batch, beta, z, c.offset, c.leading, c.batch,
            problem.batch, &queue, event
          ).status
        }
        return true
      }
      var queue: cl_command_queue? = self.queue.pointer
      var bytes = 0
      let status = functions.pointee.CLBlastSGemmTempBufferSize(
        CLBlastLayoutRowMajor, a.transpose, b.transpose, problem.m, problem.n, problem.k,
        a.offset, a.leading, b.offset, b.leading, c.offset, c.leading, &queue, &bytes)
      guard status == CLBlastSuccess else { return false }
      let scratch = bytes == 0 ? nil : allocate(byteCount: bytes)
      // Without scratch it runs its direct kernel; else it may copy a, b, and c twice.
      enqueue("CLBlastSgemm", launches: bytes == 0 ? 1 : 5) { queue, event in
        var queue: cl_command_queue? = queue
        return functions.pointee.CLBlastSgemmWithTempBuffer(
          CLBlastLayoutRowMajor, a.transpose, b.transpose, problem.m, problem.n, problem.k, 1,
          x, a.offset, a.leading, y, b.offset, b.leading, beta, z, c.offset, c.leading, &queue, event, scratch?.buffer
        ).status
      }
      return true
    }
  }

  /// The operand as CLBlast takes it, neighbouring elements along one axis; nil where it has none.
  private func matrix(_ operand: GemmOperand, rows: Int, columns: Int, _ problem: GemmProblem) -> LeadingMatrix? {
    let batch = problem.outer == 1 ? operand.inner : operand.outer
    func given(_ step: Int, _ stride: Int, _ lines: Int, _ width: Int, transposed: Bool) -> LeadingMatrix? {
      guard step == 1 || width == 1, lines == 1 || stride >= width, batch >= 0 else { return nil }
      return LeadingMatrix(
        storage: operand.storage, isTransposed: transposed, offset: operand.offset,
        leading: lines == 1 ? max(1, width) : stride, batch: batch)
    }
    return given(operand.column, operand.row, rows, columns, transposed: false)
      ?? given(operand.row, operand.column, columns, rows, transposed: true)
  }

  private func view(_ operand: GemmOperand, rows: Int, columns: Int, _ problem: GemmProblem) -> StridedView {
    StridedView(
      operand.storage, operand.dtype, shape: [problem.outer, problem.inner, rows, columns],
      strides: [operand.outer, operand.inner, operand.row, operand.column], offset: operand.offset)
  }

  private func copy(_ operand: GemmOperand, rows: Int, columns: Int, _ problem: GemmProblem) -> GemmOperand {
    let copy = StridedView(
      scratch(problem.batch * rows * columns), .float32, shape: [problem.outer, problem.inner, rows, columns])
    pointwise(
      .copy(from: operand.dtype, to: .float32),
      [PointwiseOperands(inputs: [view(operand, rows: rows, columns: columns, problem)], outputs: [copy])])
    return GemmOperand(
      storage: copy.storage, dtype: .float32, outer: problem.inner * rows * columns, inner: rows * columns,
      row: columns,
      column: 1)
  }

  /// Writes the bias into the result, to which CLBlast then adds the product.
  private func prefill(_ problem: GemmProblem) {
    guard let bias = problem.bias else { return }
    let shape = [problem.outer, problem.inner, problem.m, problem.n]
    let source = StridedView(
      bias.storage, bias.dtype, shape: shape, strides: [0, bias.inner, bias.row, bias.column], offset: bias.offset)
    pointwise(
      .copy(from: bias.dtype, to: .float32),
      [PointwiseOperands(inputs: [source], outputs: [view(problem.c, rows: problem.m, columns: problem.n, problem)])])
  }
}

/// A row-major matrix with a leading dimension, or the transposition of one.
private struct LeadingMatrix {
  let storage: Storage
  let isTransposed: Bool
  let offset, leading: Int
  var batch: Int
  var transpose: CLBlastTranspose { isTransposed ? CLBlastTransposeYes : CLBlastTransposeNo }
}

extension CLBlastStatusCode {
  /// CLBlast's own codes and OpenCL's share one number space.
  fileprivate var status: cl_int { cl_int(truncatingIfNeeded: rawValue) }
}
