// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TestSupport
import Testing

@testable import TernNN

@Suite struct ResumeTests {
  private let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory() }

  /// Losses of all steps, the epochs' results and the weights after a training run of its own.
  private struct Run: Equatable {
    var losses: [Float] = []
    var epochs: [Double] = []
    var weights: [String: [Float]] = [:]

    init(
      epochs: Int, seed: UInt64 = 1, checkpoint: String? = nil, resume: String? = nil,
      optimizer: some Optimizer = Adam(learningRate: 0.01), dtype: DType = .float32, device: Device = .cpu
    ) throws {
      // Another seed and moved generators, for what comes from the checkpoint must win.
      let model = withDevice(device) { NoisyNet(seed: seed) }
      model.cast(to: dtype)
      // Steps are left out at first, and the scale grows later on.
      let scaler = LossScaler(scale: 0x1p24, backoff: 0x1p-6, growthInterval: 5)
      var optimizer = optimizer
      var losses: [Float] = []
      let history = try fit(
        model, train: clusterBatches(44, seed: seed + 2, on: device), validation: clusterBatches(20, on: device),
        epochs: epochs, optimizer: &optimizer, forward: { $0($1.inputs.cast(to: dtype)) },
        schedule: CosineDecay(initial: 0.02, steps: 24), scheduleUnit: .step, clipping: .value(0.2),
        scaler: dtype == .float16 ? scaler : nil, checkpoint: checkpoint, resume: resume, metadata: ["kind": "noisy"],
        logEvery: 4, progress: .none,
        onEvent: { event in
          if case .losses(_, let new) = event { losses += new }
        })
      self.losses = losses
      self.epochs = history.epochs.flatMap { [$0.trainLoss, $0.validation!.loss, $0.validation!.metrics["accuracy"]!] }
      weights = Dictionary(
        uniqueKeysWithValues: try model.stateTensors().map { ($0.name, try $0.tensor.scalars(as: Float.self)) })
    }
  }

  @Test(arguments: Device.all) func aResumedRunTakesTheSameSteps(_ device: Device) throws {
    let path = folder.file("run")
    let whole = try Run(epochs: 4, device: device)
    let first = try Run(epochs: 2, checkpoint: path, device: device)
    let rest = try Run(epochs: 4, seed: 50, resume: path, device: device)
    #expect(first.losses + rest.losses == whole.losses)
    #expect(rest.epochs == whole.epochs)
    #expect(rest.weights == whole.weights)
    #expect(first.losses.count == 12)
  }

  @Test(arguments: [DType.float16, .bfloat16]) func halfTypesResumeWithTheirMasters(_ dtype: DType) throws {
    let path = folder.file("run")
    let optimizer = AveragedWeights(AdamW(learningRate: 0.01), decay: 0.9)
    let whole = try Run(epochs: 4, optimizer: optimizer, dtype: dtype)
    let first = try Run(epochs: 2, checkpoint: path, optimizer: optimizer, dtype: dtype)
    let rest = try Run(epochs: 4, seed: 50, resume: path, optimizer: optimizer, dtype: dtype)
    #expect(first.losses + rest.losses == whole.losses)
    #expect(rest.weights == whole.weights)
    let file = try SafetensorsFile(path: path)
    #expect(file.dtype(of: "hidden.weight") == dtype && file.dtype(of: "norm.runningMean") == .float32)
    #expect(file.dtype(of: "optimizer/master/hidden.weight") == .float32)
    #expect(file.shape(of: "optimizer/master/norm.weight") == nil)
    // The same file starts a run in Float32, and one in the other half type, from the values that it holds.
    for other in [DType.float32, .bfloat16, .float16] where other != dtype {
      #expect(try Run(epochs: 3, resume: path, optimizer: optimizer, dtype: other).losses.allSatisfy(\.isFinite))
    }
  }

  @Test func everyOptimizerResumes() throws {
    let path = folder.file("run")
    func check(_ optimizer: some Optimizer) throws {
      let whole = try Run(epochs: 2, optimizer: optimizer)
      let first = try Run(epochs: 1, checkpoint: path, optimizer: optimizer)
      let rest = try Run(epochs: 2, seed: 9, resume: path, optimizer: optimizer)
      #expect(first.losses + rest.losses == whole.losses, "\(type(of: optimizer))")
    }
    try check(SGD(learningRate: 0.1, momentum: 0.9))
    try check(SGD(learningRate: 0.1))
    try check(AdamW(amsgrad: true))
    try check(RMSprop(momentum: 0.5, centered: true))
    try check(
      AveragedWeights(
        ParameterGroups(NAdam(), .init(NAdam(weightDecay: 0.1)) { $0.hasSuffix("bias") }), decay: 0.9))
  }

  /// The rate follows from the losses of the epochs, which a checkpoint holds.
  @Test func aPlateauIsKnownAfterResuming() throws {
    let path = folder.file("run")
    let schedule = PlateauDecay(initial: 0.5, factor: 0.5, patience: 0, threshold: .absolute(0.02))
    func train(_ epochs: Int, checkpoint: String? = nil, resume: String? = nil) throws -> [EpochResult] {
      var optimizer = SGD(learningRate: 9)
      return try fit(
        withDevice(.cpu) { NoisyNet(seed: 1) }, train: clusterBatches(44), validation: clusterBatches(20),
        epochs: epochs, optimizer: &optimizer, schedule: schedule, checkpoint: checkpoint, resume: resume,
        progress: .none
      ).epochs
    }
    let whole = try train(8)
    _ = try train(4, checkpoint: path)
    let rest = try train(8, resume: path)
    #expect(rest.map(\.learningRate) == whole.map(\.learningRate))
    let losses = whole.map { $0.validation!.loss }
    #expect(
      whole.map(\.learningRate)
        == whole.indices.map { schedule.learningRate(at: $0, epochLosses: Array(losses.prefix($0))) })
    #expect(whole.last!.learningRate < 0.5)
  }

  @Test func anInterruptStopsAfterTheStepAndTheRestIsTheSame() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryDirectory()
      let path = folder.file("run")
      func run(_ epochs: Int, checkpoint: String?, resume: String?, interruptAt: Int? = nil) throws -> (
        [Float], History
      ) {
        let model = NoisyNet(seed: 1)
        var optimizer = Adam(learningRate: 0.01)
        var losses: [Float] = []
        let history = try fit(
          model, train: clusterBatches(44), validation: clusterBatches(20), epochs: epochs, optimizer: &optimizer,
          checkpoint: checkpoint, resume: resume, logEvery: 1, progress: .none
        ) { event in
          guard case .losses(_, let new) = event else { return }
          losses += new
          if losses.count == interruptAt { raise(SIGINT) }
        }
        return (losses, history)
      }
      let (whole, wholeHistory) = try run(3, checkpoint: nil, resume: nil)
      // In the middle of an epoch, at the last step of one, and at the very last step.
      for step in [8, 12, 18] {
        let (first, history) = try run(3, checkpoint: path, resume: nil, interruptAt: step)
        #expect(first.count == step && history.wasInterrupted && history.steps == step)
        let (rest, restHistory) = try run(3, checkpoint: nil, resume: path)
        #expect(first + rest == whole)
        #expect(restHistory.trainLosses == wholeHistory.trainLosses)
        #expect(restHistory.epochs.map(\.validation?.loss) == wholeHistory.epochs.map(\.validation?.loss))
        #expect(!restHistory.wasInterrupted)
      }
    }
  }

  @Test func aSecondInterruptEndsTheProcessAtOnce() async {
    await #expect(processExitsWith: .signal(SIGINT)) {
      let folder = try TemporaryDirectory()
      var optimizer = SGD(learningRate: 0.1)
      _ = try fit(
        Linear(5, 3), train: clusterBatches(), epochs: 1, optimizer: &optimizer, checkpoint: folder.file("x"),
        logEvery: 1, progress: .none
      ) { _ in
        raise(SIGINT)
        raise(SIGINT)
      }
    }
  }

  @Test func aBlockedInterruptIsHeardAllTheSame() async {
    await #expect(processExitsWith: .success) {
      var all = sigset_t()
      sigfillset(&all)
      pthread_sigmask(SIG_SETMASK, &all, nil)
      let folder = try TemporaryDirectory()
      var optimizer = SGD(learningRate: 0.1)
      let history = try fit(
        Linear(5, 3), train: clusterBatches(), epochs: 1000, optimizer: &optimizer, checkpoint: folder.file("x"),
        logEvery: 1, progress: .none
      ) { event in
        if case .losses(1, _) = event { kill(getpid(), SIGINT) }
      }
      #expect(history.wasInterrupted)
    }
  }

  @Test func withoutACheckpointTheSystemHandlesInterrupts() async {
    await #expect(processExitsWith: .signal(SIGINT)) {
      // Whatever the test run was started with: shells ignore it for background jobs, worker threads block it.
      signal(SIGINT, SIG_DFL)
      var interrupt = sigset_t()
      sigaddset(&interrupt, SIGINT)
      pthread_sigmask(SIG_UNBLOCK, &interrupt, nil)
      var optimizer = SGD(learningRate: 0.1)
      _ = try fit(Linear(5, 3), train: clusterBatches(), epochs: 1, optimizer: &optimizer, logEvery: 1, progress: .none)
      {
        _ in raise(SIGINT)
      }
    }
  }

  @Test func aCheckpointOfSomethingElseIsRefused() throws {
    let path = folder.file("run")
    _ = try Run(epochs: 1, checkpoint: path)
    func resume(_ model: some Layer, _ source: TensorBatches, _ optimizer: some Optimizer, from path: String) throws {
      var optimizer = optimizer
      _ = try fit(model, train: source, epochs: 2, optimizer: &optimizer, resume: path, progress: .none)
    }
    let model = NoisyNet()
    expectError(.checkpointMismatch, "Adam", "SGD") {
      try resume(model, clusterBatches(44), SGD(learningRate: 1), from: path)
    }
    expectError(.checkpointMismatch, "'weight'", "[3, 5]") {
      try resume(Linear(5, 3), clusterBatches(44), Adam(), from: path)
    }
    expectError(.checkpointMismatch, "largestVariance") {
      try resume(model, clusterBatches(44), Adam(amsgrad: true), from: path)
    }
    expectError(.checkpointMismatch, "44 samples in 6 batches", "44 in 11") {
      try resume(model, clusterBatches(44, batchSize: 4), Adam(), from: path)
    }
    let plain = folder.file("plain")
    try model.save(to: plain)
    expectError(.checkpointMismatch, "without the state") { try resume(model, clusterBatches(44), Adam(), from: plain) }
    // The model alone is read from a training checkpoint.
    try NoisyNet().load(from: path)
    #expect(try SafetensorsFile(path: path).metadata["kind"] == "noisy")
  }

  @Test func aCheckpointOfAnotherModelNamesTheFirstParameterAndBothShapes() throws {
    let path = folder.file("run")
    var optimizer = Adam()
    func train(_ model: some Layer, resume: String? = nil) throws {
      _ = try fit(
        model, train: clusterBatches(), epochs: 1, optimizer: &optimizer, checkpoint: path, resume: resume,
        progress: .none)
    }
    try train(Sequential(Linear(5, 8), Linear(8, 3)))
    let (other, state) = (Sequential(Linear(5, 9), Linear(9, 3)), optimizer.state)
    let before = try other.stateTensors().map { try $0.tensor.scalars(as: Float.self) }
    expectError(.checkpointMismatch, "another model", "'0.weight' is [8, 5] there and [9, 5]") {
      try train(other, resume: path)
    }
    // Also with another optimizer and other data, which are consequences rather than the cause.
    expectError(.checkpointMismatch, "'0.weight'") {
      var optimizer = SGD(learningRate: 1)
      _ = try fit(other, train: clusterBatches(9), epochs: 1, optimizer: &optimizer, resume: path, progress: .none)
    }
    #expect(try other.stateTensors().map { try $0.tensor.scalars(as: Float.self) } == before)
    #expect(optimizer.state.entries.keys == state.entries.keys)
  }

  @Test func aRefusedCheckpointChangesNothing() throws {
    let path = folder.file("run")
    _ = try Run(epochs: 1, checkpoint: path)
    let file = try SafetensorsFile(path: path)
    let key = TrainingState.metadataKey
    let damage: [(String, String, String)] = [
      ("a generator is missing", #""generators":{"#, #""generators":{},"unused":{"#),
      ("the position does not exist", #""position":{"batch":0"#, #""position":{"batch":7"#),
      ("the data differ", #""sampleCount":44"#, #""sampleCount":45"#),
    ]
    for (what, from, to) in damage {
      let text = try #require(file.metadata[key])
      try #require(text.contains(from), "\(text)")
      let broken = folder.file("broken")
      try writeSafetensors(
        file.names.map { ($0, try file.tensor($0, on: .cpu)) },
        metadata: [key: text.replacingOccurrences(of: from, with: to)], to: broken)
      let (model, source) = (NoisyNet(seed: 7), clusterBatches(44))
      let before = try model.stateTensors().map { try $0.tensor.scalars(as: Float.self) }
      var optimizer = Adam(learningRate: 0.01)
      expectError(.checkpointMismatch) {
        _ = try fit(model, train: source, epochs: 2, optimizer: &optimizer, resume: broken, progress: .none)
      }
      #expect(try model.stateTensors().map { try $0.tensor.scalars(as: Float.self) } == before, "\(what)")
      #expect(source.position == clusterBatches(44).position && optimizer.state.entries.isEmpty, "\(what)")
    }
  }

  @Test func otherAlgorithmsThanAtTheCheckpointAreMentionedOnce() async throws {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
      let folder = try TemporaryDirectory()
      let path = folder.file("run")
      func train(_ epochs: Int) throws {
        var optimizer = SGD(learningRate: 0.1)
        _ = try fit(
          Linear(5, 3), train: clusterBatches(), epochs: epochs, optimizer: &optimizer, checkpoint: path,
          resume: epochs == 1 ? nil : path, progress: .none)
      }
      try train(1)
      try train(2)  // nothing to say
      let file = try SafetensorsFile(path: path)
      let metadata = file.metadata.mapValues { text in
        text.replacingOccurrences(of: "\"choices\":\"", with: "\"choices\":\"00112233")
      }
      try writeSafetensors(
        file.names.map { ($0, try file.tensor($0, on: .cpu)) }, metadata: metadata, to: folder.file("other"))
      try #require(rename(folder.file("other"), path) == 0)
      try train(3)
    }
    let warnings = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(warnings.components(separatedBy: "other algorithms chosen").count == 2, "\(warnings)")
  }

  @Test func extremeStateSurvives() throws {
    let path = folder.file("run")
    let model = withDevice(.cpu) { Sequential(Linear(5, 3), Dropout(0.5, generator: RandomGenerator(seed: .max))) }
    var optimizer = SGD(learningRate: 0.1)
    func train(_ epochs: Int, resume: String? = nil) throws -> History {
      try fit(
        model, train: clusterBatches(44, seed: .max), validation: clusterBatches(20), epochs: epochs,
        optimizer: &optimizer,
        loss: { Mode.current == .training ? crossEntropy($0, $1.labels) : Tensor(.infinity, on: .cpu) },
        checkpoint: path, resume: resume, progress: .none)
    }
    _ = try train(1)
    let history = try train(2, resume: path)
    #expect(history.epochs.map { $0.validation?.loss } == [.infinity, .infinity])
  }

  @Test func anUnwritablePlaceIsNoticedBeforeTheFirstStep() throws {
    _ = FileManager.default.createFile(atPath: folder.file("file"), contents: nil)
    var optimizer = SGD(learningRate: 0.1)
    var steps = 0
    expectError(.file, "file/below") {
      try fit(
        Linear(5, 3), train: clusterBatches(), epochs: 1, optimizer: &optimizer, checkpoint: folder.file("file/below"),
        progress: .none
      ) { _ in steps += 1 }
    }
    #expect(steps == 0)
  }
}
