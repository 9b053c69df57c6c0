import MartletCore

/// Outputs that no commit of the input covers: published before it, each broker's in one go.
enum Shipment {
  /// - Parameters:
  ///   - outputs: with the number of whoever fails when one is refused.
  ///   - completion: called once, when all are confirmed or refused. `isClosed`: a broker was closed before it could know.
  static func publish(
    _ outputs: [(message: OutgoingMessage, owner: Int)], broker: (Address) -> any Broker,
    completion: @escaping @Sendable (_ refused: [Int: BrokerError], _ isClosed: Bool) -> Void
  ) {
    var shipments: [CommitDomain: (broker: any Broker, messages: [OutgoingMessage], owners: [Int])] = [:]
    // Neighbours mostly go to one address.
    var start = outputs.startIndex
    while start < outputs.endIndex {
      let address = outputs[start].message.address
      let end = outputs[start...].firstIndex { $0.message.address != address } ?? outputs.endIndex
      let broker = broker(address)
      let domain = broker.commitDomain(for: address)
      shipments[domain, default: (broker, [], [])].messages += outputs[start..<end].lazy.map(\.message)
      shipments[domain]?.owners += outputs[start..<end].lazy.map(\.owner)
      start = end
    }
    let open = Locked<(count: Int, refused: [Int: BrokerError], isClosed: Bool)>((shipments.count, [:], false))
    let ledger = Shared(open)
    for shipment in shipments.values {
      let owners = shipment.owners
      shipment.broker.publish(shipment.messages) { result in
        let done = ledger.value.withLock { open in
          open.count -= 1
          switch result {
          case .applied: break
          case .ownershipLost: open.isClosed = true
          case .refused(let errors): for (index, error) in errors { open.refused[owners[index]] = error }
          }
          return open.count == 0 ? (open.refused, open.isClosed) : nil
        }
        if let done { completion(done.0, done.1) }
      }
    }
  }
}

/// Holds a lock that several closures share.
private final class Shared<Value: Sendable>: Sendable {
  let value: Locked<Value>
  init(_ value: consuming Locked<Value>) { self.value = value }
}
