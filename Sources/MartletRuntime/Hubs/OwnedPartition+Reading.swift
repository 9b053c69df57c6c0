import Foundation
import MartletCore

extension OwnedPartition: EventHandler {
  // MARK: Opening

  /// Finds out where to begin and opens a reader there. What fails is tried again by the clock.
  func openReader() async {
    do {
      if core.withLock({ $0.mustDeclare }) {
        _ = try await environment.log.declare(plan.binding.hub)
        core.withLock { $0.mustDeclare = false }
      }
      let start = try await startPosition()
      let isClosed = core.withLock { core in
        if core.state == nil { core.state = makeState(start) }
        core.begins = nil
        if core.isDraining { core.state?.drain() }
        return core.isClosing || core.isDraining || core.isLost
      }
      guard !isClosed else { return pump() }
      let reader = try await environment.log.read(
        partition.partition, after: start, function: plan.base.function.name, handler: self)
      let isLate = core.withLock { core in
        if core.isClosing { return true }
        core.reader = reader
        core.state?.beginReading()
        core.backoff.reset()
        return false
      }
      if isLate { return await reader.close() }
      report(problem: nil)
      pump()
    } catch {
      report(problem: error)
      core.withLock { core in
        if !core.isClosing { core.opensAt = now + core.backoff.next() }
      }
    }
  }

  private func startPosition() async throws(BrokerError) -> PartitionPosition {
    let (read, begins) = core.withLock { ($0.state?.readPosition, $0.begins) }
    if let begins { return try await environment.log.position(before: begins, in: partition.partition) }
    if let position = read ?? record.position { return position }
    return try await environment.log.position(before: plan.initialOffset, in: partition.partition)
  }

  private func makeState(_ start: PartitionPosition) -> PartitionState {
    PartitionState(
      plan: plan, partition: partition, record: record, start: start,
      firstWait: Self.firstWait(plan.maxWait, record.position, now: plan.base.clock.wall()))
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
    logger.debug("\(count) events were removed, as the hub's retention says")
  }

  // MARK: EventHandler

  func receive(_ events: [Event], tail: PartitionTail?) {
    let now = self.now
    core.withLock { $0.state?.receive(events, tail: tail, now: now) }
    pump()
  }

  func receive(_ loss: EventLoss) {
    let what = describe(loss)
    guard plan.onRetentionGap == .skip else {
      core.withLock { $0.reader = nil }
      logger.error("\(partition): \(what); onRetentionGap is fail, so the group stops here until it is moved")
      return
    }
    switch loss {
    case .retentionGap:
      logger.warning("\(partition): \(what); the group goes on with the oldest event that is there")
      core.withLock { core in
        core.reader = nil
        core.begins = .fromStart
      }
      open()
    case .recreated:
      logger.warning("\(partition): \(what); the group begins with the oldest event of the new one")
      core.withLock { $0.reader = nil }
      detach { [self] in await restart() }
    case .deleted:
      logger.error("\(partition): \(what)")
      core.withLock { core in
        core.reader = nil
        core.mustDeclare = true
        core.opensAt = now + core.backoff.next()
      }
    }
  }

  private func describe(_ loss: EventLoss) -> String {
    switch loss {
    case .retentionGap(let missing):
      "\(missing.map { $0 == 1 ? "1 event was" : "\($0) events were" } ?? "events were") removed before the group read them"
    case .recreated: "the partition was deleted and made again"
    case .deleted: "the partition does not exist"
    }
  }

  /// Nothing that is known of the old partition holds for the new one: the group is moved, and whoever owns the
  /// partition next begins anew.
  private func restart() async {
    do {
      let start = try await environment.log.position(before: .fromStart, in: partition.partition)
      core.withLock { $0.movesTo = start }
      drain()
    } catch {
      report(problem: error)
      core.withLock { core in
        if !core.isClosing { core.opensAt = now + core.backoff.next() }
      }
    }
  }

  func report(problem: BrokerError?) {
    let hasChanged = core.withLock { core in
      defer { core.problem = problem?.message }
      return core.problem != problem?.message
    }
    guard hasChanged else { return }
    if let problem {
      logger.error("cannot read \(partition), tries again: \(problem.message)")
    } else {
      logger.information("reads \(partition) again")
    }
  }
}
