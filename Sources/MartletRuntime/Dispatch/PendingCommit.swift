import MartletCore

/// A commit group with the deliveries it settles, so that a refused one can take another way.
struct PendingCommit: Sendable {
  private(set) var group: CommitGroup
  /// In the order of the group's settlements.
  private(set) var deliveries: [DeliveryReference] = []

  /// - Parameter window: for how long ids of messages are remembered that come to their end; nil remembers none.
  init(deduplicate window: Duration? = nil) { group = CommitGroup(deduplicate: window) }

  var isEmpty: Bool { group.isEmpty }
  var isFull: Bool { group.isFull }
  var count: Int { isFull ? .max : group.settlements.count }

  /// - Parameters:
  ///   - delivery: what is settled.
  ///   - settlement: how.
  ///   - outputs: what is sent.
  ///   - isRepeat: its id is remembered already.
  mutating func append(
    _ delivery: DeliveryReference, _ settlement: Settlement, outputs: consuming Outputs,
    isRepeat: Bool = false
  ) {
    let isRemembered = group.deduplication != nil && !isRepeat && settlement.isEnd
    let id = isRemembered ? delivery.value.message.id : ""
    switch consume outputs {
    case .one(let output): group.append(settlement: settlement, output: output, remembering: id)
    case let outputs: group.append(settlement: settlement, outputs: outputs.messages, remembering: id)
    }
    deliveries.append(delivery)
  }

  mutating func append(_ outcome: RefusedSettlements.Outcome) {
    group.append(settlements: outcome.settlements, outputs: [], remembering: outcome.ids)
    deliveries.append(contentsOf: outcome.deliveries)
  }

  mutating func append(completed: [DeliveryReference], outputs: [OutgoingMessage]) {
    group.append(
      settlements: completed.map { Settlement.complete($0.value.receipt) }, outputs: outputs,
      remembering: group.deduplication == nil ? [] : completed.map(\.value.message.id))
    deliveries.append(contentsOf: completed)
  }

  /// Drops the outcomes of deliveries that are gone. What shared an outcome with one goes back.
  mutating func removeAll(where isGone: (DeliveryReference) -> Bool) {
    guard deliveries.contains(where: isGone) else { return }
    let old = self
    self = PendingCommit(deduplicate: old.group.deduplication?.window)
    for (index, entry) in old.group.entries.enumerated() {
      let entryDeliveries = old.deliveries[entry.settlements]
      if entryDeliveries.contains(where: isGone) {
        for delivery in entryDeliveries where !isGone(delivery) {
          append(delivery, .release(delivery.value), outputs: [])
        }
      } else {
        group.append(
          settlements: old.group.settlements[entry.settlements], outputs: old.group.outputs[entry.outputs],
          remembering: old.group.rememberedIDs(ofEntry: index))
        deliveries.append(contentsOf: entryDeliveries)
      }
    }
  }

  /// Whether an entry is more than settlements.
  func hasOutputs(entry index: Int) -> Bool { !group.entries[index].outputs.isEmpty }

  /// The deliveries of one entry.
  func deliveries(ofEntry index: Int) -> ArraySlice<DeliveryReference> {
    deliveries[group.entries[index].settlements]
  }

  /// What one entry settles.
  func outcome(ofEntry index: Int, where isHeld: (DeliveryReference) -> Bool) -> RefusedSettlements.Outcome {
    var outcome = RefusedSettlements.Outcome(deliveries: [], settlements: [])
    for position in group.entries[index].settlements where isHeld(deliveries[position]) {
      outcome.deliveries.append(deliveries[position])
      outcome.settlements.append(group.settlements[position])
      if let ids = group.deduplication?.ids { outcome.ids.append(ids[position]) }
    }
    return outcome
  }
}

extension Settlement {
  /// Whether the message does not come back.
  fileprivate var isEnd: Bool {
    switch self {
    case .complete, .deadLetter: true
    case .retry, .release: false
    }
  }
}
