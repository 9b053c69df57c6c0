import MartletCore

/// The keyed state of an owned partition: what was read from the store, and over it what waits to be committed.
struct KeyedValues: Sendable {
  /// How many keys are kept after their commit, unless a test wants fewer.
  static let usualMost = 10_000

  private let most: Int
  private var known: [String: Bytes?] = [:]

  /// - Parameter most: more keys than this are not kept after their commit.
  init(most: Int = usualMost) { self.most = most }

  /// Those of the keys that must be read from the store.
  func missing(of keys: Set<String>) -> [String] { keys.filter { known[$0] == nil }.sorted() }

  /// The values of keys that are known.
  func values(of keys: Set<String>) -> [String: Bytes] {
    keys.reduce(into: [:]) { values, key in
      if let known = known[key], let value = known { values[key] = value }
    }
  }

  /// Takes what the store has for keys that it was asked about. What was written meanwhile is newer.
  mutating func fill(_ keys: [String], from stored: [String: Bytes]) {
    for key in keys where known[key] == nil { known[key] = .some(stored[key]) }
  }

  mutating func write(_ values: [String: Bytes?]) { known.merge(values) { $1 } }

  /// Takes back what units wrote that will not be committed; `rest` are those that still will, in order.
  mutating func undo(_ undone: [PartitionUnit], rest: [PartitionUnit]) {
    for key in undone.flatMap(\.values.keys) { known[key] = nil }
    for unit in rest { write(unit.values) }
  }

  /// Whether it is time to forget what the store knows too.
  var isFull: Bool { known.count > most }

  /// Keeps the memory bounded.
  /// - Parameters:
  ///   - pending: units that wait to be committed: only this knows what they wrote.
  ///   - running: keys that runs have in hand: they were told that their values are known.
  mutating func trim(keeping pending: [PartitionUnit], and running: Set<String>) {
    let kept = running.union(pending.flatMap(\.values.keys))
    known = known.filter { kept.contains($0.key) }
  }
}
