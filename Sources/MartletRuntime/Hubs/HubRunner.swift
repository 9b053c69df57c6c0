import MartletCore

/// One function of events at work: a member of its consumer group, and the partitions that it owns.
final class HubRunner: Runner {
  /// What changes, behind one lock.
  struct State: Sendable {
    var balance: GroupBalance
    var partitions: [Int: OwnedPartition] = [:]
    /// Partitions that were given up while functions ran that have not returned yet.
    var remains: [OwnedPartition] = []
    var partitionCount = 0
    /// Where partitions are read and committed; nil before the start.
    var environment: OwnedPartition.Environment?
    /// nil where the hub's broker binds groups to no store.
    var binding: GroupBinding?
    /// When the next look at the group is due.
    var looksAt = MonotonicTime(nanoseconds: 0)
    var isLooking = false
    /// Whether the look may take partitions.
    var isActing = false
    var isDraining = false
    var isClosed = false
    var problem: String?
    var generator: any RandomNumberGenerator & Sendable

    /// What this process holds, as the balance sees it.
    var held: [Int: GroupBalance.Holding] {
      partitions.mapValues { GroupBalance.Holding(epoch: $0.record.epoch, isLeaving: $0.isLeaving) }
    }
  }

  let hub: HubPlan
  var plan: FunctionPlan { hub.base }
  private let executor: FunctionExecutor
  private let state: Locked<State>
  private let drained = Signal()
  private let lookedLast = Signal()
  private var now: MonotonicTime { plan.clock.monotonic() }

  init(
    hub: HubPlan, executor: FunctionExecutor,
    generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
  ) {
    self.hub = hub
    self.executor = executor
    let balance = GroupBalance(
      member: hub.base.instance, expiration: hub.expiration, handOverTimeout: hub.handOverTimeout)
    state = Locked(State(balance: balance, generator: generator))
  }

  // MARK: Start

  func start(_ brokers: BrokerDirectory) async throws(BrokerError) {
    guard let log = brokers[hub.address] as? any EventLog, let store = brokers.store(of: hub.address) else {
      preconditionFailure("the start has checked that the hub's broker has hubs, and that there is a store")
    }
    try await start(log: log, committer: HubCommitter(store: store) { brokers[$0] })
  }

  func start(log: any EventLog, committer: HubCommitter) async throws(BrokerError) {
    let description = try await log.declare(hub.binding.hub)
    let binding = GroupBinding(log, committer.store, hub)
    try await binding?.begin()
    state.withLock { state in
      state.binding = binding
      state.partitionCount = description.partitionCount
      state.environment = OwnedPartition.Environment(
        plan: hub, log: log, committer: committer, executor: executor, slots: RunSlots(plan.maxConcurrentCalls),
        turn: SuspectTurn()
      ) { [weak self] now in self?.state.withLock { $0.balance.mustStop(now: now) } ?? true }
    }
  }

  // MARK: Time

  func tick(now: MonotonicTime) -> Bool {
    let (partitions, binding, mustStop, looks, isClosed) = state.withLock { state in
      let looks = state.environment != nil && !state.isClosed && !state.isLooking && state.looksAt <= now
      if looks { state.isLooking = true }
      let partitions = state.partitions.sorted { $0.key < $1.key }
      return (partitions, state.binding, state.balance.mustStop(now: now), looks, state.isClosed)
    }
    if !isClosed { binding?.tick(now: now, on: executor) }
    let isBound = binding?.isBound ?? true
    for (_, partition) in partitions {
      if mustStop {
        partition.loseInSilence()
      } else {
        if !isBound, !partition.isLeaving { partition.drain() }
        partition.tick(now: now)
      }
    }
    expireRemains(now: now)
    if looks { Task.detached(executorPreference: executor) { [self] in await look() } }
    endIfDrained()
    return !isClosed
  }

  private func expireRemains(now: MonotonicTime) {
    let remains = state.withLock { $0.remains }
    guard !remains.isEmpty else { return }
    for partition in remains {
      partition.expire(now: now)
      partition.pump()
    }
    let ended = Set(remains.filter { !$0.hasRuns }.map { ObjectIdentifier($0) })
    state.withLock { state in state.remains.removeAll { ended.contains(ObjectIdentifier($0)) } }
  }

  var lost: Int { state.withLock { $0.partitions.values + $0.remains }.reduce(0) { $0 + $1.lostRuns } }

  // MARK: The group

  /// Says that this member lives, looks who owns what, and does its part.
  private func look() async {
    var isSoon = false
    do {
      isSoon = try await balance()
      report(problem: nil)
    } catch {
      state.withLock { $0.balance.failed() }
      report(problem: error)
    }
    let now = self.now
    let wasLast = state.withLock { state in
      state.isLooking = false
      state.isActing = false
      let factor = Double.random(in: isSoon ? 0.02...0.1 : 0.8...1.2, using: &state.generator)
      state.looksAt = now + hub.updateInterval * factor
      return state.isClosed
    }
    if wasLast { lookedLast.fire() }
    endIfDrained()
  }

  /// - Returns: whether another look is worth its while at once: somebody else was faster, or something became free.
  private func balance() async throws(BrokerError) -> Bool {
    let began = now
    let (environment, count, heldBefore, isLeaving) = state.withLock {
      ($0.environment, $0.partitionCount, $0.held, $0.isDraining)
    }
    guard let environment else { return false }
    let store = environment.committer.store
    // The records first: whoever owns one of them has said before that it lives, so the list of members has it.
    let records = try await store.records(of: hub.group, partitionCount: count)
    let attended = now
    let name = isLeaving ? GroupBalance.leaving(plan.instance) : plan.instance
    let members = try await store.attend(hub.group, as: name, expiration: hub.expiration)
    let view = GroupBalance.View(records: records, members: members, began: began, attended: attended, ended: now)
    let actions = state.withLock { state -> [GroupBalance.Action] in
      // What was given up during the look is not to be taken back by what was read before.
      var held = heldBefore.merging(state.held) { $1 }
      for number in heldBefore.keys { held[number]?.isOlderThanLook = true }
      var generator = state.generator
      defer { state.generator = generator }
      let actions = state.balance.actions(after: view, held: held, using: &generator)
      let isIdle = state.isDraining || state.binding?.isBound == false
      state.isActing = !isIdle && !actions.isEmpty
      return isIdle ? [] : actions
    }
    let isSoon = try await perform(actions, environment, until: attended + hub.expiration / 3)
    // The others give this member no share any more when they know that it leaves.
    return isSoon || state.withLock { $0.isDraining } != isLeaving
  }

  /// - Parameter end: when the next heartbeat is due: what is not claimed by then is claimed after it.
  private func perform(
    _ actions: [GroupBalance.Action], _ environment: OwnedPartition.Environment, until end: MonotonicTime
  ) async throws(BrokerError) -> Bool {
    var isSoon = false
    for action in actions {
      switch action {
      case .drop(let number):
        held(number)?.lose("another process owns it, or it was moved by hand")
        isSoon = true
      case .forgotten(let number):
        held(number)?.forgotten()
        isSoon = true
      case .shed(let number):
        plan.logger.information("gives \(hub.group):\(number) to another process")
        held(number)?.drain()
      case .claim(let number, let epoch, let afterDeath):
        guard now < end else { return true }
        let partition = GroupPartition(group: hub.group, number: number)
        let record = try await environment.committer.store.claim(
          partition, as: plan.instance, expecting: epoch, afterDeath: afterDeath)
        if let record {
          try await take(record, environment, afterDeath: afterDeath)
        } else {
          isSoon = true
        }
      }
    }
    return isSoon
  }

  private func held(_ number: Int) -> OwnedPartition? { state.withLock { $0.partitions[number] } }

  /// Begins to work on a partition that was claimed.
  private func take(
    _ record: PartitionRecord, _ environment: OwnedPartition.Environment, afterDeath: Bool
  ) async throws(BrokerError) {
    let partition = OwnedPartition(environment, record: record) { [weak self] in self?.closed($0) }
    let now = self.now
    let isTaken = state.withLock { state in
      // The claim may have taken its time.
      if state.isDraining || state.binding?.isBound == false || state.balance.mustStop(now: now)
        || state.partitions[record.partition] != nil
      {
        return false
      }
      state.partitions[record.partition] = partition
      return true
    }
    guard isTaken else {
      return try await environment.committer.store.release(
        GroupPartition(group: hub.group, number: record.partition), epoch: record.epoch)
    }
    if afterDeath {
      hub.counts.withLock { $0.takeovers += 1 }
      plan.logger.warning("takes \(hub.group):\(record.partition) over from a process that is dead")
    } else {
      plan.logger.information("owns \(hub.group):\(record.partition)")
    }
    partition.open()
  }

  private func closed(_ partition: OwnedPartition) {
    state.withLock { state in
      if state.partitions[partition.number] === partition { state.partitions[partition.number] = nil }
      if partition.hasRuns { state.remains.append(partition) }
    }
    endIfDrained()
  }

  private func report(problem: BrokerError?) {
    let hasChanged = state.withLock { state in
      defer { state.problem = problem?.message }
      return state.problem != problem?.message
    }
    guard hasChanged else { return }
    if let problem {
      let what = problem.code == .unavailable ? "does not answer" : "does not do what is asked of it"
      plan.logger.error("the store of \(hub.group) \(what), tries again: \(problem.message)")
    } else {
      plan.logger.information("the store of \(hub.group) answers again")
    }
  }

  // MARK: Drain

  func beginDrain() {
    let partitions = state.withLock { state in
      state.isDraining = true
      state.looksAt = MonotonicTime(nanoseconds: 0)
      return Array(state.partitions.values)
    }
    for partition in partitions { partition.drain() }
    endIfDrained()
  }

  func waitUntilDrained() async { await drained.wait() }

  /// Whether nothing runs and everything is committed and released, after `beginDrain`.
  var hasDrained: Bool { drained.hasFired }

  func cancelAll() {
    for partition in state.withLock({ Array($0.partitions.values) }) { partition.cancelAll() }
  }

  func abandon() {
    for partition in state.withLock({ Array($0.partitions.values) }) { partition.abandon() }
  }

  func close(deadline: ContinuousClock.Instant) async {
    let left = Signal()
    Task.detached(executorPreference: executor) { [self] in
      await leave()
      left.fire()
    }
    await left.wait(atMost: deadline - .now, on: executor)
  }

  /// Ends the membership, so that the others need not wait until this member has been silent for too long.
  func leave() async {
    let (store, isLooking) = state.withLock { state in
      state.isClosed = true
      return (state.environment?.committer.store, state.isLooking)
    }
    // A look that is under way would say afterwards that this member lives.
    if isLooking { await lookedLast.wait() }
    // Who cannot say goodbye is missed after the expiration.
    try? await store?.leave(hub.group, as: plan.instance)
    try? await store?.leave(hub.group, as: GroupBalance.leaving(plan.instance))
  }

  private func endIfDrained() {
    let now = self.now
    let hasDrained = state.withLock { state in
      // A look that only reads, or that hangs because the store is away, keeps nobody.
      state.isDraining && state.partitions.isEmpty && (!state.isActing || state.balance.mustStop(now: now))
    }
    if hasDrained { drained.fire() }
  }

  /// The partitions that this process owns, for tests.
  var owned: [Int] { state.withLock { $0.partitions.keys.sorted() } }
}
