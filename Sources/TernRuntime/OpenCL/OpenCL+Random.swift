// SPDX-License-Identifier: MIT

extension OpenCLBackend {
  package func random(_ draw: RandomDraw, into y: StridedView) {
    let kernel: String
    let parameters: [KernelArgument]
    switch draw.distribution {
    case .words: (kernel, parameters) = ("random_words", [])
    case .uniform(let low, let high): (kernel, parameters) = ("random_uniform", [.float(low), .float(high - low)])
    case .normal(let mean, let deviation):
      (kernel, parameters) = ("random_normal", [.float(mean), .float(deviation)])
    case .mask(let threshold): (kernel, parameters) = ("random_mask", [.int(Int(Int32(bitPattern: threshold)))])
    }
    let elements = isCPUDevice ? 1024 : 4  // of a work-item, WORDS
    launchItems(
      "random.cl", kernel, ceilDivide(y.count, elements),
      [
        .buffer(y), .long(y.offset), .type(y), .long(y.count), .long(Int(bitPattern: UInt(draw.seed))),
        .long(Int(bitPattern: UInt(draw.stream))),
      ] + parameters)
  }
}
