import Martlet
import MartletTestKit

/// Looks at the records of consumer groups again and again while faults happen: neither epoch nor checkpoint may ever
/// go back.
final class CheckpointWatch: Sendable {
  private struct State: Sendable {
    var newest: [GroupPartition: PartitionRecord] = [:]
    var looks = 0
    var violations: [String] = []
  }

  private let state = Locked(State())

  var looks: Int { state.withLock { $0.looks } }
  var violations: [String] { state.withLock { $0.violations } }
  /// How often a partition got a new owner.
  var takeovers: UInt64 { state.withLock { $0.newest.values.reduce(0) { $0 + max($1.epoch, 1) - 1 } } }

  /// Looks until it is cancelled. A store that is away is asked again.
  func watch(_ groups: [ConsumerGroup], partitions: Int, in store: any Store) async {
    while !Task.isCancelled {
      for group in groups {
        guard let records = try? await store.records(of: group, partitionCount: partitions) else { continue }
        for record in records { enter(record, of: GroupPartition(group: group, number: record.partition)) }
      }
      try? await pause(.milliseconds(150))
    }
  }

  /// The records as they are at the end.
  func enter(_ record: PartitionRecord, of partition: GroupPartition) {
    state.withLock { state in
      defer { state.newest[partition] = record }
      state.looks += 1
      guard let before = state.newest[partition] else { return }
      func note(_ what: String) { state.violations.append("\(partition): \(what)") }
      if record.epoch < before.epoch { note("the epoch fell from \(before.epoch) to \(record.epoch)") }
      if record.epoch == before.epoch, record.lastCommit < before.lastCommit {
        note("the number of the last commit fell from \(before.lastCommit) to \(record.lastCommit)")
      }
      let (old, new) = (before.position?.sequenceNumber ?? -1, record.position?.sequenceNumber ?? -1)
      if new < old { note("the checkpoint fell from \(old) to \(new)") }
    }
  }
}
