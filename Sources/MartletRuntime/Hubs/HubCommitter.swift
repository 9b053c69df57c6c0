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
    guard let (elsewhere, own) = parts(of: commit.outputs) else { return store.commit(commit, completion: completion) }
    var rest = commit
    rest.outputs = own.map { commit.outputs[$0] }
    publish(elsewhere, of: commit) { [store, rest, own] refused, isClosed in
      // What could not be published must not be passed over.
      if isClosed { return completion(.ownershipLost) }
      if !refused.isEmpty { return completion(.refused(refused)) }
      store.commit(rest) { result in
        guard case .refused(let errors) = result else { return completion(result) }
        completion(.refused(errors.reduce(into: [:]) { $0[own[$1.key]] = $1.value }))
      }
    }
  }

  /// - Parameter places: of the outputs that are to be published.
  private func publish(
    _ places: [Int], of commit: PartitionCommit,
    completion: @escaping @Sendable (_ refused: [Int: BrokerError], _ isClosed: Bool) -> Void
  ) {
    let outputs = commit.outputs
    // Mostly all of them go to one address: then they leave as they are.
    guard places.count == outputs.count, outputs.indices.allSatisfy({ outputs[$0].address == outputs[0].address })
    else {
      return Shipment.publish(places.map { (outputs[$0], $0) }, broker: broker, completion: completion)
    }
    broker(outputs[0].address).publish(outputs) { result in
      switch result {
      case .applied: completion([:], false)
      case .ownershipLost: completion([:], true)
      case .refused(let errors): completion(errors, false)
      }
    }
  }

  /// The places of the outputs that the store's commit does not cover, and of those that it does; nil where it covers
  /// all.
  private func parts(of outputs: [OutgoingMessage]) -> (elsewhere: [Int], own: [Int])? {
    var parts: (elsewhere: [Int], own: [Int]) = ([], [])
    // Neighbours mostly go to one address.
    var last: (address: Address, isElsewhere: Bool)?
    for index in outputs.indices {
      if last?.address != outputs[index].address { last = (outputs[index].address, isElsewhere(outputs[index])) }
      if last?.isElsewhere == true { parts.elsewhere.append(index) } else { parts.own.append(index) }
    }
    return parts.elsewhere.isEmpty ? nil : parts
  }
}
