import MartletCore

/// What becomes of a partition that is not what it was: events removed unread, deleted, made again, or its position
/// unreadable.
extension OwnedPartition {
  /// What a loss comes to is known only with what the store, or the log, says now.
  func weigh(_ loss: EventLoss) async {
    do {
      switch loss {
      case .deleted: follow(loss)
      case .retentionGap(let missing): follow(.retentionGap(missing: try await unread(of: missing)))
      case .recreated where try await isLostToStore(): follow(loss)
      case .recreated:
        lose("what was read of it is no longer there; the group goes on from where the store has it")
      }
    } catch {
      report(.reading, error)
      openLater()
    }
  }

  /// A partition that lost its end looks as if it had been made again: to whoever had read that end, not to a group whose
  /// position in the store is still there. So nothing is concluded but from that position.
  private func isLostToStore() async throws(BrokerError) -> Bool {
    let store = environment.committer.store
    let found = try await store.records(of: plan.group, partitionCount: number + 1)[number]
    // The hub was deleted with all that was known of its groups.
    if found.epoch < record.epoch, found.position == nil, found.unreadable == nil { return true }
    let read = core.withLock { $0.state?.readPosition.checkpoint }
    return found.epoch == record.epoch && found.position == record.position && read == record.position?.checkpoint
  }

  /// How many of the events that retention removed had no outcome: those that were finished above the checkpoint had.
  private func unread(of missing: Int64?) async throws(BrokerError) -> Int64? {
    guard let missing, let position = core.withLock({ $0.state?.unreadPosition }), !position.finished.isEmpty else {
      return missing
    }
    let start = try await environment.log.position(before: .fromStart, in: partition.partition)
    let last = start.checkpoint ?? EventOffset(low: UInt64(max(0, position.sequenceNumber + missing)))
    return missing - Int64(position.finished.count { $0 <= last })
  }

  private func follow(_ loss: EventLoss) {
    if loss == .retentionGap(missing: 0) { return goOn() }
    let what = describe(loss)
    let logger = count(loss)
    guard plan.onRetentionGap == .skip else {
      logger.error("\(partition): \(what); onRetentionGap is fail, so the group stops here until it is moved")
      return detach { [self] in await keepPosition() }
    }
    switch loss {
    case .retentionGap:
      logger.warning("\(partition): \(what); the group goes on with the oldest event that is there")
      goOn()
    case .recreated:
      logger.warning("\(partition): \(what); the group begins with the oldest event of the new one")
      detach { [self] in await restart() }
    case .deleted:
      logger.error("\(partition): \(what); it is made again")
      core.withLock { $0.mustDeclare = true }
      openLater()
    }
  }

  /// Nobody knows how far the group was: it is not a group without a position.
  func followUnreadable(_ problem: String) async {
    let isNew = core.withLock { core in
      defer { core.isUnreadable = true }
      return !core.isUnreadable
    }
    let mustStop = plan.onRetentionGap == .fail
    if isNew {
      plan.counts.withLock { $0.lostPartitions += 1 }
      let consequence =
        mustStop
        ? "onRetentionGap is fail, so the group stops here until it is moved"
        : "the group begins again with the oldest event"
      logger.error("\(partition): the store's position cannot be read (\(problem)); \(consequence)")
    }
    if !mustStop { await restart() }
  }

  private func goOn() {
    core.withLock { $0.begins = .fromStart }
    open()
  }

  private func openLater() {
    let now = self.now
    core.withLock { core in
      if !core.isClosing { core.opensAt = now + core.backoff.next() }
    }
  }

  /// Counts a loss, and gives a logger that says how much it was.
  private func count(_ loss: EventLoss) -> Logger {
    plan.counts.withLock { counts in
      switch loss {
      case .retentionGap(let missing):
        counts.retentionGaps += 1
        counts.missing += missing ?? 0
      case .recreated, .deleted: counts.lostPartitions += 1
      }
    }
    guard case .retentionGap(let missing?) = loss else { return logger }
    return logger.with(LogField("missing", missing))
  }

  /// The store no longer knows of this owner.
  func forgotten() {
    _ = count(.deleted)
    lose("what the store knew of it was deleted, perhaps with its hub")
  }

  /// Where a hub was deleted with what its groups know, puts the position back that no longer fits: so that whoever owns
  /// the partition next stops too, and somebody can move the group.
  func keepPosition() async {
    guard let position = core.withLock({ $0.state?.position }) else { return }
    do {
      let store = environment.committer.store
      let records = try await store.records(of: plan.group, partitionCount: number + 1)
      if records[number].epoch < record.epoch { try await store.move(partition, to: position) }
    } catch {
      report(.keeping, error)
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
      report(.reading, error)
      openLater()
    }
  }
}
