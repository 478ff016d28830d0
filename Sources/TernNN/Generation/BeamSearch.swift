// SPDX-License-Identifier: MIT
import Foundation
import Tern
import TernRuntime

/// How a beam search goes.
public struct BeamSearchOptions: Sendable {
  /// Hypotheses that are followed at a time.
  public let width: Int
  /// Symbols of a hypothesis at most.
  public let maximumLength: Int
  /// The symbol that ends a hypothesis; nil where all have the full length.
  public let end: Int?
  /// The power of its length that a hypothesis's log-probability is divided by: 0 prefers short ones, 1 compares means.
  public let lengthPenalty: Double

  /// Options.
  ///
  /// - Precondition: `width` and `maximumLength` are positive, and `lengthPenalty` is not negative.
  public init(width: Int, maximumLength: Int, end: Int? = nil, lengthPenalty: Double = 0) {
    require(
      width > 0 && maximumLength > 0 && lengthPenalty >= 0,
      "BeamSearchOptions: needs a positive width and length and no negative penalty, got \(width), \(maximumLength) "
        + "and \(lengthPenalty)")
    self.width = width
    self.maximumLength = maximumLength
    self.end = end
    self.lengthPenalty = lengthPenalty
  }

  /// `logProbability / length^lengthPenalty`.
  func score(_ logProbability: Double, length: Int) -> Double {
    logProbability / pow(Double(length), lengthPenalty)
  }
}

/// A sequence that a beam search has found.
public struct BeamHypothesis: Sendable, Equatable {
  /// What follows the start, with the end symbol if it ended.
  public let symbols: [Int]
  /// The sum of the symbols' log-probabilities.
  public let logProbability: Double
  /// What hypotheses are ordered by: the log-probability, divided by a power of the length.
  public let score: Double
}

/// Looks for the most likely sequences of a model that gives the probabilities of the next symbol, keeping the best few
/// beginnings at each length.
///
///     let found = try beamSearch(
///       from: [start, start], state: [KeyValueCache](),
///       options: BeamSearchOptions(width: 4, maximumLength: 50, end: 2)
///     ) { symbols, caches in
///       model(symbols.expanded(at: 1), caches: &caches)[.all, 0]
///     } reordering: { caches, rows in
///       caches = caches.map { $0.selecting(rows) }
///     }
///     let best = found[0][0].symbols
///
/// All sequences of the batch go through the model together, `width` rows for each. The host reads the best `2 * width`
/// log-probabilities and their places a sequence and step, and nothing else. The search of a sequence ends when nothing
/// that is still followed can beat what has ended.
///
/// - Parameters:
///   - start: the symbol before the first one, for each sequence of the batch. Tensors of symbols and rows are made on
///     `Device.current`.
///   - state: what the model remembers of a sequence, for each of the batch: a recurrent state, caches.
///   - options: width, length, end and penalty.
///   - step: logits `[rows, symbols]` of what follows the symbols `[rows]`, `int64`, and the state behind them.
///   - reorder: makes the rows of the state those that stood at the positions `[rows]`, `int64`, some of them perhaps
///     several times. At first it gets a state with a row a sequence.
/// - Returns: for each sequence of the batch up to `width` hypotheses, the best first. Of equal ones the symbol with
///   the lower number wins, so that results are the same on every run.
/// - Throws: `TernError` with code `nonFinite` when a log-probability is NaN, what the device reports, and what `step`
///   throws.
public func beamSearch<State>(
  from start: [Int], state: State, options: BeamSearchOptions,
  step: (_ symbols: Tensor, _ state: inout State) throws -> Tensor,
  reordering reorder: (_ state: inout State, _ rows: Tensor) throws -> Void
) throws -> [[BeamHypothesis]] {
  var state = state
  var beams = start.map { Beam(start: $0, options) }
  if start.isEmpty { return [] }
  var rows = start.indices.flatMap { [Int](repeating: $0, count: options.width) }
  var isInPlace = false
  for length in 1...options.maximumLength {
    if !isInPlace { try reorder(&state, Tensor(rows)) }
    let logits = try step(Tensor(beams.flatMap(\.lastSymbols)), &state)
    require(
      logits.rank == 2 && logits.shape[0] == rows.count,
      "beamSearch: the step must give logits [\(rows.count), symbols], got \(logits.shape)")
    let candidates = try bestCandidates(logits, beams, options.width)
    for index in beams.indices {
      let first = index * candidates.each
      try beams[index].advance(
        candidates.logProbabilities[first..<first + candidates.each],
        candidates.places[first..<first + candidates.each], symbols: logits.shape[1], length: length)
    }
    if beams.allSatisfy(\.isDone) { break }
    rows = beams.enumerated().flatMap { index, beam in beam.sources.map { index * options.width + $0 } }
    isInPlace = rows == Array(rows.indices)
  }
  return beams.map { $0.hypotheses() }
}

/// The best continuations of each beam: twice as many as its width, since at most as many as that end it.
private func bestCandidates(
  _ logits: Tensor, _ beams: [Beam], _ width: Int
) throws -> (logProbabilities: [Float], places: [Int], each: Int) {
  let symbols = logits.shape[1]
  let sums = Tensor(beams.flatMap { $0.sums.map(Float.init) }, shape: [logits.shape[0], 1], on: logits.device)
  let numbers = logits.cast(to: .float32)
  // A row in which nothing may follow: its softmax would be 0 / 0.
  let isDeadEnd = (numbers .== -.infinity).all(along: 1, keepingDimensions: true)
  let all = `where`(isDeadEnd, -.infinity, logSoftmax(numbers)) + sums
  let each = min(2 * width, width * symbols)
  let (values, places) = all.reshaped(to: [beams.count, width * symbols]).topK(each)
  return (try values.scalars(as: Float.self), try places.scalars(as: Int.self), each)
}

/// The search of one sequence.
private struct Beam {
  private let options: BeamSearchOptions
  private let start: Int
  /// What is still followed; a row without a hypothesis has the sum -infinity.
  private var followed: [[Int]]
  private(set) var sums: [Double]
  /// The row that each followed hypothesis continues.
  private(set) var sources: [Int]
  private var ended: [BeamHypothesis] = []
  private(set) var isDone = false

  init(start: Int, _ options: BeamSearchOptions) {
    self.options = options
    self.start = start
    followed = Array(repeating: [], count: options.width)
    // The rows are all the same at first: one of them counts.
    sums = [0] + [Double](repeating: -.infinity, count: options.width - 1)
    sources = Array(0..<options.width)
  }

  var lastSymbols: [Int] { followed.map { $0.last ?? start } }

  mutating func advance(
    _ candidates: ArraySlice<Float>, _ places: ArraySlice<Int>, symbols: Int, length: Int
  ) throws {
    if isDone {
      sources = Array(sources.indices)
      return
    }
    var next: [(symbols: [Int], sum: Double, source: Int)] = []
    for (sum, place) in zip(candidates, places) where sum != -.infinity {
      if sum.isNaN {
        throw TernError(
          .nonFinite, "beamSearch: a log-probability of symbol \(length) is NaN", remedy: "look at the model's weights")
      }
      let (source, symbol) = place.quotientAndRemainder(dividingBy: symbols)
      let hypothesis = (followed[source] + [symbol], Double(sum), source)
      if symbol == options.end {
        end(hypothesis.0, hypothesis.1)
      } else if next.count < options.width {
        next.append(hypothesis)
      }
    }
    if length == options.maximumLength {
      for hypothesis in next { end(hypothesis.symbols, hypothesis.sum) }
      next = []
    }
    let best = next.first.map { options.score($0.sum, length: options.maximumLength) } ?? -.infinity
    // No symbol makes a sequence more likely, and none is longer than the longest.
    isDone = next.isEmpty || (ended.count == options.width && ended.last!.score >= best)
    // Rows without a hypothesis go on with the first row, so that the state stays whole.
    while next.count < options.width { next.append((next.first?.symbols ?? [start], -.infinity, 0)) }
    (followed, sums, sources) = (next.map(\.symbols), next.map(\.sum), next.map(\.source))
  }

  /// Keeps the best of what has ended, in order.
  private mutating func end(_ symbols: [Int], _ sum: Double) {
    let score = options.score(sum, length: symbols.count)
    let place = ended.firstIndex { $0.score < score } ?? ended.count
    ended.insert(BeamHypothesis(symbols: symbols, logProbability: sum, score: score), at: place)
    if ended.count > options.width { ended.removeLast() }
  }

  func hypotheses() -> [BeamHypothesis] { ended }
}
