import MartletCore

/// What one function's dispatch knows: what is ready, who runs, what waits to be committed. A state machine without
/// I/O; `FunctionRunner` does what it answers.
struct RunnerState: Sendable {
  private let plan: FunctionPlan
  private var ready = ReadyQueue()
  private var workers = WorkerTable()
  private var pending: PendingCommit
  /// Groups that became full while too many were under way; they leave first.
  private var full: [PendingCommit] = []
  private var refused: RefusedSettlements
  /// nil where repeats are not dropped.
  private var inHand: MessagesInHand?
  private var commitsInFlight = 0
  /// Runs that were given up and have no outcome yet.
  private var unsettled = 0
  private var lastFlush = MonotonicTime(nanoseconds: 0)
  private var invocations: UInt64 = 0
  /// How long a run takes, in nanoseconds: a moving average over about eight runs.
  private var averageRun: UInt64 = 0
  /// How much may be held, where the broker takes back what is not settled in time.
  private var turns: TurnLimit?
  /// Receipts of earlier generations settle nothing.
  private var generation: UInt32 = 0
  private(set) var isDraining = false
  /// The drain took too long: what runs was told to stop.
  private(set) var isCancelling = false
  /// Nothing runs before the consumer is there to commit to.
  private var isOpen = false
  /// Messages that came to their end so far; the prefetch follows their pace.
  private(set) var finished: UInt64 = 0

  /// Commits under way at once: some at the broker, others on their way there and back. A quorum queue answers in
  /// bursts, and with fewer it would have nothing to do between two of them.
  static let maxCommitsInFlight = 8
  /// A group of this size leaves although more could join: what a commit costs the broker by itself is little then.
  static let goodGroup = 100
  /// Smaller groups leave only when none is under way, and while work waits not faster than this: groups grow while
  /// the broker is busy, and small ones cost round trips.
  static let linger: UInt64 = 1_000_000
  /// After so long a small group leaves although others are under way: what they wait for need not concern it.
  static let patience: UInt64 = 100_000_000

  /// A quick function stays on one worker: a second one would cost more in hand-overs than it gains.
  static let quickRun: UInt64 = 10_000

  /// One run that a worker is about to make.
  struct Run: Sendable {
    var work: FunctionWork
    let number: UInt64
    var deadline: MonotonicTime?
  }

  init(plan: FunctionPlan) {
    self.plan = plan
    refused = RefusedSettlements(instance: plan.instance)
    pending = PendingCommit(deduplicate: plan.deduplicate)
    inHand = plan.deduplicate.map { _ in MessagesInHand() }
  }

  /// Whether there is nothing to do and nothing under way.
  var isIdle: Bool {
    ready.isEmpty && workers.active == 0 && unsettled == 0 && !hasPending && refused.isEmpty && commitsInFlight == 0
  }

  mutating func open(settlementTimeout: Duration? = nil) {
    isOpen = true
    turns = settlementTimeout.map { TurnLimit(settlementTimeout: $0, atOnce: plan.messagesAtOnce) }
  }

  /// How many messages may be held now; nil where nothing limits it. Gives back what would have to wait for too long.
  mutating func limitHeld(now: MonotonicTime) -> Int? {
    guard let turns else { return nil }
    if !ready.isEmpty, workers.active >= plan.maxConcurrentCalls {
      let most = turns.waiting(behind: workers.leastAge(now: now))
      if ready.count > most {
        let waiting = ready.takeAll()
        ready.append(Array(waiting[..<most]), now: now)
        release(Array(waiting[most...]))
        // Not to be asked for again before the pace is better.
        return min(turns.held, most + plan.messagesAtOnce)
      }
    }
    return turns.held
  }

  // MARK: Intake

  mutating func add(_ deliveries: [Delivery], now: MonotonicTime) {
    guard !isDraining else { return release(deliveries) }
    // Nearly always all are: then the batch stays the one that the broker made.
    let areOurs = deliveries.allSatisfy { $0.receipt.generation >= generation }
    let ours = areOurs ? deliveries : deliveries.filter { $0.receipt.generation >= generation }
    ready.append(inHand?.admit(ours) ?? ours, now: now)
  }

  /// What was run and could not be committed, because another message of its id came to its end, waits again: when it is
  /// looked at next it is a repeat.
  mutating func takeBack(_ deliveries: some Sequence<DeliveryReference>, now: MonotonicTime) {
    let ours = deliveries.lazy.map(\.value).filter { [generation] in $0.receipt.generation >= generation }
    if isDraining { release(Array(ours)) } else { ready.append(Array(ours), now: now) }
  }

  mutating func revoke(generationsBefore generation: UInt32, now: MonotonicTime) {
    self.generation = max(self.generation, generation)
    ready.removeAll { $0.receipt.generation < generation }
    // A group holds receipts of one generation only: the broker answers for it as a whole.
    for index in full.indices { full[index].removeAll { $0.generation < generation } }
    full.removeAll(where: \.isEmpty)
    pending.removeAll { $0.generation < generation }
    release(refused.removeAll { $0.generation < generation })
    if let next = inHand?.revoke(generationsBefore: generation) { ready.append(next, now: now) }
  }

  /// Stops: what waits goes back untouched, what runs may finish.
  mutating func drain() {
    isDraining = true
    release(ready.takeAll())
    if let keptBack = inHand?.takeKeptBack() { release(keptBack) }
    for outcome in refused.takeWaiting() { giveBack(outcome) }
  }

  /// What was refused leaves once more before the end: a success as it is, a failure as if there had been no attempt.
  private mutating func giveBack(_ outcome: RefusedSettlements.Outcome) {
    if outcome.isComplete { append(outcome) } else { release(outcome.deliveries.map(\.value)) }
  }

  private mutating func append(_ outcome: RefusedSettlements.Outcome) {
    makeRoom()
    pending.append(outcome)
  }

  private mutating func release(_ deliveries: [Delivery]) {
    for delivery in deliveries where delivery.receipt.generation >= generation {
      makeRoom()
      pending.append(DeliveryReference(delivery), .release(delivery), outputs: [])
    }
  }

  // MARK: Workers

  /// The worker to start, if there is work for one more. One at a time: each new worker looks for its successor, so
  /// slow functions spread up to the limit, while a quick one stays where it is.
  mutating func workerToStart(now: MonotonicTime) -> Int? {
    guard isOpen, !workers.isStarting, workers.active < plan.maxConcurrentCalls,
      ready.hasWork(for: plan.batch, now: now)
    else { return nil }
    if workers.active > 0, averageRun < Self.quickRun { return nil }
    return workers.start()
  }

  /// Notices, by the clock, that a function which was quick no longer is: its runs have not ended to tell.
  mutating func noticeSlowRuns(now: MonotonicTime) {
    if workers.active > 0, !ready.isEmpty, workers.areAllBusy(for: Self.linger, now: now) {
      averageRun = 4 * Self.quickRun
    }
  }

  /// Runs that were given up and have not returned.
  var lost: Int { workers.lost }

  /// Keeps a worker's task. True when it is to be cancelled at once.
  mutating func attach(_ task: Task<Void, Never>, to worker: Int, serial: UInt64) -> Bool {
    workers.attach(task, to: worker, serial: serial) || isCancelling
  }

  func serial(of worker: Int) -> UInt64 { workers.serial(of: worker) }

  /// The next work of a worker; nil ends the worker.
  mutating func take(_ worker: Int, now: MonotonicTime) -> Run? {
    workers.hasStarted(worker)
    guard let work = ready.take(for: plan.batch, now: now) else {
      workers.end(worker)
      return nil
    }
    invocations += 1
    // Where repeats are dropped the time begins when it is known that this is none.
    let deadline = plan.deduplicate == nil ? self.deadline(from: now) : nil
    workers.run(worker, work, number: invocations, at: now, deadline: deadline)
    return Run(work: work, number: invocations, deadline: deadline)
  }

  private func deadline(from now: MonotonicTime) -> MonotonicTime? {
    plan.timeoutNanoseconds.map { MonotonicTime(nanoseconds: now.nanoseconds &+ $0) }
  }

  /// A run goes on with a part of its work; the rest has its outcome. False if the run was given up meanwhile.
  mutating func narrow(_ worker: Int, to work: FunctionWork) -> Bool { workers.narrow(worker, to: work) }

  /// A run begins at last, with what is no repeat. False if it was given up meanwhile.
  mutating func begin(_ worker: Int, _ run: inout Run, now: MonotonicTime) -> Bool {
    run.deadline = deadline(from: now)
    return workers.narrow(worker, to: run.work, deadline: run.deadline)
  }

  /// A worker's run has ended. `lost`: it was given up before, so nothing of it counts and the worker ends. `late`: it
  /// ended after its deadline, which is a failure.
  mutating func end(_ worker: Int, now: MonotonicTime) -> WorkerTable.Ending {
    // Capped, so that one run that lost its processor for a while does not look like a slow function.
    let run = now.nanoseconds(since: workers.start(of: worker))
    averageRun = (averageRun * 7 + min(run, 4 * Self.quickRun)) / 8
    turns?.ran(run)
    return workers.finish(worker)
  }

  /// Ends a worker whose task was cancelled: it cannot run another message.
  mutating func retire(_ worker: Int) { workers.end(worker) }

  /// Runs that are over their deadline: those to be cancelled now, and those whose time to end has passed as well.
  /// The latter are not at their end before `settledGivenUp`.
  mutating func expire(now: MonotonicTime) -> WorkerTable.Overdue {
    let overdue = workers.expire(now: now)
    unsettled += overdue.givenUp.count
    return overdue
  }

  /// So many runs that were given up have their outcome.
  mutating func settledGivenUp(_ count: Int) { unsettled -= count }

  /// A drain takes too long: all runs, to be cancelled.
  mutating func cancelAll() -> [Task<Void, Never>] {
    isCancelling = true
    return workers.tasks
  }

  /// A drain is over: what still runs goes back as if it had never been handed out.
  mutating func abandon() {
    for work in workers.giveUpAll() { release(work.deliveries.map(\.value)) }
  }

  // MARK: Commits

  /// Whether the consumer still holds a delivery.
  func holds(_ delivery: DeliveryReference) -> Bool { delivery.generation >= generation }

  /// The outcome of one delivery.
  mutating func settle(
    _ delivery: DeliveryReference, _ settlement: Settlement, outputs: consuming Outputs,
    isRepeat: Bool = false
  ) {
    guard delivery.generation >= generation else { return }
    finished += 1
    makeRoom()
    pending.append(delivery, settlement, outputs: outputs, isRepeat: isRepeat)
  }

  /// One outcome for several deliveries and their common outputs: all or none.
  mutating func complete(_ deliveries: [DeliveryReference], outputs: [OutgoingMessage]) {
    guard deliveries.allSatisfy({ $0.generation >= generation }) else { return release(deliveries.map(\.value)) }
    finished += UInt64(deliveries.count)
    makeRoom()
    pending.append(completed: deliveries, outputs: outputs)
  }

  private var hasPending: Bool { !pending.isEmpty || !full.isEmpty }

  /// A group that is full takes no more: one that the broker cannot take at once would be sent for ever.
  private mutating func makeRoom() {
    guard pending.isFull else { return }
    full.append(pending)
    pending = PendingCommit(deduplicate: plan.deduplicate)
  }

  /// The group that should leave now, if any.
  mutating func commitToSend(now: MonotonicTime, lingered: Bool = false) -> PendingCommit? {
    guard isOpen, hasPending, commitsInFlight < Self.maxCommitsInFlight else { return nil }
    guard full.isEmpty else {
      noteDeparture(now)
      return full.removeFirst()
    }
    let waited = now.nanoseconds(since: lastFlush)
    let isDue =
      (commitsInFlight == 0 && (ready.isEmpty || lingered || waited > Self.linger)) || waited > Self.patience
    guard pending.count >= Self.goodGroup || isDue else { return nil }
    defer { pending = PendingCommit(deduplicate: plan.deduplicate) }
    noteDeparture(now)
    return pending
  }

  private mutating func noteDeparture(_ now: MonotonicTime) {
    commitsInFlight += 1
    lastFlush = now
  }

  /// The broker does not take the settlements of an entry without outputs: they are tried again later. What a drain
  /// gives back in vain comes when the consumer ends. Answers whether to say that it was refused.
  mutating func keep(_ outcome: RefusedSettlements.Outcome, refusedBy error: BrokerError, now: MonotonicTime) -> Bool {
    guard isDraining else { return refused.keep(outcome, error, now: now) }
    if !outcome.isComplete, !outcome.isRelease { giveBack(outcome) }
    return false
  }

  /// Settles again what was refused and has waited.
  mutating func retryRefused(now: MonotonicTime) {
    for outcome in refused.takeDue(now: now) { append(outcome) }
  }

  /// A commit has its answer. True when all is settled that had been refused.
  mutating func commitEnded(_ commit: PendingCommit) -> Bool {
    commitsInFlight -= 1
    return refused.forgetSettled(in: commit.deliveries)
  }

  /// Messages of a group have their outcome: others of their ids may go on.
  /// - Parameter refused: entries whose messages have none yet.
  mutating func follow(_ commit: PendingCommit, except refused: [Int: BrokerError], now: MonotonicTime) {
    var next: [Delivery] = []
    for index in commit.group.entries.indices where refused[index] == nil {
      for delivery in commit.deliveries(ofEntry: index) {
        let id = delivery.value.message.id
        if let other = inHand?.end(id, generation: delivery.generation) { next.append(other) }
      }
    }
    ready.append(next, now: now)
  }
}
