import CRabbitMQ
import Foundation
import MartletCore

/// Who gets a message that came: the runtime, the dead letters, the suspects, or the delay ladder once more.
extension QueueReader {
  func sort(_ received: inout ReceivedMessage, _ incoming: borrowing IncomingMessage) {
    let isFirst = !incoming.isRedelivered && !incoming.isSuspect
    guard isFirst, received.message.body.count <= maxBytes, received.deliverAt == nil else {
      return divert(&received, incoming)
    }
    hold(received.takeMessage(), incoming, attempt: received.attempts + 1)
  }

  private func hold(_ message: consuming Message, _ incoming: borrowing IncomingMessage, attempt: Int) {
    held.append(
      Delivery(
        message: message, receipt: Receipt(generation: consumer.generation, low: incoming.tag), attempt: attempt,
        isSuspect: incoming.isSuspect))
  }

  /// What is no first delivery, or not for now.
  private func divert(_ received: inout ReceivedMessage, _ incoming: borrowing IncomingMessage) {
    let message = received.takeMessage()
    let attempt = received.attempts + (incoming.isSuspect ? 2 + received.deliveryCount : 1)
    if message.body.count > maxBytes {
      let reason = DeadLetterReason(
        code: .tooLarge, function: nil, errorType: nil,
        errorText: "the body has \(message.body.count) bytes; at most \(maxBytes) are allowed "
          + "(maxMessageBytes)", attempts: received.attempts, source: .queue(consumer.queue),
        traceID: message.trace?.traceIDText)
      move(
        Move(message: message, target: QueueLayout.dead(of: consumer.queue), reason: reason.headers), incoming.tag)
    } else if incoming.isSuspect, closing != nil {
      // It came too late to be run: back among the suspects, with the same number.
      let attempts = received.attempts + received.deliveryCount
      move(
        Move(message: message, target: QueueLayout.suspects(of: consumer.queue), attempts: attempts), incoming.tag)
    } else if let deliverAt = received.deliverAt, deliverAt > Date() {
      // Its time is beyond the top of the ladder: once more. Nobody ran it, whoever had it.
      move(
        Move(message: message, target: consumer.queue, attempts: received.attempts, deliverAt: deliverAt),
        incoming.tag)
    } else if incoming.isRedelivered, !incoming.isSuspect {
      move(
        Move(message: message, target: QueueLayout.suspects(of: consumer.queue), attempts: received.attempts),
        incoming.tag)
    } else {
      hold(message, incoming, attempt: attempt)
    }
  }

  /// Marks a delivery as settled.
  @discardableResult
  func settle(_ tag: UInt64, _ batch: SettledBatch?) -> Bool {
    endSuspect(tag)
    return acks.settle(tag, batch)
  }

  /// Another suspect may be handed out.
  func endSuspect(_ tag: UInt64) {
    guard suspectTag == tag else { return }
    suspectTag = nil
    hub.suspectEnded(self)
  }

  /// Outputs are durable: acknowledges the inputs of the entries that were not refused.
  func settle(
    _ group: CommitGroup, _ errors: [Int: BrokerError], _ completion: @escaping @Sendable (CommitResult) -> Void
  ) {
    let generation = consumer.generation
    var tags: [UInt64] = []
    tags.reserveCapacity(group.settlements.count)
    var isLate = false
    for index in group.entries.indices where errors.isEmpty || errors[index] == nil {
      for position in group.entries[index].settlements {
        let receipt = group.settlements[position].receipt
        if receipt.generation == generation, state == .open { tags.append(receipt.low) } else { isLate = true }
      }
    }
    let batch = SettledBatch(remaining: tags.count, errors: errors, isLate: isLate, completion: completion)
    if tags.isEmpty { return batch.answer() }
    for tag in tags where !settle(tag, batch) {
      handed += 1
      if batch.skip() { finish(batch) }
    }
  }

  /// A group has its answer: what it held of the prefetch is free.
  func finish(_ batch: SettledBatch) {
    handed -= batch.count
    batch.answer()
  }

  /// Whether a suspect may be asked for now.
  var canTakeSuspect: Bool {
    state == .open && closing == nil && suspectTag == nil && handed + held.count + stuck.count < intake.wanted
  }

  /// Asks for one suspect.
  func askForSuspect(_ wire: Wire) {
    defer { wire.output.scratch.clear() }
    let queue = wire.output.scratch.bytes(QueueLayout.suspects(of: consumer.queue))
    wire.output.method(amqp_basic_get_t(ticket: 0, queue: queue, no_ack: 0), channel: channel)
  }
}
