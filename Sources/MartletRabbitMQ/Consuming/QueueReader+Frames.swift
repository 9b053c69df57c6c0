import CRabbitMQ
import Foundation
import MartletCore

/// From frames to deliveries.
extension QueueReader {
  func receive(_ frame: Frame, _ wire: Wire, _ now: ContinuousClock.Instant) throws(BrokerError) {
    // What is delivered behind `channel.close` goes back to the queue by itself.
    if state == .leaving, ![amqp_channel_close_t.number, amqp_channel_close_ok_t.number].contains(frame.methodNumber) {
      return
    }
    switch frame.type {
    case Frame.header: try header(frame, wire)
    case Frame.body: try body(frame, wire)
    default: try method(frame, wire, now)
    }
  }

  private func method(_ frame: Frame, _ wire: Wire, _ now: ContinuousClock.Instant) throws(BrokerError) {
    switch frame.methodNumber {
    case amqp_basic_deliver_t.number:
      guard let delivery = wire.pool.decode(amqp_basic_deliver_t.self, from: frame) else { throw unreadable(wire) }
      try expect(delivery.delivery_tag, isRedelivered: delivery.redelivered != 0, isSuspect: false, wire, now)
    case amqp_basic_get_ok_t.number:
      guard let answer = wire.pool.decode(amqp_basic_get_ok_t.self, from: frame) else { throw unreadable(wire) }
      try expect(answer.delivery_tag, isRedelivered: answer.redelivered != 0, isSuspect: true, wire, now)
      hub.suspectCame()
      suspectTag = answer.delivery_tag
    case amqp_basic_get_empty_t.number: hub.noSuspectCame(now: now)
    case amqp_channel_open_ok_t.number: if intake.wanted == 0 { opened() }
    case amqp_basic_consume_ok_t.number:
      intake.subscribed()
      opened()
      steer(wire)
    case amqp_basic_cancel_ok_t.number:
      intake.cancelled()
      steer(wire)
    case amqp_basic_cancel_t.number: cancelledByBroker(wire)
    case amqp_channel_close_t.number:
      guard let close = wire.pool.decode(amqp_channel_close_t.self, from: frame) else { throw unreadable(wire) }
      channelClosed(.channelClosed(code: close.reply_code, text: close.reply_text.text), wire, now)
    case amqp_channel_close_ok_t.number: left(now)
    default: break
    }
  }

  /// The queue was deleted, or its node is gone.
  private func cancelledByBroker(_ wire: Wire) {
    guard state == .open || state == .opening else { return }
    logger.warning("RabbitMQ ended the subscription (was the queue deleted?); subscribing again")
    leave(wire)
  }

  private func expect(
    _ tag: UInt64, isRedelivered: Bool, isSuspect: Bool, _ wire: Wire, _ now: ContinuousClock.Instant
  ) throws(BrokerError) {
    guard incoming.tag == 0, acks.delivered(tag, at: now) else {
      throw .violation("a delivery out of turn", url: wire.url)
    }
    incoming = IncomingMessage(tag: tag, isRedelivered: isRedelivered, isSuspect: isSuspect)
  }

  private func header(_ frame: Frame, _ wire: Wire) throws(BrokerError) {
    guard incoming.tag != 0 else { throw unreadable(wire) }
    decoder.read(wire.pool.properties(of: frame), into: &received)
    incoming.hasHeader = true
    incoming.bodySize = frame.bodySize
    if incoming.bodySize == 0 { complete(Bytes()) }
  }

  private func body(_ frame: Frame, _ wire: Wire) throws(BrokerError) {
    guard incoming.hasHeader else { throw unreadable(wire) }
    if frame.payload.count == incoming.bodySize { return complete(decoder.arena.copy(frame.payload)) }
    incoming.parts.append(contentsOf: frame.payload)
    guard incoming.parts.count >= incoming.bodySize else { return }
    complete(incoming.parts.withUnsafeBytes { Bytes(copying: $0) })
  }

  private func complete(_ body: Bytes) {
    received.message.body = body
    sort(&received, incoming)
    incoming = IncomingMessage()
  }

  private func unreadable(_ wire: Wire) -> BrokerError { .violation("a frame that cannot be read", url: wire.url) }
}
