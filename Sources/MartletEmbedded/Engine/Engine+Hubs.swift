import MartletCore

/// What is written for event hubs.
extension Engine {
  func declare(_ declaration: HubDeclaration, in store: Store) throws(SQLiteError)
    -> Result<HubDescription, BrokerError>
  {
    let (name, mode) = (declaration.name, declaration.mode)
    if let problem = HubProblem.problem(with: declaration) { return .failure(problem) }
    noteMode(of: declaration)
    guard var hub = try store.hub(named: name) else {
      guard mode == .create else { return .failure(.missing(hub: name)) }
      let hub = try store.insertHub(
        named: name, partitionCount: declaration.partitionCount ?? HubDeclaration.defaultPartitionCount,
        retention: declaration.retention ?? HubRetention())
      return .success(hub.description)
    }
    if let count = declaration.partitionCount, count != hub.partitionCount {
      return .failure(HubProblem.conflict(hub, count))
    }
    if mode == .create, let retention = declaration.retention, retention != hub.retention {
      try store.set(retention, of: hub)
      hub.retention = retention
    }
    return .success(hub.description)
  }

  /// Learns how a hub is made that is missing when events are sent to it.
  func note(_ declaration: HubDeclaration) {
    noteMode(of: declaration)
    notedHubs[declaration.name] = declaration
  }

  private func noteMode(of hub: HubDeclaration) {
    if hub.mode == .create { strictHubs.remove(hub.name) } else { strictHubs.insert(hub.name) }
  }

  /// Why an event cannot be sent, whoever tries; nil where it can.
  func problem(withEvent event: OutgoingMessage, in store: Store) throws(SQLiteError) -> BrokerError? {
    let name = event.address.name
    if let due = event.deliverAt, Store.milliseconds(due) > clock.wall() {
      return BrokerError(
        .configuration, "an event to \(event.address) cannot be delayed: the order of a partition is that of sending",
        isRetriable: false)
    }
    let count: Int
    let noted = notedHubs.isEmpty ? nil : notedHubs[name]
    if let hub = try store.hub(named: name) {
      count = hub.partitionCount
      if let wanted = noted?.partitionCount, wanted != count { return HubProblem.conflict(hub, wanted) }
    } else if let problem = HubProblem.problem(with: noted ?? HubDeclaration(name: name)) {
      return problem
    } else if strictHubs.contains(name) {
      return .missing(hub: name)
    } else {
      count = noted?.partitionCount ?? HubDeclaration.defaultPartitionCount
    }
    var choice = PartitionChoice(partitionCount: count)
    do throws(BrokerError) {
      _ = try choice.partition(for: event)
      return nil
    } catch {
      return error
    }
  }

  /// The hub of that name, made as it was noted if it is missing.
  private func hubCreating(named name: String, in store: Store) throws(SQLiteError) -> HubRow {
    if let hub = try store.hub(named: name) { return hub }
    let noted = notedHubs[name]
    return try store.insertHub(
      named: name, partitionCount: noted?.partitionCount ?? HubDeclaration.defaultPartitionCount,
      retention: noted?.retention ?? HubRetention())
  }

  /// Sends an event that has no problem.
  func send(event: OutgoingMessage, in store: Store) throws(SQLiteError) {
    let hub = try hubCreating(named: event.address.name, in: store)
    let number: Int
    if let partition = event.partition {
      number = partition
    } else if let key = event.key {
      number = PartitionChoice.partition(of: key, count: hub.partitionCount)
    } else {
      // Begins anywhere, so that processes that send one event each do not fill the first partition.
      number = turns[hub.id] ?? .random(in: 0..<hub.partitionCount)
      turns[hub.id] = (number + 1) % hub.partitionCount
    }
    guard let partition = try store.partition(number, of: hub) else {
      throw SQLiteError(code: 1, message: "the hub \(hub.name) has no row for partition \(number)")
    }
    try store.insert(event, into: partition, now: clock.wall())
    if hub.retention != HubRetention() { try lookAfter(partition, of: hub, in: store) }
  }

  /// Who sends removes what the retention no longer asks for: a hub that no group reads would grow for ever. Now and then,
  /// and when there is much too much.
  private func lookAfter(_ partition: PartitionRow, of hub: HubRow, in store: Store) throws(SQLiteError) {
    let now = clock.boot()
    var state = trims[partition.id] ?? (due: 0, next: 0, removed: 0)
    let isDue = state.due <= now
    // Piece by piece, with time between them: the events of one transaction ask for it one after another.
    guard state.next <= now, isDue || partition.isFarBeyond(hub.retention) else { return }
    let most = 2_000
    let removed = try store.trim(partition, to: hub.retention, now: clock.wall(), limit: most)
    state.removed += removed
    state.next = now + 20_000_000
    if isDue, removed < most {
      if state.removed > 0 {
        environment.logger.with(LogField("trimmed", state.removed)).information(
          "\(state.removed) events of \(hub.name):\(partition.number) were removed, as the hub's retention says")
      }
      state = (now + 30_000_000_000, state.next, 0)
    }
    trims[partition.id] = state
  }

  func delete(hub: String, in store: Store, _ effects: inout Effects) throws(SQLiteError) {
    try store.delete(hubNamed: hub)
    effects.hasDeletedHub = try store.hasDeletedHub()
  }

  func trim(_ partition: HubPartition, limit: Int, in store: Store) throws(SQLiteError) -> Int {
    guard let hub = try store.hub(named: partition.hub), let row = try store.partition(partition.number, of: hub)
    else { return 0 }
    return try store.trim(row, to: hub.retention, now: clock.wall(), limit: limit)
  }

  // MARK: Groups

  func commit(_ commit: PartitionCommit, in store: Store, _ effects: inout Effects) throws(SQLiteError)
    -> CommitResult
  {
    guard let group = try store.group(commit.partition.group),
      let record = try store.record(of: commit.partition, in: group), record.epoch == commit.epoch
    else { return .ownershipLost }
    if commit.number <= record.lastCommit { return .applied }
    guard commit.number == record.lastCommit + 1 else { return .ownershipLost }
    // All is checked before the first write.
    var refused: [Int: BrokerError] = [:]
    for (index, output) in commit.outputs.enumerated() {
      if let problem = try problem(with: output, in: store) { refused[index] = problem }
    }
    guard refused.isEmpty else { return .refused(refused) }
    for output in commit.outputs { try send(output, in: store, &effects) }
    try store.write(commit, in: group)
    return .applied
  }
}
