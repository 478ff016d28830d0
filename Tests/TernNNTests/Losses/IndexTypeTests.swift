// SPDX-License-Identifier: MIT
import Tern
import TestSupport
import Testing

@testable import TernNN

/// Everything that takes positions, labels or lengths takes `int32` and `int64` alike, and masks are `bool`.
@Suite struct IndexTypeTests {
  struct Taker: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let run: @Sendable (_ typed: (Tensor) -> Tensor, Device) -> Tensor

    init(_ name: String, _ run: @escaping @Sendable (_ typed: (Tensor) -> Tensor, Device) -> Tensor) {
      testDescription = name
      self.run = run
    }
  }

  private static let takers: [Taker] = [
    Taker("gathered(rows:)") { typed, device in
      sampleTensor([4, 3], on: device).gathered(rows: typed(Tensor([3, 0, 3], on: device)))
    },
    Taker("gathered(at:)") { typed, device in
      sampleTensor([3, 4], on: device).gathered(at: typed(Tensor([3, 0, 1], shape: [3, 1], on: device)), along: 1)
    },
    Taker("selected") { typed, device in
      sampleTensor([3, 4], on: device).selected(typed(Tensor([3, 0], on: device)), along: 1)
    },
    Taker("scatterAdding") { typed, device in
      sampleTensor([3, 4], on: device).scatterAdding(
        sampleTensor([3, 2], on: device), at: typed(Tensor([3, 0, 1, 1, 2, 0], shape: [3, 2], on: device)), along: 1)
    },
    Taker("oneHot") { typed, device in oneHot(typed(Tensor([2, 0], on: device)), classes: 3) },
    Taker("embedding") { typed, device in
      embedding(typed(Tensor([2, 0], on: device)), sampleTensor([3, 4], on: device))
    },
    Taker("embeddingBag") { typed, device in
      embeddingBag(
        typed(Tensor([2, 0, 1], on: device)), sampleTensor([3, 4], on: device),
        offsets: typed(Tensor([0, 1], on: device)))
    },
    Taker("crossEntropy") { typed, device in
      crossEntropy(sampleTensor([3, 4], on: device), typed(Tensor([3, 0, -100], on: device)))
    },
    Taker("negativeLogLikelihood") { typed, device in
      negativeLogLikelihood(sampleTensor([3, 4], on: device), typed(Tensor([3, 0, -100], on: device)))
    },
    Taker("ctcLoss") { typed, device in
      ctcLoss(
        logSoftmax(sampleTensor([6, 2, 4], on: device)), typed(Tensor([1, 1, 3, 2, 1, 1], shape: [2, 3], on: device)),
        inputLengths: typed(Tensor([6, 4], on: device)), targetLengths: typed(Tensor([3, 1], on: device)))
    },
    Taker("recurrent lengths") { typed, device in
      withDevice(device) {
        GRU(3, 4, generator: RandomGenerator(seed: 1)).run(
          sampleTensor([5, 2, 3], on: device), lengths: typed(Tensor([5, 2], on: device))
        )
        .outputs
      }
    },
  ]

  @Test(arguments: Device.all) func indicesAreOfEitherWidth(_ device: Device) throws {
    for taker in Self.takers {
      let (long, short) = (taker.run({ $0 }, device), taker.run({ $0.cast(to: .int32) }, device))
      #expect(
        try long.scalars(as: Float.self) == short.scalars(as: Float.self) && long.dtype == short.dtype,
        "\(taker.testDescription) on \(device)")
    }
  }

  @Test func otherDtypesAreNamed() async throws {
    let gathered = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor([1, 2, 3] as [Float], on: .cpu).gathered(rows: Tensor([0, 1] as [Float], on: .cpu))
    }
    let first = text(try #require(gathered).standardErrorContent)
    #expect(first.contains("indices must be int32 or int64, got float32"), "\(first)")
    let masked = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let x = Tensor([1, 2, 3] as [Float], on: .cpu)
      _ = meanSquaredError(x, x, mask: x)
    }
    let second = text(try #require(masked).standardErrorContent)
    #expect(second.contains("meanSquaredError: the mask must be bool, got float32"), "\(second)")
  }
}
