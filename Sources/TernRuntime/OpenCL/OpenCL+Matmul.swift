// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func matmul(_ a: StridedView, _ b: StridedView, _ epilogue: Epilogue, into c: StridedView) {
    func operand(_ view: StridedView) -> GemmOperand {
      GemmOperand(
        storage: view.storage, dtype: view.dtype, offset: view.offset, outer: view.strides[0], row: view.strides[1],
        column: view.strides[2])
    }
    gemm(
      GemmProblem(
        m: a.shape[1], n: b.shape[2], k: a.shape[2], outer: c.shape[0], a: operand(a), b: operand(b), c: operand(c),
        bias: epilogue.bias.map {
          GemmBias(storage: $0.storage, dtype: $0.dtype, offset: $0.offset, column: $0.strides[0])
        },
        activation: epilogue.activation))
  }
}
