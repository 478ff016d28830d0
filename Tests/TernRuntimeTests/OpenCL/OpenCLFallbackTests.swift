// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

/// An operation that only the CPU knows, on a device that does not.
@Suite("OpenCL fallbacks", .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct OpenCLFallbackTests {
  /// Running sums along the last axis of `x`, and the numbers of all elements.
  private func runningSums(_ x: StridedView, into sums: StridedView, _ numbers: StridedView, on backend: any Backend) {
    backend.onCPU("running sums", reading: [x], into: [sums, numbers]) { cpu, inputs, outputs in
      let dense = cpu.denseFloat(inputs[0])
      let columns = dense.shape.last!
      let target = outputs[0].floats
      let counted = outputs[1].address.assumingMemoryBound(to: Int64.self)
      for index in 0..<dense.count {
        target[index] = dense.floats[index] + (index % columns > 0 ? target[index - 1] : 0)
        counted[index] = Int64(index)
      }
    }
  }

  private static let shape = [3, 4]

  @Test(arguments: Layout.allCases) func resultsComeBackAndAreCounted(_ layout: Layout) throws {
    for backend in [try OpenCLSupport.privateBackend() as any Backend, Device.cpu.backend] {
      let values = testNumbers(12).map { Double(Float($0)) }
      let x = backend.view(values, Self.shape, .float32, layout)
      let sums = backend.view([Double](repeating: 0, count: 12), Self.shape, .float32, layout)
      let numbers = backend.output(Self.shape, .int64)
      let before = backend.statistics.cpuFallbacks
      runningSums(x, into: sums, numbers, on: backend)
      var expected = values
      for index in expected.indices where index % 4 > 0 { expected[index] += expected[index - 1] }
      expectClose(try backend.values(sums), expected, absolute: 1e-5)
      expectClose(try backend.values(numbers), (0..<12).map(Double.init))
      #expect(backend.statistics.cpuFallbacks - before == (backend is CPUBackend ? 0 : 1))
    }
  }

  @Test func repeatedAndEmptyViewsAreFetchedAsTheyAre() throws {
    let backend = try OpenCLSupport.privateBackend()
    let row = backend.view([1, 2, 3, 4], [4], .float32, .offset)
    let (sums, numbers) = (backend.output(Self.shape), backend.output(Self.shape, .int64))
    runningSums(row.viewed(shape: Self.shape, strides: [0, 1]), into: sums, numbers, on: backend)
    expectClose(try backend.values(sums), [1, 3, 6, 10, 1, 3, 6, 10, 1, 3, 6, 10])
    #expect(backend.statistics.bytesDownloaded < 4 * 12 + 2 * sums.storage.byteCount)
    let empty = backend.view([], [0, 4])
    runningSums(empty, into: empty, backend.output([0, 4], .int64), on: backend)
    try backend.synchronize()
  }

  @Test func strictnessMakesItAFailureThatNamesTheOperation() throws {
    let backend = try OpenCLSupport.privateBackend(options: .configured(by: ["TERN_STRICT": "1"]))
    let x = backend.view([1, 2, 3, 4], [1, 4])
    let (sums, numbers) = (backend.output([1, 4]), backend.output([1, 4], .int64))
    runningSums(x, into: sums, numbers, on: backend)
    let launches = backend.statistics.launches
    backend.pointwise(.copy(from: .float32, to: .float32), [PointwiseOperands(inputs: [x], outputs: [sums])])
    #expect(backend.statistics.launches == launches, "a launch after the failure")
    let error = #expect(throws: TernError.self) { try backend.values(sums) }
    #expect(error?.code == .fallback && error?.message.contains("running sums") == true, "\(error!)")
    #expect(error?.remedy.contains("TERN_STRICT") == true)
    #expect(backend.statistics.cpuFallbacks == 1)
    expectClose(try backend.values(x), [1, 2, 3, 4])  // thrown once, then the device works again
  }

  @Test func anEarlierFailureIsKept() throws {
    let backend = try OpenCLSupport.privateBackend()
    let x = backend.view([1, 2, 3, 4], [1, 4])
    backend.fail(TernError(.deviceFailure, "lost"))
    runningSums(x, into: backend.output([1, 4]), backend.output([1, 4], .int64), on: backend)
    #expect(backend.statistics.cpuFallbacks == 0)
    let error = #expect(throws: TernError.self) { try backend.synchronize() }
    #expect(error?.message == "lost")
  }

  @Test func theSettingIsReadOrRefused() throws {
    #expect(try !OpenCLOptions.configured(by: [:]).isStrict)
    #expect(try !OpenCLOptions.configured(by: ["TERN_STRICT": "0"]).isStrict)
    let error = #expect(throws: TernError.self) { try OpenCLOptions.configured(by: ["TERN_STRICT": "yes"]) }
    #expect(error?.code == .setting && error?.message.contains("yes") == true)
  }
}
