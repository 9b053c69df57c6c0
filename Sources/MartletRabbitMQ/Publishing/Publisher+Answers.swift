import CRabbitMQ
import MartletCore

/// What the broker says of what was published.
extension Publisher {
  func receive(_ frame: Frame, wire: Wire, now: ContinuousClock.Instant) throws(BrokerError) {
    if frame.type == Frame.header { return returned(frame, wire) }
    guard frame.type == Frame.method else { return }
    switch frame.methodNumber {
    case amqp_basic_ack_t.number:
      guard let ack = wire.pool.decode(amqp_basic_ack_t.self, from: frame) else { return }
      confirm(ack.delivery_tag, multiple: ack.multiple != 0, isAck: true, now)
    case amqp_basic_nack_t.number:
      guard let nack = wire.pool.decode(amqp_basic_nack_t.self, from: frame) else { return }
      confirm(nack.delivery_tag, multiple: nack.multiple != 0, isAck: false, now)
    case amqp_basic_return_t.number:
      guard let answer = wire.pool.decode(amqp_basic_return_t.self, from: frame) else { return }
      returning = ReturnedRoute(exchange: answer.exchange.text, routingKey: answer.routing_key.text)
    case amqp_channel_close_t.number:
      guard let close = wire.pool.decode(amqp_channel_close_t.self, from: frame) else { return }
      wire.output.method(amqp_channel_close_ok_t(), channel: Self.channel)
      channelClosed(.channelClosed(code: close.reply_code, text: close.reply_text.text), wire)
    case amqp_connection_blocked_t.number:
      guard !isBlocked else { return }
      isBlocked = true
      let reason = wire.pool.decode(amqp_connection_blocked_t.self, from: frame)?.reason.text ?? "no reason given"
      environment.logger.warning(
        "RabbitMQ at \(wire.url) takes no messages for now (\(reason)); what is to be published waits")
    case amqp_connection_unblocked_t.number:
      guard isBlocked else { return }
      isBlocked = false
      environment.logger.information("RabbitMQ at \(wire.url) takes messages again")
    case amqp_channel_flow_t.number:
      guard let flow = wire.pool.decode(amqp_channel_flow_t.self, from: frame) else { return }
      wire.output.method(amqp_channel_flow_ok_t(active: flow.active), channel: Self.channel)
    default: break
    }
  }

  private func confirm(_ tag: UInt64, multiple: Bool, isAck: Bool, _ now: ContinuousClock.Instant) {
    var (unroutable, refused): ([Item], [Item]) = ([], [])
    window.confirm(tag, multiple: multiple, isAck: isAck) { item, verdict in
      switch verdict {
      case .confirmed: item.job.finishItem()
      case .unroutable: unroutable.append(item)
      case .refused: refused.append(item)
      }
      if isolated > 0 { isolated -= 1 }
    }
    for item in unroutable { notRouted(item, now) }
    askForNeeds()
    if refused.isEmpty {
      if resting.isEmpty, hasLoggedRefusal {
        hasLoggedRefusal = false
        restBackoff.reset()
      }
      return
    }
    if !hasLoggedRefusal {
      hasLoggedRefusal = true
      environment.logger.warning(
        "RabbitMQ could not keep a message for queue '\(queue(of: refused[0]))' (is it full, or without a leader?); "
          + "it is sent again")
    }
    let due = now + restBackoff.next()
    resting.append(contentsOf: refused.map { (due, $0) })
  }

  /// No queue took the message, though the broker confirmed it.
  private func notRouted(_ item: Item, _ now: ContinuousClock.Instant) {
    var item = item
    item.returns += 1
    let queue = queue(of: item)
    guard item.returns <= 5 else {
      return refuse(
        item,
        BrokerError(
          .notFound, "the queue '\(queue)' does not exist on RabbitMQ, or comes and goes", isRetriable: true))
    }
    if let hub = hub(of: item) {
      // Deleted, and maybe made again with another count.
      item.partition = nil
      return park(item, until: .hub(hub))
    }
    if deliverAt(of: item) == nil { return park(item, until: .queue(queue)) }
    // A level of the ladder was deleted.
    forgetLadder()
    outgoing.prepend([item])
  }

  /// The header of a returned message: its id says which one.
  private func returned(_ frame: Frame, _ wire: Wire) {
    guard let answer = returning else { return }
    returning = nil
    guard let properties = wire.pool.properties(of: frame)?.pointee else { return }
    let id = properties.message_id.text
    _ = window.markReturned { item in
      self.id(of: item) == id && (!answer.exchange.isEmpty || self.queue(of: item) == answer.routingKey)
    }
  }

  private func forgetLadder() {
    reachable = []
    topology.perform({ $0.forgetLadder() }, completion: { _ in })
  }

  /// The broker closed the channel over a message.
  private func channelClosed(_ error: BrokerError, _ wire: Wire) {
    switch error.code {
    case .notFound:
      // An exchange of the ladder was deleted: it is made again.
      forgetLadder()
      channelEnded(nil)
    case .permission:
      // Rights are given by exchange and topic, so one message may leave where another may not. Who sent it says so.
      channelEnded(error)
    default:
      environment.logger.warning("the publishing channel was closed: \(error.message)")
      channelEnded(error)
    }
    openChannel(wire)
  }

  /// What has no verdict goes to the front again. An error that one message made sends them one by one, until the one
  /// is found, which then is refused.
  func channelEnded(_ error: BrokerError?) {
    var items = window.removeAll()
    if let error, [.protocolViolation, .tooLarge, .conflict, .permission].contains(error.code) {
      if items.count == 1 {
        refuse(items.removeFirst(), error)
        if isolated > 0 { isolated -= 1 }
      } else {
        isolated = items.count
      }
    }
    outgoing.prepend(items)
    askForNeeds()
  }
}
