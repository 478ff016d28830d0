// SPDX-License-Identifier: MIT
import Testing

@testable import TernRuntime

@Suite("OpenCL launches", .serialized, .enabled(if: OpenCLSupport.isAvailable, OpenCLSupport.skipped))
struct KernelLaunchTests {
  static let text = """
    typedef struct { int factor; float bias; } options;
    __kernel void affine(__global const STORAGE(float32) *x, __global float *y, long count, int step, float add,
                         options o, __local float *scratch) {
      long i = get_global_id(0);
      if (i >= count) return;
      scratch[get_local_id(0)] = LOAD(float32, x, i * step) * o.factor;
      STORE(float32, y, i, scratch[get_local_id(0)] + add + o.bias);
    }
    """

  @Test(arguments: OpenCLSupport.devices.indices) func everyKindOfArgumentArrives(_ index: Int) throws {
    let backend = try OpenCLSupport.privateBackend(index: index)
    let kernel = try backend.programs.kernel("affine", ofGenerated: Self.text, called: "test.cl")
    for count in [1, 31, 64, 1000] {
      let x = backend.storage(of: (0..<2 * count).map(Float.init))
      let y = backend.allocate(byteCount: 4 * count)
      let before = backend.statistics
      var options: [UInt8] = [3, 0, 0, 0]
      options += withUnsafeBytes(of: Float(0.25)) { Array($0) }
      backend.launch(
        kernel, global: [count], local: [8],
        [
          .buffer(StridedView(x, .float32, shape: [2 * count])), .storage(y), .long(count), .int(2), .float(0.5),
          .bytes(options), .local(32),
        ])
      let got = try backend.array(Float.self, count, from: y)
      #expect(got == (0..<count).map { Float(6 * $0) + 0.75 })
      #expect((backend.statistics - before).launches == 1)
    }
  }

  @Test(arguments: [([1], [1]), ([3, 5], [1, 1]), ([96], [32]), ([1 << 20, 2, 2], [64, 1, 1])])
  func defaultLocalSizeDividesTheFirstExtent(global: [Int], local: [Int]) {
    #expect(OpenCLBackend.defaultLocalSize(global) == local)
  }
}
