import CRabbitMQ
import MartletCore

/// The questions, one method each.
extension TopologyChannel {
  /// Makes sure of a queue; an existing one must have the same arguments.
  func declare(_ queue: String, _ arguments: [Header]) throws(BrokerError) {
    let isNew = try count(queue) == nil
    try compare(queue, arguments)
    if isNew { registeredAt = .now + Self.registrationTime }
  }

  /// The question for the arguments of a queue: declaring compares them.
  func compare(_ queue: String, _ arguments: [Header]) throws(BrokerError) {
    _ = try call(
      amqp_queue_declare_t(
        ticket: 0, queue: scratch.bytes(queue), passive: 0, durable: 1, exclusive: 0, auto_delete: 0, nowait: 0,
        arguments: scratch.table(arguments)), amqp_queue_declare_ok_t.self)
  }

  /// How many messages of a queue can be received now; nil for a queue that does not exist.
  func count(_ queue: String) throws(BrokerError) -> Int? {
    do throws(BrokerError) {
      let answer = try call(
        amqp_queue_declare_t(
          ticket: 0, queue: scratch.bytes(queue), passive: 1, durable: 0, exclusive: 0, auto_delete: 0, nowait: 0,
          arguments: amqp_table_t()), amqp_queue_declare_ok_t.self)
      return Int(answer.message_count)
    } catch {
      if error.code == .notFound, isConnected { return nil }
      throw error
    }
  }

  /// Removes a queue, whether it exists or not.
  func delete(_ queue: String) throws(BrokerError) {
    do throws(BrokerError) {
      _ = try call(
        amqp_queue_delete_t(ticket: 0, queue: scratch.bytes(queue), if_unused: 0, if_empty: 0, nowait: 0),
        amqp_queue_delete_ok_t.self)
    } catch  where error.code == .notFound && isConnected {
    }
  }

  /// Creates an exchange.
  func declare(exchange: String, type: String, _ arguments: [Header] = []) throws(BrokerError) {
    _ = try call(
      amqp_exchange_declare_t(
        ticket: 0, exchange: scratch.bytes(exchange), type: scratch.bytes(type), passive: 0, durable: 1,
        auto_delete: 0, internal: 0, nowait: 0, arguments: scratch.table(arguments)), amqp_exchange_declare_ok_t.self)
  }

  /// Binds a queue to an exchange.
  func bind(_ queue: String, to exchange: String, key: String) throws(BrokerError) {
    _ = try call(
      amqp_queue_bind_t(
        ticket: 0, queue: scratch.bytes(queue), exchange: scratch.bytes(exchange), routing_key: scratch.bytes(key),
        nowait: 0, arguments: amqp_table_t()), amqp_queue_bind_ok_t.self)
  }

  /// Binds an exchange behind another.
  func bind(exchange: String, to source: String, key: String) throws(BrokerError) {
    _ = try call(
      amqp_exchange_bind_t(
        ticket: 0, destination: scratch.bytes(exchange), source: scratch.bytes(source),
        routing_key: scratch.bytes(key), nowait: 0, arguments: amqp_table_t()), amqp_exchange_bind_ok_t.self)
  }
}
