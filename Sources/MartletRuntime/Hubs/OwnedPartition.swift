import MartletCore

/// A partition that this process owns: reads it, runs its events, and hands the outcomes to the store. Nothing else
/// writes its checkpoint.
final class OwnedPartition: Sendable {
  /// What a partition works with.
  struct Environment: Sendable {
    let plan: HubPlan
    let log: any EventLog
    let committer: HubCommitter
    let executor: FunctionExecutor
    let slots: RunSlots<OwnedPartition>
    let turn: SuspectTurn<OwnedPartition>
    /// Whether the others may believe that this process is dead: then it begins nothing and commits nothing.
    let isSilent: @Sendable (MonotonicTime) -> Bool
  }

  /// What changes, behind one lock.
  struct Core: Sendable {
    /// nil until the position is known.
    var state: PartitionState?
    var reader: (any PartitionReader)?
    /// Raised when a reader is opened or lost: what began under an older number has come too late.
    var readerNumber = 0
    var tasks: [Int: Task<Void, Never>] = [:]
    /// Runs that were given up and have not returned: their slots are others' now.
    var slotless: Set<Int> = []
    /// When to try again to open the reader; nil while it is open, or being opened.
    var opensAt: MonotonicTime?
    var backoff = Backoff(first: .milliseconds(200), longest: .seconds(10))
    /// Where the next reader begins instead of behind what was read.
    var begins: InitialOffset?
    /// The hub has gone; it is made again before it is read.
    var mustDeclare = false
    /// The partition is not what it was: whoever owns it next begins there.
    var movesTo: PartitionPosition?
    /// What was said last of what does not work.
    var problems: [Work: String] = [:]
    /// It was said that the store's position makes no sense.
    var isUnreadable = false
    var isDraining = false
    var isLost = false
    var isCancelling = false
    var isClosing = false
    /// A thread is handing a commit to the store: the next one waits, so that they arrive in the order of their numbers.
    var isHandingOver = false
    /// When the hub's retention is looked after next.
    var trimsAt: MonotonicTime?
  }

  /// What a broker or a store can keep from working.
  enum Work: String, Sendable {
    case reading = "read"
    case keyedState = "read the keyed state of"
    case keeping = "keep the position of"
  }

  /// How often the owner removes what the hub's retention no longer asks for.
  static let trimInterval = Duration.seconds(30)

  let number: Int
  let record: PartitionRecord
  let environment: Environment
  let logger: Logger
  let core = Locked(Core())
  private let onClosed: @Sendable (OwnedPartition) -> Void
  var plan: HubPlan { environment.plan }
  var now: MonotonicTime { plan.base.clock.monotonic() }
  var partition: GroupPartition { GroupPartition(group: plan.group, number: number) }

  init(
    _ environment: Environment, record: PartitionRecord, onClosed: @escaping @Sendable (OwnedPartition) -> Void
  ) {
    self.environment = environment
    self.record = record
    self.onClosed = onClosed
    number = record.partition
    var logger = environment.plan.base.logger
    logger.fields += [
      LogField("hub", environment.plan.group.hub), LogField("group", environment.plan.group.name),
      LogField("partition", record.partition),
    ]
    self.logger = logger
  }

  /// Whether it is being given up.
  var isLeaving: Bool { core.withLock { $0.isDraining || $0.isLost } }
  /// Whether somebody else owns it, or may.
  var isLost: Bool { core.withLock { $0.isLost } }
  /// Runs that were given up and have not returned.
  var lostRuns: Int { core.withLock { $0.state?.abandonedRuns.count ?? 0 } }
  /// Whether a run of it has not returned.
  var hasRuns: Bool { core.withLock { $0.state.map { !$0.runs.isEmpty || !$0.abandonedRuns.isEmpty } ?? false } }

  func open() { detach { [self] in await openReader() } }

  func detach(_ work: @escaping @Sendable () async -> Void) {
    Task.detached(executorPreference: environment.executor) { await work() }
  }

  // MARK: The main loop

  /// Does what can be done now: asks for events, runs batches, commits. A slot or a turn that it leaves free goes to
  /// whoever waits for one.
  func pump() {
    var next: OwnedPartition? = self
    while let partition = next {
      // Behind a commit there may be another one, which others have found meanwhile and left.
      while partition.step() {}
      next = environment.slots.next ?? environment.turn.next
    }
  }

  /// - Returns: whether it has handed over a commit.
  private func step() -> Bool {
    let now = self.now
    // Asked here and not by the clock alone: a process that stood still wakes up anywhere.
    guard !environment.isSilent(now) else {
      loseInSilence()
      environment.slots.leave(self)
      environment.turn.leave(self)
      return false
    }
    var works: [PartitionWork] = []
    let (reader, granted, commit, notes) = core.withLock { core in
      chooseWork(&core, now: now, &works)
      let mayCommit = !core.isClosing && !core.isHandingOver
      let mayAnnounce = takeTurn(&core, mayCommit, now: now)
      let due = mayCommit ? core.state?.commitToSend(now: now, mayAnnounce: mayAnnounce) : nil
      if due?.commit != nil { core.isHandingOver = true }
      if core.state?.isExposed != true { environment.turn.giveUp(self) }
      let granted = core.reader == nil ? 0 : core.state?.grant(now: now) ?? 0
      return (core.reader, granted, due?.commit, due?.notes ?? [])
    }
    tell(notes)
    if granted > 0 { reader?.grant(granted) }
    for work in works { start(work) }
    guard let commit else {
      finishIfDrained()
      return false
    }
    send(commit)
    core.withLock { $0.isHandingOver = false }
    return true
  }

  /// Takes batches while there are slots for them, and stands in line for more.
  private func chooseWork(_ core: inout Core, now: MonotonicTime, _ works: inout [PartitionWork]) {
    let slots = environment.slots
    guard !core.isClosing else { return slots.leave(self) }
    while slots.take(for: self) {
      guard let work = core.state?.take(now: now) else { return slots.free() }
      works.append(work)
    }
    if core.state?.hasWork(now: now) == true { slots.wait(self) } else { slots.leave(self) }
  }

  /// Whether an event may be singled out now, where events run alone.
  private func takeTurn(_ core: inout Core, _ mayCommit: Bool, now: MonotonicTime) -> Bool {
    let turn = environment.turn
    guard mayCommit, let state = core.state, state.wantsTurn(now: now) else {
      // Who hands over a commit comes here again.
      if core.isClosing || core.state?.isExposed != true { turn.leave(self) }
      return false
    }
    // One more of its own only when the others have had theirs.
    turn.giveUp(self)
    return turn.take(for: self)
  }

  private func start(_ work: PartitionWork) {
    let task = Task.detached(executorPreference: environment.executor) { [self] in
      await PartitionInvocation(partition: self, work: work).run()
      let hasSlot = core.withLock { core in
        core.tasks[work.run] = nil
        return core.slotless.remove(work.run) == nil
      }
      if hasSlot { environment.slots.free() }
      pump()
    }
    let isCancelled = core.withLock { core in
      guard core.state?.runs[work.run] != nil else { return core.isCancelling || core.isLost }
      core.tasks[work.run] = task
      return core.isCancelling || core.isLost
    }
    if isCancelled { task.cancel() }
  }

  private func send(_ commit: PartitionCommit) {
    environment.committer.commit(commit) { [self] result in
      let now = self.now
      var committed = 0
      var isBroken = false
      let notes = core.withLock { core -> [PartitionNote] in
        switch result {
        case .applied: committed = core.state?.applied(through: commit.number) ?? 0
        case .ownershipLost: break
        case .refused(let errors):
          // Those behind it cannot be applied any more.
          isBroken = (core.state?.flights.count ?? 0) > 1
          if isBroken { return [] }
          return core.state?.refused(errors, wasSent: environment.committer.isElsewhere, now: now) ?? []
        }
        return []
      }
      tell(notes)
      if committed > 0 { plan.counts.withLock { $0.committed += committed } }
      if case .ownershipLost = result { lose("a commit was refused: somebody else owns it now") }
      if isBroken { lose("its store cannot write where it stands") }
      pump()
    }
  }

  /// Takes the outcome of a run's first events.
  func settle(_ run: Int, count: Int, _ verdict: EventVerdict) -> PartitionState.Next {
    let now = self.now
    let (next, notes) = core.withLock { core -> (PartitionState.Next, [PartitionNote]) in
      let isStopping = core.isCancelling || core.isLost
      guard let verdict = isStopping ? uncancelled(verdict) : verdict else {
        core.state?.release(run, now: now)
        return (.end, [])
      }
      return core.state?.settle(run, count: count, verdict, now: now) ?? (.end, [])
    }
    tell(notes)
    return next
  }

  /// What is left of a verdict when failures that come from a cancellation do not count; nil where nothing is.
  private func uncancelled(_ verdict: EventVerdict) -> EventVerdict? {
    switch verdict.body {
    case .together: return verdict
    case .failed(let error): return plan.base.canComeFromCancellation(error) ? nil : verdict
    case .each(let results):
      let kept = results.prefix { result in
        if case .failure(let error) = result { !plan.base.canComeFromCancellation(error) } else { true }
      }
      if kept.isEmpty, !results.isEmpty, verdict.undecodable.isEmpty { return nil }
      return EventVerdict(undecodable: verdict.undecodable, body: .each(Array(kept)), values: verdict.values)
    }
  }

  /// Says and counts what became of events.
  private func tell(_ notes: [PartitionNote]) {
    for note in notes {
      note.log(logger)
      switch note.kind {
      case .deadLettered: plan.counts.withLock { $0.deadLettered += 1 }
      case .skipped: plan.counts.withLock { $0.skipped += 1 }
      case .repeated: plan.counts.withLock { $0.repeated += 1 }
      case .retried, .blocked, .bisected: break
      }
    }
  }

  // MARK: Time

  func tick(now: MonotonicTime) {
    expire(now: now)
    let (opens, trims) = core.withLock { core in
      let opens = core.opensAt.map { $0 <= now } ?? false
      if opens { core.opensAt = nil }
      let trims = !core.isClosing && core.trimsAt.map { $0 <= now } ?? true
      if trims { core.trimsAt = now + Self.trimInterval }
      return (opens, trims)
    }
    if opens { open() }
    if trims { detach { [self] in await trim() } }
    pump()
  }

  /// Tells runs that are over their deadline to stop, and gives up those that do not heed it.
  func expire(now: MonotonicTime) {
    let (cancelled, notes) = core.withLock { core in
      guard let due = core.state?.expire(now: now) else { return ([Task<Void, Never>](), [PartitionNote]()) }
      giveBackSlots(of: due.abandoned, &core)
      return (due.cancel.compactMap { core.tasks[$0] }, due.notes)
    }
    for task in cancelled { task.cancel() }
    tell(notes)
  }

  /// A run that was given up, and may never return, keeps nobody from running.
  private func giveBackSlots(of runs: [Int], _ core: inout Core) {
    for run in runs where core.slotless.insert(run).inserted { environment.slots.free() }
  }

  // MARK: Stop

  /// Lets what runs finish, commits and releases the partition.
  func drain() {
    core.withLock { core in
      core.isDraining = true
      core.state?.drain()
    }
    pump()
  }

  /// Stops at once and writes nothing: somebody else owns it, or may.
  func lose(_ why: String) {
    let tasks = core.withLock { core -> [Task<Void, Never>]? in
      guard !core.isLost, !core.isClosing else { return nil }
      core.isLost = true
      core.state?.lose()
      return Array(core.tasks.values)
    }
    guard let tasks else { return }
    logger.warning("\(partition) is given up: \(why)")
    for task in tasks { task.cancel() }
    finishIfDrained()
  }

  /// Stops because the store has not heard of this process for too long.
  func loseInSilence() {
    lose("the store has not heard of this process for too long; others may believe that it is dead")
  }

  /// A drain takes too long: what runs is told to stop.
  func cancelAll() {
    let tasks = core.withLock { core in
      core.isCancelling = true
      return Array(core.tasks.values)
    }
    for task in tasks { task.cancel() }
  }

  /// A drain is over: nothing of what still runs counts.
  func abandon() {
    core.withLock { core in giveBackSlots(of: core.state?.abandon() ?? [], &core) }
    pump()
  }

  private func finishIfDrained() {
    let (isDone, reader) = core.withLock { core -> (Bool, (any PartitionReader)?) in
      guard !core.isClosing, core.isLost || (core.isDraining && core.state?.hasDrained ?? true) else {
        return (false, nil)
      }
      core.isClosing = true
      environment.turn.leave(self)
      environment.slots.leave(self)
      core.opensAt = nil
      defer { core.reader = nil }
      return (true, core.reader)
    }
    guard isDone else { return }
    detach { [self] in
      await reader?.close()
      await release()
      onClosed(self)
    }
  }

  private func release() async {
    let (isLost, target) = core.withLock { ($0.isLost, $0.movesTo) }
    if isLost {
      if plan.onRetentionGap == .fail { await keepPosition() }
      return
    }
    let store = environment.committer.store
    do {
      if let target {
        try await store.move(partition, to: target)
      } else {
        try await store.release(partition, epoch: record.epoch)
      }
    } catch {
      logger.warning("\(partition) was not released, others take it over when its owner is silent: \(error.message)")
    }
  }
}
