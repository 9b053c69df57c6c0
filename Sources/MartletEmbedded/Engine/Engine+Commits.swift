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
    if let deduplication = group.deduplication {
      try refuseRepeats(in: group, deduplication, queue: consumer.queue.name, &refused, in: store)
    }

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

  /// Refuses the entries of messages that came to their end before, and remembers those of the others.
  private func refuseRepeats(
    in group: CommitGroup, _ deduplication: Deduplication, queue: String, _ refused: inout [Int: BrokerError],
    in store: Store
  ) throws(SQLiteError) {
    let now = clock.wall()
    var added = 0
    for index in group.entries.indices where refused[index] == nil {
      let ids = group.rememberedIDs(ofEntry: index).filter { !$0.isEmpty }
      for id in ids where try store.isRemembered(id, in: queue, now: now) {
        refused[index] = .repeated(id, in: queue)
        break
      }
      // At once: a later entry of the group may have the same.
      guard refused[index] == nil else { continue }
      for id in ids { try store.remember(id, in: queue, for: deduplication.window, now: now) }
      added += ids.count
    }
    try store.forgetRemembered(added: added, now: now)
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
