import MartletCore

/// One function at work: takes what the broker delivers, runs it, and hands the outcomes to the committer. Nothing else
/// settles.
final class FunctionRunner: Runner, DeliveryHandler {
  let plan: FunctionPlan
  private let executor: FunctionExecutor
  private let watchdog: Watchdog
  let state: Locked<RunnerState>
  private let committer = Locked<Committer?>(nil)
  /// nil where repeats are not dropped.
  let memory = Locked<RepeatMemory?>(nil)
  let counts = Locked(MessageCounts())
  private let drained = Signal()
  private let pace: Locked<PrefetchPace>
  var now: MonotonicTime { plan.clock.monotonic() }

  init(plan: FunctionPlan, executor: FunctionExecutor, watchdog: Watchdog) {
    self.plan = plan
    self.executor = executor
    self.watchdog = watchdog
    state = Locked(RunnerState(plan: plan))
    pace = Locked(PrefetchPace(base: plan.basePrefetch, isFixed: plan.isPrefetchFixed))
  }

  func start(_ brokers: BrokerDirectory) async throws(BrokerError) {
    let address = plan.function.trigger
    let memory = plan.deduplicate.flatMap { window in
      RepeatMemory(of: address, window: window, brokers: brokers, executor: executor, logger: plan.logger)
    }
    self.memory.withLock { $0 = memory }
    let timeout = brokers[address].settlementTimeout
    // Where messages may not be held for long, the pace is found out with few of them.
    let prefetch = pace.withLock { $0.begin(limit: timeout == nil ? .max : plan.messagesAtOnce) }
    let consumer = try await brokers[address].consume(
      QueueSubscription(
        queue: QueueDeclaration(name: address.name), function: plan.function.name, prefetch: prefetch),
      handler: self)
    let outside = memory.flatMap { $0.isInCommits ? nil : $0 }
    open(Committer(consumer: consumer, input: address, memory: outside) { brokers[$0] }, settlementTimeout: timeout)
  }

  /// Begins to run what arrives, now that its outcome can be committed.
  /// - Parameter settlementTimeout: how long a delivery may stay unsettled; nil is for ever.
  func open(_ committer: Committer, settlementTimeout: Duration? = nil) {
    self.committer.withLock { $0 = committer }
    let isDraining = state.withLock { state in
      state.open(settlementTimeout: settlementTimeout)
      return state.isDraining
    }
    if isDraining { committer.consumer.setPrefetch(0) }
    flush(lingered: true)
    startWorker(now: now)
  }

  // MARK: The main loop

  private func work(_ worker: Int) async {
    let body = plan.function.body
    var started = now
    var next = take(for: worker)
    while var run = next {
      if plan.deduplicate != nil { run = await withoutRepeats(run, worker) }
      if case .many(let deliveries) = run.work, deliveries.contains(where: \.needsCheck) {
        run.work = setAsideRefused(deliveries, worker)
      }
      let invocation = Invocation(plan: plan, run: run)
      var verdict = Verdict.success
      var outputs = Outputs.nothing
      do {
        switch run.work {
        case .one(let delivery):
          if delivery.needsCheck, let refusal = plan.refusal(of: delivery.value) {
            verdict = .refused(refusal)
          } else if case .direct(let call) = body {
            outputs = invocation.withSent(try call(delivery, invocation))
          } else if case .one(let call) = body {
            outputs = invocation.withSent(try await call(delivery, invocation))
          } else {
            preconditionFailure("a function of batches was given one message")
          }
        case .many(let deliveries) where deliveries.isEmpty:
          // All had their outcome before the run: repeats, also of a function of one message.
          verdict = .batch(BatchVerdict(undecodable: []))
        case .many(let deliveries):
          guard case .many(let call) = body else { preconditionFailure("a function of one message was given a batch") }
          verdict = .batch(try await call(deliveries, invocation))
        case .events: preconditionFailure("events are the hub runner's")
        }
      } catch {
        verdict = .failure(error)
      }
      next = step(worker, after: invocation, verdict, &outputs)
      if executor.hasWaitingJobs, now.nanoseconds(since: started) > 5_000_000 {
        await Task.yield()  // fair between functions: others wait for this thread
        started = now
      }
    }
  }

  /// How a run ended, before it is settled. Its outputs are beside it, to be handed on; what is large and rare lies in a
  /// box.
  private enum Verdict {
    case success
    case failure(any Error)
    indirect case refused(FunctionPlan.Refusal)
    indirect case batch(BatchVerdict)
  }

  /// Settles the run that ended and takes the next one; nil ends the worker.
  private func step(
    _ worker: Int, after invocation: Invocation, _ verdict: Verdict, _ outputs: inout Outputs
  ) -> RunnerState.Run? {
    let now = self.now
    var next: Next?
    // Nearly every run is a plain success: it is settled and the next one taken under one lock.
    let ending = state.withLock { state in
      let ending = state.end(worker, now: now)
      if ending == .inTime, case .success = verdict, case .one(let delivery) = invocation.work {
        state.settle(delivery, .complete(delivery.receipt), outputs: outputs.take())
        next = Next(&state, worker, now)
      }
      return ending
    }
    guard finish(worker, invocation, verdict, ending) else { return nil }
    if let next { return goOn(next) }
    return take(for: worker)
  }

  private func take(for worker: Int) -> RunnerState.Run? {
    let now = self.now
    return goOn(state.withLock { Next(&$0, worker, now) })
  }

  /// What there is to do behind a run.
  private struct Next {
    let run: RunnerState.Run?
    let successor: Int?
    /// One or none. In an array because this is passed on for every run, and a group of commits is large.
    var commits: [PendingCommit] = []

    init(_ state: inout RunnerState, _ worker: Int, _ now: MonotonicTime) {
      run = state.take(worker, now: now)
      successor = state.workerToStart(now: now)
      if let commit = state.commitToSend(now: now) { commits.append(commit) }
    }
  }

  private func goOn(_ next: Next) -> RunnerState.Run? {
    for commit in next.commits { send(commit) }
    if let successor = next.successor { start(successor) }
    if next.run == nil { endIfIdle() }
    return next.run
  }

  // MARK: Settling

  /// Settles what was not a plain success. False ends the worker.
  private func finish(
    _ worker: Int, _ invocation: Invocation, _ verdict: Verdict, _ ending: WorkerTable.Ending
  ) -> Bool {
    switch ending {
    case .lost: return false
    case .late:
      fail(invocation.work.deliveries, FunctionTimeout(limit: plan.functionTimeout ?? .zero), invocation.logger)
      state.withLock { $0.retire(worker) }
      flush(lingered: false)
      startWorker(now: now)
      endIfIdle()
      return false
    case .inTime: break
    }
    if plan.logger.level <= .debug {
      invocation.logger.debug("ran")
    }
    switch verdict {
    case .success: break
    case .failure(let error): fail(invocation.work.deliveries, error, invocation.logger)
    case .refused(let refusal): for delivery in invocation.work.deliveries { setAside(delivery, refusal) }
    case .batch(let batch): settle(batch, invocation)
    }
    return true
  }

  private func settle(_ batch: BatchVerdict, _ invocation: Invocation) {
    if !batch.together.isEmpty {
      state.withLock { $0.complete(batch.together, outputs: invocation.withSent(batch.outputs).messages) }
    }
    // What was sent by hand belongs to the whole batch: it leaves with the first message that succeeded.
    var isFirst = batch.together.isEmpty
    for (delivery, event) in batch.each {
      switch event {
      case .success(let own):
        let outputs = isFirst ? invocation.withSent(own) : own
        isFirst = false
        state.withLock { $0.settle(delivery, .complete(delivery.value.receipt), outputs: outputs) }
      case .failure(let error): fail([delivery], error, invocation.logger)
      }
    }
  }

  private func setAside(_ delivery: DeliveryReference, _ refusal: FunctionPlan.Refusal) {
    plan.log(refusal.settlement, of: delivery.value, because: refusal.reason.errorText, plan.logger)
    state.withLock { $0.settle(delivery, refusal.settlement, outputs: []) }
  }

  /// A failed attempt. When a drain ran out of time a cancelled function has not failed: its message goes back.
  private func fail(_ deliveries: [DeliveryReference], _ error: any Error, _ logger: Logger) {
    for delivery in deliveries {
      let isStopping = plan.canComeFromCancellation(error) && state.withLock { $0.isCancelling }
      let settlement =
        isStopping ? Settlement.release(delivery.value) : plan.settlement(of: delivery.value, after: error)
      plan.log(settlement, of: delivery.value, because: String(describing: error), logger)
      state.withLock { $0.settle(delivery, settlement, outputs: []) }
    }
  }

  /// Takes out of a batch what must not run, before it runs: how the batch ends is nothing to these.
  private func setAsideRefused(_ deliveries: [DeliveryReference], _ worker: Int) -> FunctionWork {
    var runnable: [DeliveryReference] = []
    var refused: [(DeliveryReference, FunctionPlan.Refusal)] = []
    for delivery in deliveries {
      if let refusal = plan.refusal(of: delivery.value) {
        refused.append((delivery, refusal))
      } else {
        runnable.append(delivery)
      }
    }
    let isStillOurs = state.withLock { $0.narrow(worker, to: .many(runnable)) }
    if isStillOurs { for (delivery, refusal) in refused { setAside(delivery, refusal) } }
    return .many(runnable)
  }

  // MARK: Committing

  private func flush(lingered: Bool) {
    if let commit = state.withLock({ $0.commitToSend(now: now, lingered: lingered) }) { send(commit) }
  }

  private func send(_ commit: PendingCommit) {
    guard let committer = committer.withLock({ $0 }) else { preconditionFailure("nothing runs before it can commit") }
    committer.commit(commit.group) { [self] result, sent in
      // First, or the drain would find nothing left to do in between.
      var refused: [Int: BrokerError] = [:]
      if case .refused(let errors) = result { refused = errors }
      retryRefused(commit, refused, sent)
      if plan.deduplicate != nil { state.withLock { $0.follow(commit, except: refused, now: now) } }
      if state.withLock({ $0.commitEnded(commit) }) { plan.logger.information("all is settled that was refused") }
      flush(lingered: true)
      if plan.deduplicate != nil { startWorker(now: now) }
      endIfIdle()
    }
  }

  /// Outputs that no broker takes fail the invocation that made them; settlements alone are tried again. What is no
  /// longer held comes again, here or elsewhere.
  private func retryRefused(_ commit: PendingCommit, _ errors: [Int: BrokerError], _ sent: Set<Int>) {
    for (index, error) in errors.sorted(by: { $0.key < $1.key }) {
      let held = commit.deliveries(ofEntry: index).filter { delivery in state.withLock { $0.holds(delivery) } }
      if error.code == .repeated {
        state.withLock { $0.takeBack(held, now: now) }
        continue
      }
      if commit.hasOutputs(entry: index), !sent.contains(index) {
        fail(held, error, plan.logger)
        continue
      }
      let isNews = state.withLock { state in
        state.keep(commit.outcome(ofEntry: index, where: state.holds), refusedBy: error, now: now)
      }
      if isNews { plan.logger.warning("a message cannot be settled for now, tried again: \(error.message)") }
    }
  }

  // MARK: Workers

  private func startWorker(now: MonotonicTime) {
    if let worker = state.withLock({ $0.workerToStart(now: now) }) { start(worker) }
  }

  private func start(_ worker: Int) {
    let serial = state.withLock { $0.serial(of: worker) }
    let task = Task.detached(executorPreference: executor) { [self] in await work(worker) }
    if state.withLock({ $0.attach(task, to: worker, serial: serial) }) { task.cancel() }
  }

  // MARK: DeliveryHandler

  func receive(_ deliveries: [Delivery]) {
    let now = self.now
    let (worker, wasIdle) = state.withLock { state in
      let wasIdle = state.isIdle
      state.add(deliveries, now: now)
      return (state.workerToStart(now: now), wasIdle)
    }
    if let worker { start(worker) }
    if wasIdle { watchdog.wake() }
  }

  func revoke(generationsBefore generation: UInt32) {
    state.withLock { $0.revoke(generationsBefore: generation, now: now) }
    endIfIdle()
  }

  func report(problem: BrokerError?) {
    if let problem {
      plan.logger.error("cannot read \(plan.function.trigger): \(problem.message)")
    } else {
      plan.logger.information("reads \(plan.function.trigger) again")
    }
  }

  // MARK: Time

  /// Overdue runs, and groups and batches that have waited.
  func tick(now: MonotonicTime) -> Bool {
    let (overdue, worker, limit, isIdle) = state.withLock { state in
      state.noticeSlowRuns(now: now)
      state.retryRefused(now: now)
      return (
        state.expire(now: now), state.workerToStart(now: now), state.limitHeld(now: now), state.isIdle
      )
    }
    adjustPrefetch(limit: limit ?? .max, now: now)
    for task in overdue.cancel { task.cancel() }
    for (work, number) in overdue.givenUp {
      let logger = plan.logger.with(LogField("invocation", plan.invocationID(number)))
      fail(work.deliveries, FunctionTimeout(limit: plan.functionTimeout ?? .zero), logger)
    }
    state.withLock { $0.settledGivenUp(overdue.givenUp.count) }
    if let worker { start(worker) } else if !overdue.givenUp.isEmpty { startWorker(now: now) }
    flush(lingered: true)
    endIfIdle()
    return !isIdle
  }

  private func adjustPrefetch(limit: Int, now: MonotonicTime) {
    let consumer = committer.withLock { $0 }?.consumer
    let finished = state.withLock { $0.finished }
    // With the pace locked, so that a drain's zero is the last word.
    pace.withLock { pace in
      if let prefetch = pace.next(finished: finished, limit: limit, now: now) { consumer?.setPrefetch(prefetch) }
    }
  }

  var lost: Int { state.withLock { $0.lost } }

  // MARK: Drain

  /// Stops the intake, gives back what waits, and lets what runs finish and commit.
  func beginDrain() {
    let consumer = committer.withLock { $0 }?.consumer
    state.withLock { $0.drain() }
    pace.withLock { pace in
      pace.isStopped = true
      consumer?.setPrefetch(0)
    }
    flush(lingered: true)
    endIfIdle()
  }

  func waitUntilDrained() async { await drained.wait() }

  /// Whether nothing runs and everything is committed, after `beginDrain`.
  var hasDrained: Bool { drained.hasFired }

  func cancelAll() {
    for task in state.withLock({ $0.cancelAll() }) { task.cancel() }
  }

  func abandon() {
    state.withLock { $0.abandon() }
    flush(lingered: true)
    endIfIdle()
  }

  func close(deadline: ContinuousClock.Instant) async {
    await committer.withLock { $0 }?.consumer.close(deadline: deadline)
  }

  private func endIfIdle() {
    if state.withLock({ $0.isDraining && $0.isIdle }) { drained.fire() }
  }
}
