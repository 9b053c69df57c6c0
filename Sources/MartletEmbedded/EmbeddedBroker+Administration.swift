public import MartletCore

extension EmbeddedBroker: BrokerAdministration {
  public func counts(of queue: String) async throws(BrokerError) -> QueueCounts {
    try await ask { .counts(queue: queue, $0) }
  }

  public func deadLetters(of queue: String, limit: Int) async throws(BrokerError) -> [DeadLetter] {
    try await ask { .deadLetters(queue: queue, limit: limit, $0) }
  }

  public func delete(queue: String) async throws(BrokerError) {
    try await ask { .work(.delete(queue: queue, $0)) }
  }
}
