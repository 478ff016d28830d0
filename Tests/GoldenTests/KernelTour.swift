// SPDX-License-Identifier: MIT
import Foundation
import TestSupport
import Testing

@testable import Tern
@testable import TernRuntime

/// Calls that reach the kernels that no golden case reaches: other dtypes, random numbers, strided operands, sizes that
/// take two passes. Small, because a simulator is slow.
enum KernelTour {
  struct Stop: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// How far a device may be from the CPU, relative to the largest number of a tensor.
    let tolerance: Float
    /// Whether only CPU devices have anything to show here; a simulator passes it by as a GPU.
    let isForCPUs: Bool
    /// Computes something, the same on every device.
    let run: @Sendable (Device) -> [Tensor]

    init(
      _ name: String, tolerance: Float = 1e-4, isForCPUs: Bool = false, run: @escaping @Sendable (Device) -> [Tensor]
    ) {
      testDescription = name
      self.tolerance = tolerance
      self.isForCPUs = isForCPUs
      self.run = run
    }
  }

  static let stops: [Stop] =
    [DType.float16, .bfloat16].map(network)
    + [
      Stop("random numbers") { device in
        let generator = RandomGenerator(seed: 3)
        return [1, 7, 33].flatMap { count in
          [
            Tensor.randomUniform([count], low: -1, high: 2, generator: generator, on: device),
            Tensor.randomNormal([count], generator: generator, on: device),
          ]
            + DType.allCases.map {
              Tensor.randomMask([count], keeping: 0.5, generator: generator, dtype: $0, on: device)
            }
        }
      },
      Stop("integers and booleans") { device in
        let x = Tensor.range(-7..<8, on: device).reshaped(to: [3, 5])
        return [
          x.sum(along: 1), (x .> 0).sum(along: 0), x.cast(to: .int32).max(along: 0), x.product(along: 0),
          (x .== 3).any(), x.argMin(along: 1), (x .> 20).all(),
        ]
      },
      Stop("strided operands") { device in
        let x = normal([5, 7], on: device)
        return [
          x.transposed().sliced(along: 0, from: 1, step: 2) + 1, matmul(x.transposed(), x),
          softmax(x.transposed(), axis: 0), concatenated([x, x.sliced(along: 1, from: 0, step: 2)], along: 1),
          x.sliced(along: 1, from: 1, step: 3).argMax(along: 0),
          x.gathered(rows: Tensor([4, 0, 4, 2], on: device)),
        ]
      },
      Stop("large transposes") { device in
        let x = normal([130, 131], on: device)
        let (narrow, five) = (normal([3, 5500], on: device), normal([5, 3300], on: device))
        return [
          x.transposed().contiguous(), x.transposed() + 1, narrow.transposed().contiguous(),
          five.transposed().contiguous(),
        ]
      },
      Stop("reductions in several passes") { device in
        let x = normal([3, 5000], on: device)
        let tall = normal([5000, 3], on: device)
        return [
          x.sum(), x.mean(along: 0), x.logSumExp(along: 1), x.argMax(along: 1), softmax(x, axis: 1), tall.sum(along: 0),
          tall.argMax(along: 0), softmax(tall, axis: 0), x.max(), logSoftmax(tall, axis: 0),
          normal([1, 16_400], on: device).argMax(along: 1),
        ]
      },
      Stop("long differences", isForCPUs: true) { device in
        let (x, y) = (normal([1100], on: device), normal([1100], on: device))
        return (0..<4).map { _ in x - y }  // a program's third use has a kernel of its own
      },
      Stop("reductions of long rows", isForCPUs: true) { device in
        let x = normal([1, 65_601], on: device)
        return [x.argMax(along: 1), x.sum()]
      },
      Stop("reductions of what is not stored") { device in
        let x = normal([3, 1100], on: device)
        let y = normal([70, 20], on: device).cast(to: .float16)
        // Compiled at the third use.
        return (0..<3).flatMap { _ in
          [
            square(x - 0.5).mean(), exp(x * 0.5).max(along: 1), (x .> 0).sum(along: 0),
            (y.cast(to: .float32) + 1).sum(along: 0),
          ]
        }
      },
      Stop("numbers that are not finite") { device in
        let arrays = (1..<18).map { normal([$0 * 3], on: device) } + [normal([33], on: device).cast(to: .float16)]
        return [
          Tensor.allFinite(arrays), Tensor.allFinite([exp(arrays[3] * 100).cast(to: .bfloat16) * 1e38]),
          normal([70, 20], on: device).cast(to: .float16).sum(along: 0, as: .float32),
        ]
      },
      // Channels at once, and channels that are neighbours; few long channels, which CPUs cut.
      batchNormalization("batch normalization", of: [[2, 5, 3, 4], [9, 20], [2, 1, 50, 50]]),
      batchNormalization("batch normalization of long channels", isForCPUs: true, of: [[2, 1, 128, 129]]),
      Stop("normalization of rows") { device in
        [([7, 33], 1), ([2, 6, 17], 3), ([3, 4, 2, 2], 4)].flatMap { shape, groups in
          let inputs = [shape, [shape[1]], [shape[1]]].map { normal($0, on: device) }
          return valueAndGradients(at: inputs) { leaves in
            let y = groupNorm(leaves[0], groups: groups, weight: leaves[1], bias: leaves[2])
            return square(y + rmsNorm(layerNorm(leaves[0]) + 1) + 2).sum() * 0.1
          }.gradients
        }
      },
      Stop("many rows gathered") { device in
        // Enough of them that the sort behind the gradient takes several work-groups.
        let rows = Tensor((0..<600).map { ($0 * 37) % 11 }, on: device)
        let gradient = gradient(at: normal([11, 3], on: device)) { square($0.gathered(rows: rows)).sum() }
        return [gradient]
      },
      Stop("elements picked, added and sorted") { device in
        let (x, long) = (normal([5, 2, 9], on: device), normal([3, 4500], on: device))
        let places = Tensor((0..<27).map { ($0 * 7) % 5 }, shape: [3, 1, 9], on: device)
        let many = Tensor((0..<13_500).map { ($0 * 37) % 4500 }, shape: [3, 4500], on: device)
        let wide = Tensor.range(-200..<200, on: device).reshaped(to: [2, 200])
        return [
          gradient(at: x) { square($0.gathered(at: places, along: 0)).sum() },
          x.selected(Tensor([Int32(1), 7, 1], on: device), along: 2),
          Tensor.zeros([3, 20], on: device).scatterAdding(long, at: many, along: 1),
          x.cast(to: .int64).scatterAdding(x[0..<3].cast(to: .int64), at: places, along: 0),
          x.sorted(along: 0).positions, x.sorted(along: 2, descending: true).values,
          wide.floorDivided(by: Tensor.range(3..<4, on: device)).sorted(along: 0).positions,
          concatenated([wide, wide], along: 1).sorted().positions, long[0..<2, 0..<300].sorted().positions,
          concatenated([wide, wide], along: 1).topK(3).positions, long[0..<2, 0..<300].topK(5).positions,
          normal([1, 16_400], on: device).topK(4, largest: false).positions,
        ]
      },
      Stop("running sums and extremes", tolerance: 1e-3) { device in
        let (x, long) = (normal([3, 70, 2], on: device), normal([1, 16_400], on: device))
        return [
          x.cumulativeSum(along: 1), x.cumulativeSum(along: 2, isReversed: true), long.cumulativeSum(along: 1),
          x[.all, .all, 0].cumulativeSum(along: 1), x.cumulativeProduct(along: 0),
          long.cumulativeMax(along: 1).positions,
          x.cumulativeMin(along: 1).positions, x.cast(to: .int32).cumulativeSum(along: 0),
        ]
      },
      Stop("connectionist temporal classification") { device in
        let x = normal([6, 2, 4], on: device)
        let (labels, steps) = (Tensor([1, 1, 3, 2, 1, 1], shape: [2, 3], on: device), Tensor([6, 4], on: device))
        return valueAndGradients(at: [x]) {
          ctcLosses(
            logSoftmax($0[0]), labels, inputLengths: steps, targetLengths: Tensor([3, 1], on: device)
          ).sum()
        }.gradients
      },
      Stop("one program again and again") { device in
        // The third time, a kernel is compiled for the program, in the simulator at least.
        (0..<4).map { _ in
          let x = normal([31], on: device).evaluated()
          return (relu(x * 1.5 + 2) * sigmoid(x)).evaluated()
        }
      },
      convolutions,
      Stop("activated convolutions", tolerance: 1e-3) { device in
        OpenCLConvolutionAlgorithm.allCases.map { algorithm -> Tensor in
          let weight = algorithm == .product ? [5, 3, 1, 1] : algorithm == .depthwise ? [6, 1, 3, 3] : [5, 3, 3, 3]
          // In whole vectors, and by way of their elements.
          let activation = algorithm == .winograd4 ? Activation.gelu : .relu
          return OpenCLConvolutionAlgorithm.$forced.withValue(algorithm) {
            conv2d(
              normal([1, 3, 5, 7], on: device), normal(weight, on: device), bias: normal([weight[0]], on: device),
              groups: 3 / weight[1], activation: activation
            ).evaluated()
          }
        }
      },
      Stop("larger products") { device in
        let x = normal([65, 33], on: device)
        let batch = normal([3, 17, 65], on: device)
        return [matmul(x, x.transposed()), matmul(batch, x), matmul(x.transposed(), x)]
      },
      Stop("adaptive pooling") { device in
        let x = normal([2, 3, 5, 9], on: device)
        return [Pair(3, 4), Pair(7, 2)].flatMap { size in
          [
            gradient(at: x) { square(adaptiveAveragePool2d($0, outputSize: size)).sum() },
            gradient(at: x) { square(adaptiveMaxPool2d($0, outputSize: size)).sum() },
          ]
        }
      },
      Stop("overlapping average pooling") { device in
        let x = normal([1, 2, 7, 37], on: device)
        return [1, 2, 3].map { stride in
          gradient(at: x) { square(averagePool2d($0, window: 3, stride: Pair(stride), padding: 1)).sum() }
        }
      },
      resizing,
      Stop("tile shapes, tensor cores and activations") { device in
        let (x, w) = (normal([36, 20], on: device), normal([33, 20], on: device))
        return [GemmAlgorithm.tiled64x64, .tiled128x32, .tensor3xTF32, .wideDot, .widePacked].map { algorithm in
          GemmAlgorithm.$forced.withValue(algorithm) { linear(x, w, activation: .gelu) }
        }
      },
      // What backends can do and no tensor operation asks for.
      Stop("integer products") { device in
        let (a, b) = (Tensor.range(-9..<26, on: device).view, Tensor.range(0..<28, on: device).view)
        return [
          filled([1, 5, 4], .int64, on: device) {
            device.backend.matmul(
              a.viewed(shape: [1, 5, 7], strides: [35, 7, 1]), b.viewed(shape: [1, 7, 4], strides: [28, 4, 1]),
              bias: nil, into: $0)
          }
        ]
      },
      Stop("random words") { device in
        [filled([33], .int64, on: device) { device.backend.random(RandomDraw(.words, seed: 5, stream: 1), into: $0) }]
      },
    ] + sequences

  /// A tensor whose memory a backend fills.
  private static func filled(
    _ shape: [Int], _ dtype: DType, on device: Device, _ fill: (StridedView) -> Void
  ) -> Tensor {
    let storage = device.backend.allocate(byteCount: elementCount(shape) * dtype.byteCount)
    fill(StridedView(storage, dtype, shape: shape))
    return Tensor(Value(device, dtype, shape, .ready(storage)))
  }

  /// Drawn on the CPU, which a simulator would take long for.
  static func normal(_ shape: [Int], on device: Device) -> Tensor {
    try! Tensor.randomNormal(shape, generator: RandomGenerator(seed: UInt64(shape.count)), on: .cpu).on(device)
  }

  private static func batchNormalization(_ name: String, isForCPUs: Bool = false, of shapes: [[Int]]) -> Stop {
    Stop(name, isForCPUs: isForCPUs) { device in
      shapes.flatMap { shape in
        let inputs = [shape, [shape[1]], [shape[1]], shape].map { normal($0, on: device) }
        let slope = normal([1] + shape, on: device)[0]
        var running = RunningStatistics(mean: inputs[1] + 1, variance: square(inputs[2]))
        let (value, gradients) = valueAndGradients(at: inputs) { leaves in
          let y = batchNorm(
            leaves[0], weight: leaves[1], bias: leaves[2], adding: leaves[3], activation: .relu, updating: &running)
          return (y * slope).sum()
        }
        return [value, running.mean, running.variance] + gradients
      }
    }
  }

  /// Every algorithm for convolutions on geometries that make it take all its ways. A device that does not have one
  /// takes its default.
  private static let convolutions = Stop("algorithms for convolutions", tolerance: 1e-3) { device in
    typealias Geometry = (
      x: [Int], weight: [Int], stride: Pair, groups: Int, algorithms: [OpenCLConvolutionAlgorithm]
    )
    let geometries: [Geometry] = [
      ([2, 3, 9, 7], [4, 3, 3, 3], 1, 1, [.wide, .winograd4, .winograd2, .direct, .unfolded]),
      ([1, 17, 5, 4], [17, 17, 3, 3], 1, 1, [.wide, .winograd4, .winograd2]),
      // Whole tiles are computed whatever the size.
      ([1, 5, 5, 4], [18, 5, 3, 3], 1, 1, [.implicit]),
      ([2, 3, 6, 5], [6, 1, 3, 3], 2, 3, [.depthwise, .wide, .implicit, .direct, .unfolded]),
      ([2, 2, 5, 5], [2, 1, 3, 3], 1, 2, [.depthwise]),
      ([2, 3, 5, 5], [4, 3, 1, 1], 2, 1, [.product, .wide, .implicit]),
    ]
    return geometries.flatMap { g -> [Tensor] in
      let (x, weight) = (normal(g.x, on: device).evaluated(), normal(g.weight, on: device).evaluated())
      return g.algorithms.flatMap { algorithm in
        OpenCLConvolutionAlgorithm.$forced.withValue(algorithm) {
          let (y, gradients) = valueAndGradients(at: [x, weight]) {
            square(conv2d($0[0], $0[1], stride: g.stride, padding: .symmetric(Pair(g.weight[2] / 2)), groups: g.groups))
              .sum()
          }
          return [y] + gradients.map { $0.evaluated() }
        }
      }
    }
  }

  /// Volumes, columns, other sizes and grids.
  private static let resizing = Stop("resizing", tolerance: 2e-3) { device in
    let (x, volume) = (normal([2, 3, 5, 19], on: device), normal([1, 2, 3, 4, 5], on: device))
    let (weight, grid) = (normal([2, 2, 2, 3, 3], on: device), normal([2, 4, 5, 2], on: device))
    var results: [Tensor] = []
    for dtype in [DType.float32, .float16] {
      let columns = unfold(x.cast(to: dtype), window: Pair(2, 3), stride: Pair(2, 1), padding: 1)
      results.append(fold(columns, outputSize: Pair(5, 19), window: Pair(2, 3), stride: Pair(2, 1), padding: 1))
      results.append(gradient(at: x) { square(interpolate($0.cast(to: dtype), size: [7, 6], mode: .cubic)).sum() })
    }
    results.append(gradient(at: volume) { square(conv3d($0, weight, padding: 1)).sum() * 0.1 })
    for mode in GridInterpolation.allCases {
      let (_, gradients) = valueAndGradients(at: [x, grid]) {
        square(gridSample($0[0], $0[1], mode: mode, padding: .reflection)).sum()
      }
      results += gradients
    }
    return results
  }

  /// Convolution, pooling and softmax in a half type, with their gradients.
  private static func network(_ dtype: DType) -> Stop {
    Stop("\(dtype) network", tolerance: dtype == .float16 ? 0.01 : 0.05) { device in
      let x = normal([2, 3, 6, 6], on: device).cast(to: dtype)
      let weight = normal([4, 3, 3, 3], on: device).cast(to: dtype)
      let (value, gradients) = valueAndGradients(at: [x, weight]) { leaves in
        let y = maxPool2d(sigmoid(conv2d(leaves[0], leaves[1], padding: 1)), window: 2)
        let z = averagePool2d(y, window: 2).flattened(from: 1)
        return square(logSoftmax(z)).sum() + square(softmax(z, axis: 0)).sum() + z.logSumExp()
      }
      return [value, matmul(x, x.transposed())] + gradients
    }
  }

  /// A kernel in a file of `Kernels/`.
  struct SourceKernel {
    /// Which types of device must launch it.
    enum Devices {
      case cpus, gpus, each, any
    }
    let name: String
    let devices: Devices
  }

  /// All of them. A file that asks for the type of device has two forms of each kernel.
  static func kernelsInSource() throws -> [SourceKernel] {
    let files = try FileManager.default.contentsOfDirectory(
      at: PackageFiles.root.appending(path: "Kernels"), includingPropertiesForKeys: nil)
    return try files.filter { $0.pathExtension == "cl" }.flatMap { file in
      let text = try String(contentsOf: file, encoding: .utf8)
      let name = file.deletingPathExtension().lastPathComponent
      let devices: SourceKernel.Devices =
        name.hasSuffix("_cpu")
        ? .cpus : name.hasSuffix("_gpu") ? .gpus : text.contains("#if TERN_CPU_DEVICE") ? .each : .any
      return text.matches(of: /\b(?:__)?kernel\b[^;{]*?\bvoid\s+(\w+)\s*\(/).map {
        SourceKernel(name: String($0.1), devices: devices)
      }
    }
  }
}
