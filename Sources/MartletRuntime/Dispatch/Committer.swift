import MartletCore

/// Applies commit groups: outputs of other commit domains first, confirmed, then the input's own, in one piece.
final class Committer: Sendable {
  let consumer: any QueueConsumer
  let input: Address
  let broker: @Sendable (Address) -> any Broker
  private let domain: CommitDomain
  private let memory: RepeatMemory?

  /// - Parameters:
  ///   - input: the queue that the consumer reads.
  ///   - memory: where ids are remembered beside the commits; nil where none are, or the broker does it.
  ///   - broker: the broker of an address.
  init(
    consumer: any QueueConsumer, input: Address, memory: RepeatMemory? = nil,
    broker: @escaping @Sendable (Address) -> any Broker
  ) {
    self.consumer = consumer
    self.input = input
    self.memory = memory
    self.broker = broker
    domain = broker(input).commitDomain(for: input)
  }

  /// - Parameter completion: called once. `sent` are the refused entries whose outputs have left all the same, to other
  ///   domains: only their settlements were refused.
  func commit(_ group: CommitGroup, completion: @escaping @Sendable (CommitResult, _ sent: Set<Int>) -> Void) {
    if let memory { return commit(group, remembering: memory, completion: completion) }
    guard hasOutputsElsewhere(group) else { return consumer.commit(group) { completion($0, []) } }
    publishElsewhere(group) { [self] refused, isClosed in
      // What could not be published must not be settled.
      if isClosed { return completion(.ownershipLost, []) }
      let kept = group.entries.indices.filter { refused[$0] == nil }
      let rest = group.filtered(entries: kept) { !isElsewhere($0) }
      guard !rest.isEmpty else { return completion(.refused(refused), []) }
      consumer.commit(rest) { result in
        switch result {
        case .applied: completion(refused.isEmpty ? .applied : .refused(refused), [])
        // A refused entry has to be heard of before a lost one: its deliveries wait for another settlement.
        case .ownershipLost: completion(refused.isEmpty ? .ownershipLost : .refused(refused), [])
        case .refused(let errors):
          let sent = errors.keys.filter { rest.entries[$0].outputs.isEmpty }.map { kept[$0] }
          completion(.refused(errors.reduce(into: refused) { $0[kept[$1.key]] = $1.value }), Set(sent))
        }
      }
    }
  }

  /// Neighbours mostly go to one address, and that is asked about once.
  private func hasOutputsElsewhere(_ group: CommitGroup) -> Bool {
    var last: Address?
    for index in group.outputs.indices where group.outputs[index].address != last {
      if isElsewhere(group.outputs[index]) { return true }
      last = group.outputs[index].address
    }
    return false
  }

  private func isElsewhere(_ output: OutgoingMessage) -> Bool {
    broker(output.address).commitDomain(for: output.address) != domain
  }

  /// Publishes the outputs of other domains, and tells which entries were refused once all are confirmed.
  private func publishElsewhere(
    _ group: CommitGroup, completion: @escaping @Sendable (_ refused: [Int: BrokerError], _ isClosed: Bool) -> Void
  ) {
    var outputs: [(message: OutgoingMessage, owner: Int)] = []
    for (index, entry) in group.entries.enumerated() {
      for output in group.outputs[entry.outputs] where isElsewhere(output) { outputs.append((output, index)) }
    }
    Shipment.publish(outputs, broker: broker, completion: completion)
  }
}
