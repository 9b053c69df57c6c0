import MartletCore

extension HubOperations {
  /// What waits for a group in a partition.
  func lag(of record: PartitionRecord, _ bounds: PartitionBounds) async throws(BrokerError) -> EventLag {
    let firstNumber = bounds.firstSequenceNumber
    let position = record.position ?? PartitionPosition(sequenceNumber: firstNumber - 1)
    guard position.sequenceNumber <= bounds.tail.sequenceNumber else { return bounds.everything(.recreated) }
    let removed = firstNumber - 1 - position.sequenceNumber
    if removed > 0 {
      // What was finished above the checkpoint is not missed.
      let missing = removed - Int64(position.finished.count { offset in bounds.first.map { offset < $0 } ?? true })
      return bounds.everything(missing > 0 ? .retentionGap(missing: missing) : nil)
    }
    let count = bounds.tail.sequenceNumber - position.sequenceNumber - Int64(position.finished.count)
    guard count > 0 else { return EventLag(count: 0) }
    guard record.position != nil else { return bounds.everything(nil) }
    switch try await peek(partition(bounds.partition), after: position, through: position.finished.count + 1) {
    case .events(let events):
      // What is finished above the checkpoint does not wait.
      let finished = Set(position.finished)
      let oldest = events.first { !finished.contains($0.offset) }
      return EventLag(count: count, oldest: oldest?.offset, oldestEnqueuedAt: oldest?.message.enqueuedAt)
    case .loss(let loss): return bounds.everything(loss)
    }
  }

  /// The first events behind a position, as many as come in time.
  func peek(
    _ partition: HubPartition, after position: PartitionPosition, through count: Int
  ) async throws(BrokerError) -> EventPeek.Answer {
    let peek = EventPeek(count: count)
    let reader = try await log.read(partition, after: position, function: "operations", handler: peek)
    reader.grant(count)
    let answer = await peek.answer(atMost: patience)
    await reader.close()
    return answer
  }
}

extension PartitionBounds {
  /// The number of the oldest event that is kept, or of the next one where there is none.
  fileprivate var firstSequenceNumber: Int64 {
    if let count { return tail.sequenceNumber - Int64(count) + 1 }
    // Where events are not counted, their offsets are their numbers.
    return first.map { Int64(clamping: $0.low) } ?? tail.sequenceNumber + 1
  }

  /// The lag of a group that has nothing of what is kept.
  fileprivate func everything(_ loss: EventLoss?) -> EventLag {
    EventLag(
      count: tail.sequenceNumber - firstSequenceNumber + 1, oldest: first, oldestEnqueuedAt: firstEnqueuedAt, loss: loss
    )
  }
}
