import MartletCore

extension FunctionRunner {
  /// Takes out of a run what came to its end before: it is done. The run begins with the rest.
  func withoutRepeats(_ run: RunnerState.Run, _ worker: Int) async -> RunnerState.Run {
    guard let memory = memory.withLock({ $0 }) else {
      preconditionFailure("nothing is read before it is known where ids are remembered")
    }
    let deliveries = run.work.deliveries
    let known = await memory.remembered(of: deliveries.map(\.value.message.id))
    var run = run
    // The store was closed under it: nothing runs any more.
    let rest = known.map { known in deliveries.filter { !known.contains($0.value.message.id) } } ?? []
    if rest.count < deliveries.count { run.work = .many(rest) }
    let isStillOurs = state.withLock { $0.begin(worker, &run, now: now) }
    guard isStillOurs else {
      run.work = .many([])
      return run
    }
    for delivery in deliveries {
      if known == nil {
        state.withLock { $0.settle(delivery, .release(delivery.value), outputs: []) }
      } else if known?.contains(delivery.value.message.id) ?? false {
        drop(delivery)
      }
    }
    return run
  }

  private func drop(_ delivery: DeliveryReference) {
    plan.logger.with(LogField("messageID", delivery.value.message.id))
      .debug("repeats a message that came to its end, and is dropped")
    counts.withLock { $0.repeated += 1 }
    state.withLock { $0.settle(delivery, .complete(delivery.receipt), outputs: [], isRepeat: true) }
  }
}
