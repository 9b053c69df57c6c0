public import MartletCore

extension HubOperations {
  /// Moves a consumer group, back or forward. Every event from there on is processed again, or for the first time; what
  /// was finished above the checkpoint is forgotten. What the group keeps for keys stays as it is.
  /// - Parameters:
  ///   - group: the group's name.
  ///   - partitions: those that are moved; nil is all of them.
  ///   - target: where to.
  /// - Throws: `notFound` for a hub, a group or a partition that does not exist; `configuration` for one offset for
  ///   several partitions. Partitions are moved one after another: those before the one that failed are moved.
  public func rewind(
    _ group: String, partitions: [Int]? = nil, to target: RewindTarget
  ) async throws(BrokerError) {
    let numbers = try await existing(partitions)
    try await checkGroup(group)
    if case .offset = target, numbers.count > 1 {
      throw BrokerError(
        .configuration, "an offset is a place in one partition; name one of the \(numbers.count) partitions of \(hub)",
        isRetriable: false)
    }
    for number in numbers {
      let position = try await position(before: target, in: partition(number))
      try await store.move(GroupPartition(group: ConsumerGroup(hub: hub, name: group), number: number), to: position)
    }
  }

  private func existing(_ partitions: [Int]?) async throws(BrokerError) -> [Int] {
    let count = try await log.partitionCount(of: hub)
    guard count > 0 else { throw missing("the event hub \(hub) does not exist") }
    guard let partitions else { return Array(0..<count) }
    if let wrong = partitions.first(where: { !(0..<count).contains($0) }) {
      throw missing("the event hub \(hub) has the partitions 0 to \(count - 1); there is no \(wrong)")
    }
    return partitions
  }

  private func position(before target: RewindTarget, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition
  {
    switch target {
    case .start: try await log.position(before: .fromStart, in: partition)
    case .end: try await log.position(before: .fromEnd, in: partition)
    case .enqueuedTime(let time): try await log.position(before: .fromEnqueuedTime(time), in: partition)
    case .offset(let offset): try await log.position(before: offset, in: partition)
    }
  }

  // MARK: One event

  /// Leaves an event out: the group counts it as done, without an outcome, and goes on behind it. For an event that
  /// blocks its partition, or that must not run.
  ///
  /// The partition is taken from its owner for a moment, so nothing that the owner commits meanwhile is lost, and nothing
  /// runs twice that was committed.
  /// - Parameters:
  ///   - offset: the event's.
  ///   - number: the partition that it is in.
  ///   - group: the group's name.
  /// - Returns: false where the event has its outcome already, and nothing was done.
  /// - Throws: `notFound` for a hub, a group, a partition or an event that does not exist; `conflict` where the
  ///   group's position cannot be read; `unavailable` where others claim the partition all the time.
  @discardableResult
  public func skip(_ offset: EventOffset, partition number: Int, of group: String) async throws(BrokerError) -> Bool {
    _ = try await existing([number])
    try await checkGroup(group)
    guard try await exists(offset, in: partition(number)) else {
      throw missing("the partition \(partition(number)) has no event \(offset)")
    }
    let place = GroupPartition(group: ConsumerGroup(hub: hub, name: group), number: number)
    let member = "operator-\(MessageIdentifier.random())"
    for _ in 0..<Self.mostTries {
      let found = try await record(of: place)
      if let unreadable = found.unreadable {
        throw BrokerError(
          .conflict, "the position of \(place) cannot be read (\(unreadable)); move the group first", isRetriable: false
        )
      }
      if found.position.has(offset) { return false }
      // From the claim on nobody else commits: the position that it answers stays what it is.
      let own = try await store.claim(place, as: member, expecting: found.epoch, afterDeath: false)
      guard let own else { continue }
      if own.position.has(offset) {
        try await store.release(place, epoch: own.epoch)
        return false
      }
      let isApplied = await apply(try await commit(leavingOut: offset, own, place))
      try await store.release(place, epoch: own.epoch)
      if isApplied { return true }
    }
    throw BrokerError(
      .unavailable, "\(place) changes hands all the time; try again, or stop its group first", isRetriable: true)
  }

  /// A group at work may claim a partition again while it is taken from it.
  private static let mostTries = 20

  private func record(of place: GroupPartition) async throws(BrokerError) -> PartitionRecord {
    try await store.records(of: place.group, partitionCount: place.number + 1)[place.number]
  }

  private func exists(_ offset: EventOffset, in partition: HubPartition) async throws(BrokerError) -> Bool {
    let position = try await log.position(before: offset, in: partition)
    // Behind the last one nothing would come, and be waited for.
    let end = try await log.position(before: .fromEnd, in: partition)
    guard let last = end.checkpoint, offset <= last else { return false }
    guard case .events(let events) = try await peek(partition, after: position, through: 1) else { return false }
    return events.first?.offset == offset
  }

  private func commit(
    leavingOut offset: EventOffset, _ record: PartitionRecord, _ place: GroupPartition
  ) async throws(BrokerError) -> PartitionCommit {
    // A group that has not committed anything yet begins at the start.
    var position = record.position ?? PartitionPosition()
    if record.position == nil { position = try await log.position(before: .fromStart, in: place.partition) }
    position.finished = (position.finished + [offset]).sorted()
    return PartitionCommit(
      partition: place, epoch: record.epoch, number: record.lastCommit + 1, position: position, deaths: record.deaths,
      suspect: record.suspect?.offset == offset ? nil : record.suspect)
  }

  private func apply(_ commit: PartitionCommit) async -> Bool {
    let result = await withCheckedContinuation { continuation in
      store.commit(commit) { continuation.resume(returning: $0) }
    }
    return if case .applied = result { true } else { false }
  }
}

extension PartitionPosition? {
  /// Whether an event has its outcome.
  fileprivate func has(_ offset: EventOffset) -> Bool {
    guard let position = self else { return false }
    return position.checkpoint.map { offset <= $0 } ?? false || position.finished.contains(offset)
  }
}
