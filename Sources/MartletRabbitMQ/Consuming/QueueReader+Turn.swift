import CRabbitMQ
import Foundation
import MartletCore

/// The end of a turn: hand out, acknowledge, answer.
extension QueueReader {
  func finishTurn(_ wire: Wire?, _ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    if state == .resting {
      guard wire != nil else { return nil }
      guard restsUntil <= now else { return restsUntil }
      begin(isConnected: true)
    }
    guard let wire, state == .open || state == .opening else { return closingTime(now) }
    handOut()
    let nextMove = retryMoves(now)
    // What is acknowledged may bring more at once.
    if intake.mustGrow || intake.mustShrink { steer(wire, isQuiet: pauses(now)) }
    acknowledge(wire, now)
    if intake.isOff { steer(wire) }
    consumer.unsettled = acks.open
    let settled = closing == nil ? nil : finishClosing(wire, now)
    let pause = intake.mustShrink ? quiet.at : nil
    return [acks.dueTime, nextMove, closing?.deadline, settled, pause].compactMap(\.self).min()
  }

  /// Whether the queue pauses: nothing has come for a while, and nothing was acknowledged that could bring more.
  private func pauses(_ now: ContinuousClock.Instant) -> Bool {
    if quiet.tag != acks.nextTag { quiet = (acks.nextTag, now + Self.pause) }
    if let lastAck { quiet.at = max(quiet.at, lastAck + Self.pause) }
    return now >= quiet.at
  }

  private func handOut() {
    if closing != nil {
      // Nobody runs them any more: they go back as if they had never come.
      for delivery in held.takeFirst(held.count) {
        if let back = Move(.release(delivery), queue: consumer.queue, now: .now) { move(back, delivery.receipt.low) }
      }
      return
    }
    // A stopped intake still hands out what is on its way.
    let room = intake.wanted == 0 ? held.count : min(held.count, intake.wanted - handed)
    guard room > 0 else { return }
    handed += room
    handler.receive(held.takeFirst(room))
  }

  private func acknowledge(_ wire: Wire, _ now: ContinuousClock.Instant) {
    var done: [SettledBatch] = []
    acks.takeDue(now: now, patience: closing == nil ? AckWindow.patience : .zero) { ack in
      wire.output.method(
        amqp_basic_ack_t(delivery_tag: ack.tag, multiple: ack.multiple ? 1 : 0), channel: channel)
      lastAck = now
    } acknowledged: { batch in
      if batch.acknowledged() { done.append(batch) }
    }
    for batch in done {
      batch.mark = wire.output.appended
      answers.append(batch)
    }
  }

  /// Answers the groups whose acknowledgements the system has taken.
  func wrote(_ wire: Wire) {
    while let batch = answers.first, wire.isWritten(batch.mark) {
      _ = answers.popFirst()
      finish(batch)
    }
  }
}

/// The end of a reader.
extension QueueReader {
  func close(deadline: ContinuousClock.Instant, answer: @escaping @Sendable () -> Void, _ wire: Wire?) {
    if let earlier = closing {
      closing = (min(deadline, earlier.deadline), earlier.answers + [answer])
      return
    }
    closing = (deadline, [answer])
    intake.wanted = 0
    guard let wire, state == .open || state == .opening else {
      if state != .open, state != .opening { end() }
      return
    }
    steer(wire)
  }

  /// Leaves when everything is settled. Answers when to look again.
  private func finishClosing(_ wire: Wire, _ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    guard let closing else { return nil }
    steer(wire)
    let isDone =
      intake.isOff && held.isEmpty && moving == 0 && acks.isFlushed && answers.isEmpty && incoming.tag == 0
      && !consumer.hasGroupsUnderWay
    if isDone, now < closing.deadline, let settled = lastAck.map({ $0 + Self.ackSettlingTime }), now < settled {
      return settled
    }
    if isDone || now >= closing.deadline { leave(wire) }
    return nil
  }

  /// Past the deadline nobody waits for `channel.close-ok` any more.
  private func closingTime(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    guard let closing else { return nil }
    if now >= closing.deadline { end() }
    return closing.deadline
  }
}
