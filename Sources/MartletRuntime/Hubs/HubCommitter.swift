import MartletCore

/// Applies the commits of partitions: outputs of other commit domains first, confirmed, then the store's, in one piece.
final class HubCommitter: Sendable {
  let store: any Store
  private let broker: @Sendable (Address) -> any Broker

  init(store: any Store, broker: @escaping @Sendable (Address) -> any Broker) {
    self.store = store
    self.broker = broker
  }

  /// Whether an output is outside of what the store's commit covers.
  func isElsewhere(_ output: OutgoingMessage) -> Bool {
    broker(output.address).commitDomain(for: output.address) != store.storeDomain
  }

  /// The indices of a refusal are those of `commit.outputs`; nothing of it was written then.
  func commit(_ commit: PartitionCommit, completion: @escaping @Sendable (CommitResult) -> Void) {
    var elsewhere: [(message: OutgoingMessage, owner: Int)] = []
    var own: [Int] = []
    for (index, output) in commit.outputs.enumerated() {
      if isElsewhere(output) { elsewhere.append((output, index)) } else { own.append(index) }
    }
    guard !elsewhere.isEmpty else { return store.commit(commit, completion: completion) }
    var rest = commit
    rest.outputs = own.map { commit.outputs[$0] }
    Shipment.publish(elsewhere, broker: broker) { [store, rest, own] refused, isClosed in
      // What could not be published must not be passed over.
      if isClosed { return completion(.ownershipLost) }
      if !refused.isEmpty { return completion(.refused(refused)) }
      store.commit(rest) { result in
        guard case .refused(let errors) = result else { return completion(result) }
        completion(.refused(errors.reduce(into: [:]) { $0[own[$1.key]] = $1.value }))
      }
    }
  }
}
