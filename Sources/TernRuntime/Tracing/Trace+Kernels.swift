// SPDX-License-Identifier: MIT

extension Trace {
  /// The time that a device spent in one kernel.
  public struct KernelTime: Sendable, Equatable {
    /// What its events do.
    public let kind: Kind
    /// The kernel's, routine's or operation's name, as `Event.name`.
    public let name: String
    /// Where it is from, as `Event.source`.
    public let source: String
    /// Events; a library's routine is one, however many kernels it launches.
    public internal(set) var count = 0
    /// Launches as `Statistics` counts them.
    public internal(set) var launches = 0
    /// Nanoseconds in all.
    public internal(set) var total = 0
    /// Bytes copied, of transfers.
    public internal(set) var byteCount = 0

    /// Nanoseconds of one event.
    public var mean: Double { count == 0 ? 0 : Double(total) / Double(count) }
  }

  /// Kernels, routines, operations and transfers, those first that took the most time.
  public var byKernel: [KernelTime] {
    struct Key: Hashable {
      let kind: Kind
      let name, source: String
    }
    // Events share their descriptions, so most are found without a look at their strings.
    var places: [ObjectIdentifier: Int] = [:]
    var placesByName: [Key: Int] = [:]
    var times: [KernelTime] = []
    func place(_ event: Event) -> Int {
      let identity = ObjectIdentifier(event.command)
      if let place = places[identity] { return place }
      let key = Key(kind: event.kind, name: event.name, source: event.source)
      let place = placesByName[key] ?? times.count
      if place == times.count { times.append(KernelTime(kind: event.kind, name: event.name, source: event.source)) }
      (places[identity], placesByName[key]) = (place, place)
      return place
    }
    for event in events {
      let place = place(event)
      times[place].count += 1
      times[place].launches += event.launches
      times[place].total += event.duration
      times[place].byteCount += event.byteCount
    }
    return times.sorted { ($1.total, $0.name, $0.source) < ($0.total, $1.name, $1.source) }
  }

  /// Launches as `Statistics` counts them.
  public var launches: Int { events.reduce(0) { $0 + $1.launches } }

  /// From the first event's start to the last one's end; 0 without events.
  public var extent: Int {
    guard let first = events.lazy.map(\.started).min(), let last = events.lazy.map(\.ended).max() else { return 0 }
    return last - first
  }

  /// Nanoseconds in which the device worked on at least one event.
  public var busy: Int {
    var (sum, end) = (0, Int.min)
    for event in events where event.ended > end {
      sum += event.ended - max(event.started, end)
      end = event.ended
    }
    return sum
  }

  /// Nanoseconds between the first start and the last end in which the device had nothing to do.
  public var idle: Int { extent - busy }
}
