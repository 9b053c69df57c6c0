import CRabbitMQ
import MartletCore

/// Which store a consumer group is bound to, see `StoreMarker`.
extension TopologyChannel {
  /// Binds a group to a store, if it is bound to none.
  func bind(_ group: ConsumerGroup, to store: StoreIdentity) throws(BrokerError) {
    let isNew = try !exists(exchange: StoreMarker.exchange(of: group))
    let stream = HubLayout.stream(of: HubPartition(hub: group.hub, number: 0))
    // Without the stream nothing would ever take the marker away.
    if isNew, try count(stream) == nil {
      throw BrokerError(.unavailable, "RabbitMQ does not have the stream '\(stream)', or not yet", isRetriable: true)
    }
    do throws(BrokerError) {
      try declare(group, StoreMarker.arguments(store), isDurable: !store.isVolatile)
    } catch  where error.code == .conflict && isConnected {
      guard let bound = try ask(group, isDurable: !store.isVolatile) else {
        throw BrokerError(
          .unavailable, "the group \(group) was released just now; it is bound with the next try", isRetriable: true)
      }
      throw bound.refusal(of: store, for: group)
    }
    do throws(BrokerError) {
      try bind(store.isVolatile ? ownQueue() : stream, to: StoreMarker.exchange(of: group), key: "")
    } catch  where isConnected && (error.code == .notFound || error.code == .permission) {
      if store.isVolatile { ownedQueue = nil }
      // A node that has just come back denies its streams for some seconds; a marker that was there is bound to them.
      guard isNew else { return }
      try delete(exchange: StoreMarker.exchange(of: group), ifUnused: true)
      throw error
    }
  }

  /// Which store a group is bound to; nil for none.
  func binding(of group: ConsumerGroup) throws(BrokerError) -> StoreBinding? {
    guard try exists(exchange: StoreMarker.exchange(of: group)) else { return nil }
    return try ask(group, isDurable: true)
  }

  /// Ends a binding. Answers whether there was one.
  func unbind(_ group: ConsumerGroup) throws(BrokerError) -> Bool {
    let name = StoreMarker.exchange(of: group)
    guard try exists(exchange: name) else { return false }
    try delete(exchange: name, ifUnused: false)
    return true
  }

  /// Asks for the marker: declaring compares, and the refusal tells what is there.
  private func ask(_ group: ConsumerGroup, isDurable: Bool) throws(BrokerError) -> StoreBinding? {
    do throws(BrokerError) {
      try declare(group, StoreMarker.question, isDurable: isDurable)
    } catch  where error.code == .conflict && isConnected {
      if StoreMarker.isOtherKind(error.message) { return try ask(group, isDurable: !isDurable) }
      let uuid = StoreMarker.uuid(in: error.message)
      // Not ours, and not cut off either.
      if uuid == nil, !error.message.hasSuffix("...") { throw error }
      return StoreBinding(uuid: uuid, isVolatile: !isDurable)
    }
    // It has gone in this moment, and the question has made one.
    try delete(exchange: StoreMarker.exchange(of: group), ifUnused: true)
    return nil
  }

  private func declare(_ group: ConsumerGroup, _ arguments: [Header], isDurable: Bool) throws(BrokerError) {
    _ = try call(
      amqp_exchange_declare_t(
        ticket: 0, exchange: scratch.bytes(StoreMarker.exchange(of: group)), type: scratch.bytes("direct"), passive: 0,
        durable: isDurable ? 1 : 0, auto_delete: 1, internal: 1, nowait: 0, arguments: scratch.table(arguments)),
      amqp_exchange_declare_ok_t.self)
  }

  private func exists(exchange: String) throws(BrokerError) -> Bool {
    do throws(BrokerError) {
      _ = try call(
        amqp_exchange_declare_t(
          ticket: 0, exchange: scratch.bytes(exchange), type: scratch.bytes("direct"), passive: 1, durable: 0,
          auto_delete: 0, internal: 0, nowait: 0, arguments: amqp_table_t()), amqp_exchange_declare_ok_t.self)
      return true
    } catch  where error.code == .notFound && isConnected {
      return false
    }
  }

  private func delete(exchange: String, ifUnused: Bool) throws(BrokerError) {
    do throws(BrokerError) {
      _ = try call(
        amqp_exchange_delete_t(ticket: 0, exchange: scratch.bytes(exchange), if_unused: ifUnused ? 1 : 0, nowait: 0),
        amqp_exchange_delete_ok_t.self)
    } catch  where isConnected && (error.code == .notFound || ifUnused && error.code == .conflict) {
      // It has gone, or somebody uses it.
    }
  }

  /// A queue that ends with this connection, and what is bound to it alone.
  private func ownQueue() throws(BrokerError) -> String {
    if let queue = ownedQueue { return queue }
    let answer = try call(
      amqp_queue_declare_t(
        ticket: 0, queue: amqp_bytes_t(), passive: 0, durable: 0, exclusive: 1, auto_delete: 0, nowait: 0,
        arguments: amqp_table_t()), amqp_queue_declare_ok_t.self)
    let queue = answer.queue.text
    ownedQueue = queue
    return queue
  }
}
