import MartletCore

/// The events of a partition above the last checkpoint that was written, in their order, by growing numbers.
struct PartitionEntries: Sendable {
  enum Status: Sendable {
    /// For a run.
    case waiting
    case running
    /// Its outcome waits to be committed,
    case ran
    /// or is in a commit under way, or was committed before.
    case done
  }

  struct Entry: Sendable {
    let event: EventReference
    let lane: Int
    var status: Status
    /// Attempts that failed.
    var failures = 0
  }

  private var entries: [Entry] = []
  private var first = 0

  var count: Int { entries.count }
  var numbers: Range<Int> { first..<first + entries.count }

  subscript(number: Int) -> Entry {
    _read { yield entries[number - first] }
    _modify { yield &entries[number - first] }
  }

  mutating func append(_ entry: Entry) -> Int {
    entries.append(entry)
    return first + entries.count - 1
  }

  /// Where the group is with all that is done, from where it was.
  /// - Parameter more: events behind all of these that are done too.
  func position(from start: PartitionPosition, and more: Set<EventOffset>) -> PartitionPosition {
    var position = start
    let prefix = entries.prefix { $0.status == .done }
    if let last = prefix.last?.event {
      position.checkpoint = last.offset
      position.sequenceNumber = last.sequenceNumber
      position.eventID = last.value.message.id
      position.enqueuedAt = last.value.message.enqueuedAt
    }
    position.finished = entries[prefix.endIndex...].filter { $0.status == .done }.map(\.event.offset) + more.sorted()
    return position
  }

  /// Forgets what lies up to a checkpoint.
  mutating func removeAll(through checkpoint: EventOffset?) {
    guard let checkpoint else { return }
    let count = entries.prefix { $0.event.offset <= checkpoint }.count
    entries.removeFirst(count)
    first += count
  }
}
