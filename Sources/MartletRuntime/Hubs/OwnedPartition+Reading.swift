import Foundation
import MartletCore

extension OwnedPartition: EventHandler {
  // MARK: Opening

  /// Finds out where to begin and opens a reader there. What fails is tried again by the clock.
  func openReader() async {
    if let problem = record.unreadable { return await followUnreadable(problem) }
    let own = core.withLock { core in
      core.readerNumber += 1
      return core.readerNumber
    }
    do {
      if core.withLock({ $0.mustDeclare }) {
        _ = try await environment.log.declare(plan.binding.hub)
        core.withLock { $0.mustDeclare = false }
      }
      let start = try await startPosition()
      let seen = core.withLock({ $0.state == nil }) ? try await readSeen() : nil
      let isClosed = core.withLock { core in
        guard core.readerNumber == own else { return true }
        if core.state == nil { core.state = makeState(start, seen) }
        core.begins = nil
        if core.isDraining { core.state?.drain() }
        return core.isClosing || core.isDraining || core.isLost
      }
      guard !isClosed else { return pump() }
      let reader = try await environment.log.read(
        partition.partition, after: start, function: plan.base.function.name, handler: self)
      let isLate = core.withLock { core in
        // A reader that was lost before it was known is dead.
        if core.isClosing || core.readerNumber != own { return true }
        core.reader = reader
        core.state?.beginReading()
        core.backoff.reset()
        return false
      }
      if isLate { return await reader.close() }
      report(.reading, nil)
      pump()
      await limitSuspicion()
    } catch {
      report(.reading, error)
      core.withLock { core in
        // A hub that has gone with all that is known of it.
        core.mustDeclare = core.mustDeclare || (error.code == .notFound && plan.onRetentionGap == .skip)
        if !core.isClosing, core.readerNumber == own { core.opensAt = now + core.backoff.next() }
      }
    }
  }

  /// After a death: not every reader says where the partition ends.
  private func limitSuspicion() async {
    guard core.withLock({ $0.state?.suspects != nil }) else { return }
    guard let end = try? await environment.log.position(before: .fromEnd, in: partition.partition) else { return }
    core.withLock { $0.state?.limitSuspicion(to: end) }
    pump()
  }

  private func startPosition() async throws(BrokerError) -> PartitionPosition {
    let (read, begins) = core.withLock { ($0.state?.readPosition, $0.begins) }
    if let begins { return try await environment.log.position(before: begins, in: partition.partition) }
    if let position = read ?? record.position { return position }
    return try await environment.log.position(before: plan.initialOffset, in: partition.partition)
  }

  /// What earlier owners remembered of events that succeeded; nil where repeats are not dropped.
  private func readSeen() async throws(BrokerError) -> SeenEvents? {
    guard let window = plan.deduplicate else { return nil }
    var seen = SeenEvents(window: window)
    let store = environment.committer.store
    let index = try await store.values(of: [SeenEvents.indexKey], in: partition)[SeenEvents.indexKey]
    guard let numbers = SeenEvents.numbers(in: index) else { return seen }
    var next = numbers.lowerBound
    while next <= numbers.upperBound {
      let part = next...min(next + 499, numbers.upperBound)
      let values = try await store.values(of: part.map(SeenEvents.key), in: partition)
      for number in part { seen.read(number, values[SeenEvents.key(number)]) }
      next = part.upperBound + 1
    }
    return seen
  }

  private func makeState(_ start: PartitionPosition, _ seen: SeenEvents?) -> PartitionState {
    PartitionState(
      plan: plan, partition: partition, record: record, start: start,
      firstWait: Self.firstWait(plan.maxWait, record.position, now: plan.base.clock.wall()), seen: seen)
  }

  /// Azure's rule for the first batch: without a checkpoint it does not wait, with one it waits for the rest of the time.
  /// The checkpoint is at least as old as its event was when it was read, so the event's time stands for it.
  static func firstWait(_ wait: Duration, _ position: PartitionPosition?, now: Date) -> UInt64 {
    guard let position else { return 0 }
    let age = position.enqueuedAt.map { Duration.seconds(max(0, now.timeIntervalSince($0))) } ?? .zero
    return UInt64(max(0, (wait - min(age, wait)) / .nanoseconds(1)))
  }

  /// Removes what the hub's retention no longer asks for. Trouble is told by whoever reads.
  func trim() async {
    guard let count = try? await environment.log.trim(partition.partition), count > 0 else { return }
    plan.counts.withLock { $0.trimmed += count }
    logger.with(LogField("trimmed", count)).information("\(count) events were removed, as the hub's retention says")
  }

  // MARK: EventHandler

  func receive(_ events: [Event], tail: PartitionTail?) {
    let now = self.now
    core.withLock { $0.state?.receive(events, tail: tail, now: now) }
    pump()
  }

  func receive(_ loss: EventLoss) {
    core.withLock { core in
      core.reader = nil
      core.readerNumber += 1
    }
    detach { [self] in await weigh(loss) }
  }

  func report(problem: BrokerError?) { report(.reading, problem) }

  /// Says once what does not work, and once that it does again.
  func report(_ work: Work, _ problem: BrokerError?) {
    let hasChanged = core.withLock { core in
      guard core.problems[work] != problem?.message else { return false }
      core.problems[work] = problem?.message
      return true
    }
    guard hasChanged else { return }
    if let problem {
      let next = work == .keeping ? "" : ", tries again"
      logger.error("cannot \(work.rawValue) \(partition)\(next): \(problem.message)")
    } else {
      logger.information("can \(work.rawValue) \(partition) again")
    }
  }
}
