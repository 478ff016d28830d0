// SPDX-License-Identifier: MIT
import TernRuntime

/// A source of random numbers that gives the same numbers on every device and with any number of threads.
///
/// It hands out consecutive streams of a counter-based generator (Philox4x32-10): a draw is a function of the seed, the
/// number of the draw and the position, so nothing has to be stored or computed in order. Draws by several threads at
/// once are safe, but their order is not determined.
public final class RandomGenerator: Sendable {
  /// Everything that later draws depend on; store it to repeat them.
  public struct State: Sendable, Hashable, Codable {
    /// What the numbers are a function of, beside the number of the draw.
    public var seed: UInt64
    /// The number of the next draw.
    public var stream: UInt64

    /// The state before draw number `stream` of a seed; each draw, of whatever size, counts on by one.
    public init(seed: UInt64, stream: UInt64 = 0) {
      self.seed = seed
      self.stream = stream
    }
  }

  /// The generator that is used where none is given. Its seed is 0 until somebody sets its state.
  public static let shared = RandomGenerator(seed: 0)

  private let locked: Lock<State>

  /// A generator that begins with the first draw of a seed. Equal seeds give equal numbers; different ones, however
  /// close, give unrelated numbers.
  public init(seed: UInt64) { locked = Lock(State(seed: seed)) }

  /// Seed and position. Setting it repeats or skips draws: what follows is as if the generator had always been there.
  public var state: State {
    get { locked.withLock { $0 } }
    set { locked.withLock { $0 = newValue } }
  }

  /// The description of the next draw; counts on.
  func next(_ distribution: RandomDraw.Distribution) -> RandomDraw {
    Recomputation.draw {
      locked.withLock { state in
        defer { state.stream &+= 1 }
        return RandomDraw(distribution, seed: state.seed, stream: state.stream)
      }
    }
  }

  /// A generator with a seed drawn from this one, for independent use.
  public func split() -> RandomGenerator {
    let words = hostWords(2)
    return RandomGenerator(seed: UInt64(words[1]) << 32 | UInt64(words[0]))
  }

  /// Random 32-bit words, on the host.
  public func hostWords(_ count: Int) -> [UInt32] {
    let draw = next(.words)
    let backend = Device.cpu.backend
    let storage = backend.allocate(byteCount: count * 4)
    backend.random(draw, into: StridedView(storage, .int32, shape: [count]))
    guard count > 0 else { return [] }
    let words = storage.handle!.bindMemory(to: UInt32.self, capacity: count)
    return Array(UnsafeBufferPointer(start: words, count: count))
  }

  /// The numbers `0 ..< count` in random order, every order equally likely (Fisher and Yates).
  ///
  /// The position among `n` remaining ones is the high part of `word * n`, 64 bits by two words, so that the bias is
  /// below 2^-32 for any length that fits in memory.
  public func permutation(of count: Int) -> [Int] {
    var order = Array(0..<count)
    guard count > 1 else { return order }
    let words = hostWords(2 * (count - 1))
    for position in 0..<(count - 1) {
      let word = UInt64(words[2 * position]) << 32 | UInt64(words[2 * position + 1])
      let offset = word.multipliedFullWidth(by: UInt64(count - position)).high
      order.swapAt(position, position + Int(offset))
    }
    return order
  }
}

extension Tensor {
  /// Numbers evenly distributed over `low ..< high`.
  public static func randomUniform(
    _ shape: [Int], low: Float = 0, high: Float = 1, generator: RandomGenerator = .shared, dtype: DType = .float32,
    on device: Device? = nil
  ) -> Tensor {
    require(low <= high, "randomUniform: low \(low) is above high \(high)")
    return drawn(generator.next(.uniform(low: low, high: high)), shape, dtype, device)
  }

  /// Normally distributed numbers.
  public static func randomNormal(
    _ shape: [Int], mean: Float = 0, deviation: Float = 1, generator: RandomGenerator = .shared,
    dtype: DType = .float32, on device: Device? = nil
  ) -> Tensor {
    require(deviation >= 0, "randomNormal: deviation must not be negative, got \(deviation)")
    return drawn(generator.next(.normal(mean: mean, deviation: deviation)), shape, dtype, device)
  }

  /// Ones with probability `keeping`, else zeros.
  public static func randomMask(
    _ shape: [Int], keeping probability: Float, generator: RandomGenerator = .shared, dtype: DType = .bool,
    on device: Device? = nil
  ) -> Tensor {
    require(probability >= 0 && probability <= 1, "randomMask: probability must be in 0 ... 1, got \(probability)")
    // Keeping nothing would need a threshold of 2^32, one more than there are words.
    guard let mask = RandomDraw.Distribution.mask(keeping: probability) else {
      return zeros(shape, dtype: dtype, on: device)
    }
    return drawn(generator.next(mask), shape, dtype, device)
  }

  static func drawn(_ draw: RandomDraw, _ shape: [Int], _ dtype: DType, _ device: Device?) -> Tensor {
    require(shape.allSatisfy { $0 >= 0 }, "random: shape \(shape) has a negative extent")
    let tensor = empty(shape, dtype: dtype, on: device ?? .current)
    tensor.device.backend.random(draw, into: tensor.view)
    return tensor
  }
}

extension RandomDraw.Distribution {
  /// 1 with this probability, to within 2^-32; nil when it rounds to never.
  static func mask(keeping probability: Float) -> Self? {
    let threshold = ((1 - Double(probability)) * 0x1p32).rounded()
    return threshold < 0x1p32 ? .mask(threshold: UInt32(threshold)) : nil
  }
}
