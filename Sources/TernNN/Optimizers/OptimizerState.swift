// SPDX-License-Identifier: MIT
import Tern

/// What an optimizer remembers of each parameter, by the parameter's name.
public struct OptimizerState: Sendable {
  /// What is remembered of one parameter.
  public struct Entry: Sendable {
    /// Updates of this parameter so far.
    public var steps = 0
    /// Tensors of the parameter's shape, in the order of the optimizer's `slotNames`; none before the first update.
    public var slots: [Tensor] = []
    /// The Float32 value of a parameter that is stored in a half type; nil for others, and before the first update.
    public var master: Tensor?

    /// State after some updates; by default before the first.
    public init(steps: Int = 0, slots: [Tensor] = [], master: Tensor? = nil) {
      self.steps = steps
      self.slots = slots
      self.master = master
    }

    /// The master, if there is one, and the slots: those whose memory nothing else can see, nil in the places of the
    /// others.
    mutating func soleOwnedTensors() -> [Tensor?] {
      // Asked of all first: the result is a copy.
      let ownsMaster = master?.isSoleOwner() ?? false
      let owned = slots.indices.map { slots[$0].isSoleOwner() }
      return (master.map { [ownsMaster ? $0 : nil] } ?? []) + zip(slots, owned).map { $1 ? $0 : nil }
    }
  }

  /// By the parameter's dotted name; parameters that have not been updated are missing.
  public var entries: [String: Entry] = [:]

  /// State of parameters by name; none at first. An update traps when slots do not fit their parameter.
  public init(entries: [String: Entry] = [:]) { self.entries = entries }
}
