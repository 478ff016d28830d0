// SPDX-License-Identifier: MIT

/// Samples that can be fetched in any order, from any thread: what a `DataLoader` makes batches of.
public protocol Dataset: Sendable {
  /// The number of samples.
  var count: Int { get }
  /// The shape of one sample's input, without the batch axis.
  var inputShape: [Int] { get }

  /// Writes the inputs of some samples one behind the other, and the class of each.
  ///
  /// Called on the loader's own thread; what it throws comes out of `DataLoader.next()`.
  ///
  /// - Parameters:
  ///   - rows: positions in `0 ..< count`.
  ///   - inputs: room for `rows.count` inputs, dense.
  ///   - labels: room for `rows.count` classes.
  func read(
    _ rows: ArraySlice<Int>, inputs: UnsafeMutableBufferPointer<Float>, labels: UnsafeMutableBufferPointer<Int32>
  ) throws
}
