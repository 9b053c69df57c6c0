import CRabbitMQ
import Foundation
import MartletCore

/// From frames to events.
extension StreamReader {
  func receive(_ frame: Frame, _ wire: Wire, _ now: ContinuousClock.Instant) throws(BrokerError) {
    switch frame.type {
    case Frame.header where state == .open: try header(frame, wire)
    case Frame.body where state == .open: try body(frame, wire)
    case Frame.method: try method(frame, wire, now)
    default: break
    }
  }

  private func method(_ frame: Frame, _ wire: Wire, _ now: ContinuousClock.Instant) throws(BrokerError) {
    switch frame.methodNumber {
    case amqp_basic_consume_ok_t.number: subscribed(now)
    case amqp_basic_deliver_t.number where state == .open || state == .opening:
      // The channel of the broker sends its answer and the first events by different ways.
      subscribed(now)
      guard let delivery = wire.pool.decode(amqp_basic_deliver_t.self, from: frame) else { throw unreadable(wire) }
      incoming = IncomingMessage(tag: delivery.delivery_tag)
    case amqp_basic_cancel_t.number:
      // The stream was deleted, or its node is gone: subscribing again tells.
      if state == .open || state == .opening { leave(wire) }
    case amqp_channel_close_t.number:
      guard let close = wire.pool.decode(amqp_channel_close_t.self, from: frame) else { throw unreadable(wire) }
      channelClosed(.channelClosed(code: close.reply_code, text: close.reply_text.text), wire, now)
    case amqp_channel_close_ok_t.number: left(wire, now)
    default: break
    }
  }

  private func header(_ frame: Frame, _ wire: Wire) throws(BrokerError) {
    guard incoming.tag != 0 else { throw unreadable(wire) }
    decoder.read(wire.pool.properties(of: frame), into: &received)
    incoming.hasHeader = true
    incoming.bodySize = frame.bodySize
    if incoming.bodySize == 0 { complete(Bytes(), wire) }
  }

  private func body(_ frame: Frame, _ wire: Wire) throws(BrokerError) {
    guard incoming.hasHeader else { throw unreadable(wire) }
    if frame.payload.count == incoming.bodySize { return complete(decoder.arena.copy(frame.payload), wire) }
    incoming.parts.append(contentsOf: frame.payload)
    guard incoming.parts.count >= incoming.bodySize else { return }
    complete(incoming.parts.withUnsafeBytes { Bytes(copying: $0) }, wire)
  }

  private func complete(_ body: Bytes, _ wire: Wire) {
    let tag = incoming.tag
    incoming = IncomingMessage()
    guard let offset = received.streamOffset else { return }
    received.message.body = body
    if !received.hasID { received.message.id = received.eventID(in: stream) }
    let message = received.takeMessage()
    hasNews = true
    // What the chunk of the position holds before it tells nothing.
    if isFirst, offset >= lastOffset ?? 0 {
      (isFirst, lookAt) = (false, nil)
      if let last, offset == last.offset, isAnother(message.id, message.enqueuedAt, than: last) {
        return lose(.recreated, wire)
      }
      // One offset is used up where a segment begins, and the oldest event is always the first of a segment: the offset
      // before it is no event that is missing.
      if let last, offset > last.offset + 2 {
        return lose(.retentionGap(missing: Int64(clamping: offset - last.offset - 2)), wire)
      }
    }
    // The event of the position itself, and what its chunk holds before it.
    if let lastOffset, offset <= lastOffset {
      skipped = tag
      return
    }
    held.append(Event(message: message, offset: EventOffset(low: offset), sequenceNumber: Int64(clamping: offset)))
    heldTags.append(tag)
  }

  /// Whether an event is not the one that was at its offset before. Senders may use an id again, or give none; then the
  /// time tells, which AMQP has in seconds.
  private func isAnother(
    _ id: String, _ enqueuedAt: Date?, than last: (offset: UInt64, id: String?, enqueuedAt: Date?)
  ) -> Bool {
    if let known = last.id, known != id { return true }
    guard let enqueuedAt, let known = last.enqueuedAt else { return false }
    return abs(enqueuedAt.timeIntervalSince(known)) >= 1
  }

  private func unreadable(_ wire: Wire) -> BrokerError { .violation("a frame that cannot be read", url: wire.url) }
}
