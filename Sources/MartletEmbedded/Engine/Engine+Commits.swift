import MartletCore

/// The one place where a message of the embedded broker is settled.
extension Engine {
  func apply(_ group: CommitGroup, of id: Int, in store: Store, _ effects: inout Effects) throws(SQLiteError)
    -> CommitResult
  {
    guard let consumer = consumers[id], let registration = consumer.registration else { return .ownershipLost }
    // All is checked before the first write.
    var refused: [Int: BrokerError] = [:]
    var stale = 0
    for (index, entry) in group.entries.enumerated() {
      if group.settlements[entry.settlements].contains(where: { $0.receipt.generation != consumer.generation }) {
        refused[index] = .leaseOver
        stale += 1
        continue
      }
      for output in group.outputs[entry.outputs] {
        guard let problem = try problem(with: output, in: store) else { continue }
        refused[index] = problem
        break
      }
    }
    if stale > 0, stale == group.entries.count { return .ownershipLost }

    var settling = Settling(consumer: consumer, row: registration.row)
    for (index, entry) in group.entries.enumerated() where refused[index] == nil {
      for settlement in group.settlements[entry.settlements] {
        try settle(settlement, &settling, in: store, &effects)
      }
      for output in group.outputs[entry.outputs] { try send(output, in: store, &effects) }
    }
    try settling.flush(in: store, &effects)
    return refused.isEmpty ? .applied : .refused(refused)
  }

  /// Gathers completions of messages that stand beside each other into one statement.
  struct Settling {
    let consumer: Consumer
    let row: Int64
    var run: (claim: Place, first: Place, last: Place)?

    mutating func complete(_ receipt: Receipt, in store: Store, _ effects: inout Effects) throws(SQLiteError) {
      if let current = run, current.claim == receipt.claim, receipt.place.rawValue == current.last.rawValue + 1 {
        run = (current.claim, current.first, receipt.place)
        return
      }
      try flush(in: store, &effects)
      run = (receipt.claim, receipt.place, receipt.place)
    }

    mutating func flush(in store: Store, _ effects: inout Effects) throws(SQLiteError) {
      guard let current = run else { return }
      run = nil
      let count = try store.complete(current.first, through: current.last)
      effects.settle(count, of: current.claim, by: consumer)
    }
  }

  private func settle(
    _ settlement: Settlement, _ settling: inout Settling, in store: Store, _ effects: inout Effects
  ) throws(SQLiteError) {
    let receipt = settlement.receipt
    if let suspect, suspect.consumer == settling.consumer.id, suspect.place == receipt.place {
      effects.isSuspectSettled = true
    }
    if case .complete = settlement { return try settling.complete(receipt, in: store, &effects) }
    try settling.flush(in: store, &effects)
    let isThere: Bool
    switch settlement {
    case .complete: return
    case .retry(let delivery, let delay):
      let now = clock.wall()
      let due = delay > .zero ? now + Store.milliseconds(delay / .milliseconds(1)) : now
      isThere = try store.retry(receipt.place, attempts: delivery.attempt, due: due, now: now)
      if isThere, due > now { effects.delay(until: due) }
    case .deadLetter(let delivery, let reason):
      isThere = try store.bury(receipt.place, attempts: delivery.attempt, reason: reason)
    case .release(let delivery):
      isThere = try store.release(receipt.place, attempts: delivery.attempt - 1)
    }
    effects.settle(isThere ? 1 : 0, of: receipt.claim, by: settling.consumer)
  }
}
