// SPDX-License-Identifier: MIT

/// What a device must be able to do. Everything above it, from `Tensor` to the training loop, is device independent.
///
/// Rules for every requirement that computes:
/// - Calls are ordered: each sees the results of the calls before it. An implementation may return before the work is
///   done; `synchronize` and `download` wait.
/// - Views may have any strides and offset unless the requirement says `dense`. Outputs never overlap inputs, but for
///   `pointwise`, where an output may be the very same view as an input.
/// - Empty views are allowed and cost nothing.
/// - Nothing throws: shapes and dtypes have been checked by the caller, and a device failure is kept and thrown by the
///   next `download` or `synchronize` (a sticky error; later launches are skipped).
/// - Results are the same bits from run to run, whatever the number of threads.
///
/// Families of operations of their own are protocols beside it, which it inherits.
package protocol Backend: AnyObject, Sendable, AttentionBackend, BagBackend, CTCBackend, IndexingBackend,
  NormalizationBackend, RecurrentBackend, SpatialBackend, TracingBackend
{
  // MARK: Memory

  /// A block of at least `byteCount` bytes from the pool. Contents are undefined.
  func allocate(byteCount: Int) -> Storage
  /// Takes a block back into the pool; called by `Storage.deinit` only.
  func release(_ handle: UnsafeMutableRawPointer?, capacity: Int)
  /// Copies host bytes into a block. The source may be reused as soon as the call returns.
  func upload(_ source: UnsafeRawBufferPointer, to storage: Storage, byteOffset: Int)
  /// Waits for the device, then copies bytes of a block to the host.
  func download(_ storage: Storage, byteOffset: Int, into target: UnsafeMutableRawBufferPointer) throws
  /// Waits until all work is done, and throws what went wrong in it.
  func synchronize() throws
  var memory: MemoryUse { get }
  var statistics: Statistics { get }
  /// Gives all free blocks of the pool back to the driver.
  func emptyPool()
  /// The algorithms that `tern tune` chose for the device.
  var choices: ChoiceTable { get }

  // MARK: Operations without a kernel

  /// Runs an operation that the device has no kernel for on the CPU: waits for the inputs, computes, and sends the
  /// outputs. Only here do operations leave their device, so each time is counted in `Statistics.cpuFallbacks`, and
  /// under `TERN_STRICT=1` is a failure with code `fallback` that names the operation. On the CPU it is a plain call.
  ///
  /// - Parameter compute: given the inputs as they are strided, and dense outputs.
  func onCPU(
    _ operation: String, reading inputs: [StridedView], into outputs: [StridedView],
    _ compute: (CPUBackend, [StridedView], [StridedView]) -> Void)

  // MARK: Pointwise

  /// Runs one program over one or several independent sets of operands, as few launches as the device allows
  /// (the optimizer's update of all parameters is one call).
  ///
  /// In each set every input has been broadcast to the shape of the outputs, so all views have the same shape.
  func pointwise(_ program: PointwiseProgram, _ operands: [PointwiseOperands])

  // MARK: Reductions and softmax

  /// Reduces `x` over the geometry's axes; `y` is dense, of shape `geometry.outputShape`. Floating point accumulates in
  /// Float32 pairwise or better, and is rounded once to `y`'s floating-point dtype, which need not be `x`'s; `int32`,
  /// `int64` and `bool` sums accumulate in 64 bits.
  func reduce(_ kind: Reduction, _ geometry: ReductionGeometry, _ x: StridedView, into y: StridedView)
  /// Reduces the one output of a program without storing it, where that is faster.
  ///
  /// - Parameter inputs: the program's, broadcast to `geometry.inputShape`.
  /// - Returns: false if nothing has been done: the program has to run by itself first.
  func reduce(
    _ kind: Reduction, _ geometry: ReductionGeometry, of program: PointwiseProgram, _ inputs: [StridedView],
    into y: StridedView
  ) -> Bool
  /// Position of the extreme value along the single axis `geometry.axes[0]`; the first one wins, NaN counts as extreme.
  /// `y` is dense, `int64`.
  func argReduce(_ kind: ArgReduction, _ geometry: ReductionGeometry, _ x: StridedView, into y: StridedView)
  /// Sets `flag`, an `int32` of shape [], to 1 if an element of the views is infinite or NaN, else to 0. All views are
  /// floating point, of any shapes.
  func findNotFinite(in views: [StridedView], into flag: StridedView)
  /// Softmax, or its logarithm, along the single axis `geometry.axes[0]`; `y` is dense, of `x`'s shape.
  func softmax(_ geometry: ReductionGeometry, logarithm: Bool, _ x: StridedView, into y: StridedView)
  /// The gradient of softmax from its output `y`: `y * (g - sum(g * y))`, or of log-softmax: `g - exp(y) * sum(g)`.
  func softmaxGradient(
    _ geometry: ReductionGeometry, logarithm: Bool, y: StridedView, gradient: StridedView, into dx: StridedView)
  /// Loss and weight of each row of `logits` `[rows, classes]`, see `CrossEntropyOptions`. `labels` is `[rows]`,
  /// `int32` or `int64`; `classWeights` `[classes]`; `losses` and `weights` are dense Float32 `[rows]`.
  func crossEntropy(
    _ options: CrossEntropyOptions, logits: StridedView, labels: StridedView, classWeights: StridedView?,
    losses: StridedView, weights: StridedView)
  /// Gradient of the row losses: `dLogits[r, c] = scale[r] * d loss[r] / d logits[r, c]`; `scale` is Float32 `[rows]`.
  func crossEntropyGradient(
    _ options: CrossEntropyOptions, logits: StridedView, labels: StridedView, classWeights: StridedView?,
    scale: StridedView, into dLogits: StridedView)

  // MARK: Matrices

  /// `c[b] = activation(a[b] · b[b] (+ bias))`, for `a` `[batch, m, k]`, `b` `[batch, k, n]`, `c` `[batch, m, n]`, any
  /// strides (so transposes cost nothing, and a batch stride of 0 shares an operand). The epilogue's bias is `[n]`,
  /// added to every row; its activation, for floating-point dtypes only, comes last, before the one rounding to `c`'s
  /// dtype.
  func matmul(_ a: StridedView, _ b: StridedView, _ epilogue: Epilogue, into c: StridedView)
  /// Products of one left operand with several right ones, without epilogues.
  func matmul(_ a: StridedView, _ factors: [StridedView], into products: [StridedView])

  // MARK: Convolution, NCHW, weights [O, I/groups, kH, kW]

  /// `y = activation(conv(x, w) (+ bias))`; `y` is dense. The epilogue's bias is `[O]`; its activation comes last,
  /// before the one rounding to `y`'s dtype.
  func convolution(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ w: StridedView, _ epilogue: Epilogue, into y: StridedView)
  /// Gradient with respect to the input: dense `dx` `[N, C, H, W]`.
  func convolutionInputGradient(
    _ geometry: ConvolutionGeometry, _ dy: StridedView, _ w: StridedView, into dx: StridedView)
  /// Gradient with respect to the weights: dense `dw` `[O, I/groups, kH, kW]`.
  func convolutionWeightGradient(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ dy: StridedView, into dw: StridedView)

  // MARK: Pooling, NCHW

  /// Maximum of each window; padding counts as -infinity, NaN wins. `indices` (dense `int32`, `y`'s shape), when asked
  /// for, takes the position `h * W + w` of the first maximum in its input plane.
  func maxPool(_ geometry: PoolingGeometry, _ x: StridedView, into y: StridedView, indices: StridedView?)
  /// Sends each output's gradient to the input position in `indices`; dense `dx` `[N, C, H, W]`.
  func maxPoolGradient(
    _ geometry: PoolingGeometry, _ dy: StridedView, indices: StridedView, into dx: StridedView)
  /// Mean of each window, see `PoolingGeometry.countsPadding`.
  func averagePool(_ geometry: PoolingGeometry, _ x: StridedView, into y: StridedView)
  func averagePoolGradient(_ geometry: PoolingGeometry, _ dy: StridedView, into dx: StridedView)

  // MARK: Rows

  /// `y[i, :] = table[indices[i], :]`; `table` `[rows, columns]`, `indices` `[n]` `int32` or `int64`, dense `y`
  /// `[n, columns]`. Indices have been checked by nobody: one outside `0 ..< rows` gives a row of NaN (floating point)
  /// or 0.
  func gatherRows(_ table: StridedView, _ indices: StridedView, into y: StridedView)
  /// `dTable[r, :] = sum of dy[i, :] over i with indices[i] == r`, summed in order of `i`; dense `dTable`, zero
  /// elsewhere.
  func scatterAddRows(_ dy: StridedView, _ indices: StridedView, into dTable: StridedView)

  // MARK: Random numbers

  /// Fills dense `y` from the Philox stream, see `RandomDraw`.
  func random(_ draw: RandomDraw, into y: StridedView)
}

extension Backend {
  /// One product after the other.
  package func matmul(_ a: StridedView, _ factors: [StridedView], into products: [StridedView]) {
    for (b, c) in zip(factors, products) { matmul(a, b, Epilogue(), into: c) }
  }

  /// The product with a bias only.
  package func matmul(_ a: StridedView, _ b: StridedView, bias: StridedView?, into c: StridedView) {
    matmul(a, b, Epilogue(bias: bias), into: c)
  }

  /// The convolution with a bias only.
  package func convolution(
    _ geometry: ConvolutionGeometry, _ x: StridedView, _ w: StridedView, bias: StridedView?, into y: StridedView
  ) {
    convolution(geometry, x, w, Epilogue(bias: bias), into: y)
  }
}
