import MartletCore

/// A worker on one batch of a partition: one invocation, or one for each event after another.
struct PartitionInvocation: Sendable {
  let partition: OwnedPartition
  let work: PartitionWork
  private var plan: HubPlan { partition.plan }

  func run() async {
    guard let values = await values(for: work.events) else { return }
    // It was chosen some time ago: the process may have stood still since, or somebody else have taken the partition.
    if partition.environment.isSilent(partition.now) { partition.loseInSilence() }
    guard !partition.isLost else { return release() }
    if plan.binding.isSingle { return await runEach(values) }
    var deadline = work.deadline
    guard begin(0, &deadline) else { return }
    let verdict = await invoke(work.events, values, deadline)
    _ = partition.settle(work.run, count: work.events.count, verdict)
  }

  private func runEach(_ values: [String: Bytes]) async {
    var (values, deadline, started) = (values, work.deadline, partition.now)
    for (index, event) in work.events.enumerated() {
      if index > 0 {
        // The event before may have changed what is kept for the key.
        guard let kept = await self.values(for: [event]) else { return }
        values = kept
      }
      guard begin(index, &deadline) else { return }
      let verdict = await invoke([event], values, deadline)
      guard case .proceed = partition.settle(work.run, count: 1, verdict) else { return }
      partition.pump()
      if partition.environment.executor.hasWaitingJobs, partition.now.nanoseconds(since: started) > 5_000_000 {
        await Task.yield()  // fair between functions: others wait for this thread
        started = partition.now
      }
    }
  }

  /// Begins an invocation of the run, whose time counts from now. False where it must not begin: then the rest of the
  /// run comes again.
  private func begin(_ index: Int, _ deadline: inout MonotonicTime?) -> Bool {
    // The first one began with the run, unless something was read before it.
    guard index > 0 || plan.binding.isStateful else { return true }
    let now = partition.now
    let next = partition.core.withLock { $0.state?.beginNext(of: work.run, now: now) }
    guard let next, next.mayBegin, !partition.environment.isSilent(now) else {
      release()
      return false
    }
    deadline = next.deadline
    return true
  }

  private func invoke(
    _ events: [EventReference], _ values: [String: Bytes], _ deadline: MonotonicTime?
  ) async -> EventVerdict {
    let context = events.last.flatMap { last in partition.core.withLock { $0.state?.context(through: last) } }
    let invocation = Invocation(
      plan: plan.base, work: .events(events), number: plan.nextInvocation(), deadline: deadline, partition: context)
    let verdict = await plan.binding.run(EventInput(events: events, values: values), invocation)
    if plan.base.logger.level <= .debug { invocation.logger.debug("ran") }
    return verdict
  }

  // MARK: Keyed state

  /// What the group keeps for the keys of some of the events; nil where it cannot be read now, or the run was given up:
  /// then the rest of the run comes again.
  private func values(for events: [EventReference]) async -> [String: Bytes]? {
    guard plan.binding.isStateful else { return [:] }
    let keys = Set(events.map(\.stateKey))
    while true {
      let (known, missing) = partition.core.withLock { core -> ([String: Bytes]?, [String]) in
        guard let state = core.state, state.runs[work.run] != nil else { return (nil, []) }
        return (state.values.values(of: keys), state.values.missing(of: keys))
      }
      guard let known else {
        release()
        return nil
      }
      if missing.isEmpty { return known }
      do {
        let stored = try await partition.environment.committer.store.values(of: missing, in: partition.partition)
        partition.report(.keyedState, nil)
        partition.core.withLock { core in
          // What a run has read that was given up meanwhile may be older than what was written since.
          if core.state?.runs[work.run] != nil { core.state?.values.fill(missing, from: stored) }
        }
      } catch {
        partition.report(.keyedState, error)
        release(retryAfter: .seconds(1))
        return nil
      }
    }
  }

  private func release(retryAfter wait: Duration = .zero) {
    let now = partition.now
    partition.core.withLock { $0.state?.release(work.run, retryAfter: wait, now: now) }
  }
}
