import CRabbitMQ
import Foundation
import MartletCore

/// From the queue to the socket.
extension Publisher {
  func opened(_ wire: Wire, now: ContinuousClock.Instant) { openChannel(wire) }

  /// Opens the channel. What follows in the same write already counts for the confirms.
  func openChannel(_ wire: Wire) {
    wire.output.method(amqp_channel_open_t(), channel: Self.channel)
    wire.output.method(amqp_confirm_select_t(nowait: 0), channel: Self.channel)
  }

  func finishTurn(wire: Wire?, now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    let next = wakeResting(now: now)
    guard let wire, !isBlocked else { return next }
    let size = isolated > 0 ? 1 : Self.windowSize
    let time = Date()
    let seconds = time.unixSeconds
    while window.count < size, wire.output.count < Self.outputLimit, let item = outgoing.popFirst() {
      send(item, wire, time, seconds)
    }
    // A full output buffer empties without a word from anybody: come back at once where the socket took it all.
    return wire.output.count >= Self.outputLimit && !outgoing.isEmpty ? now : next
  }

  var pauseOfReading: Duration { .zero }

  func wrote(_ wire: Wire) {}

  private func wakeResting(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    guard !resting.isEmpty else { return nil }
    let due = resting.filter { $0.due <= now }
    if !due.isEmpty {
      resting.removeAll { $0.due <= now }
      outgoing.prepend(due.map(\.item))
    }
    return resting.map(\.due).min()
  }

  private func send(_ item: Item, _ wire: Wire, _ now: Date, _ seconds: UInt64) {
    let job = item.job
    // The inputs will come back, and their outputs with them, under the same ids.
    if job.isVoid { return job.finish(.void) }
    if job.isRefused(item.index) { return job.finishItem() }
    // What waits for a queue to be made is not overtaken, and none of it comes to a queue that is not safe yet.
    if !parked.isEmpty {
      let need = hub(of: item).map(Need.hub) ?? .queue(queue(of: item))
      if parked[need] != nil { return park(item, until: need) }
    }
    let outputs = job.request.outputs
    var item = item
    let isSent =
      item.index < outputs.count
      ? send(outputs, &item, wire, now, seconds)
      : send(job.request.moves[item.index - outputs.count], item, wire, now)
    if let isSent {
      guard isSent else { return refuse(item, MessageEncoder.headersTooLarge(id: id(of: item))) }
      window.append(item)
    }
  }

  /// Nil where the item was parked.
  private func send(
    _ messages: [OutgoingMessage], _ item: inout Item, _ wire: Wire, _ now: Date, _ seconds: UInt64
  ) -> Bool? {
    let index = item.index
    var extras = MessageEncoder.Extras()
    let route: Route
    if messages[index].address.kind == .hub {
      guard let stream = self.route(toHub: messages[index].address.name, messages[index], &item) else { return nil }
      route = stream
      if messages[index].timeToLive != nil {
        extras.expiresAt = messages[index].expiresAt(sentAt: now)?.unixMilliseconds
      }
    } else if messages[index].isPlain {
      route = Route(routingKey: queue(of: item))
    } else {
      guard let way = self.route(to: queue(of: item), at: messages[index].deliverAt, item, &extras, now) else {
        return nil
      }
      route = way
      if let expiresAt = messages[index].expiresAt(sentAt: now) {
        extras.expiresAt = expiresAt.unixMilliseconds
        extras.expiration = expiration(expiresAt, route, now)
      }
    }
    return MessageEncoder.encode(
      messages, at: index, to: route, extras, sentAt: seconds, channel: Self.channel, into: wire.output)
  }

  /// Nil where the item was parked.
  private func send(_ move: Move, _ item: Item, _ wire: Wire, _ now: Date) -> Bool? {
    let expiresAt = move.message.expiresAt
    var extras = MessageEncoder.Extras(
      attempts: move.attempts, expiresAt: expiresAt?.unixMilliseconds, reason: move.reason)
    guard let route = route(to: move.target, at: move.deliverAt, item, &extras, now) else { return nil }
    if move.mayExpire { extras.expiration = expiration(expiresAt, route, now) }
    if MessageEncoder.encode(move.message, to: route, extras, channel: Self.channel, into: wire.output) { return true }
    // With Martlet's own headers added it no longer fits: better a dead letter without its sender's than none.
    let bare = Message(
      body: move.message.body, id: move.message.id, contentType: move.message.contentType,
      enqueuedAt: move.message.enqueuedAt)
    return MessageEncoder.encode(bare, to: route, extras, channel: Self.channel, into: wire.output)
  }

  /// The stream that an event goes to; nil where the hub has to be asked for first, or has no such partition.
  private func route(toHub hub: String, _ event: borrowing OutgoingMessage, _ item: inout Item) -> Route? {
    let routes = hubs[hub]
    if let partition = item.partition {
      let stream = routes?.stream(partition) ?? HubLayout.stream(of: HubPartition(hub: hub, number: partition))
      return Route(routingKey: stream)
    }
    guard let routes else {
      park(item, until: .hub(hub))
      return nil
    }
    do throws(BrokerError) {
      let partition = try routes.partition(for: event)
      // Sent again, it goes to the same one.
      item.partition = partition
      return Route(routingKey: routes.stream(partition))
    } catch {
      refuse(item, error)
      return nil
    }
  }

  /// Where a message goes; nil where that has to be made first.
  private func route(
    to queue: String, at time: Date?, _ item: Item, _ extras: inout MessageEncoder.Extras, _ now: Date
  ) -> Route? {
    guard let time, time > now else { return Route(routingKey: queue) }
    // No number of seconds is too large for a date, but for a duration there is.
    let delay = Duration.seconds(min(time.timeIntervalSince(now), 1e12))
    guard let route = DelayLadder.route(to: queue, after: delay) else { return Route(routingKey: queue) }
    guard reachable.contains(queue) else {
      park(item, until: .delay(queue))
      return nil
    }
    if delay > DelayLadder.longest { extras.deliverAt = time.unixMilliseconds }
    return route
  }

  /// The broker's own time to live. Not on the ladder: there it would end the wait instead of the message.
  private func expiration(_ expiresAt: Date?, _ route: Route, _ now: Date) -> Int64? {
    guard let expiresAt, route.exchange.isEmpty else { return nil }
    let milliseconds = (expiresAt.timeIntervalSince(now) * 1000).rounded(.up)
    return milliseconds <= Double(MessageEncoder.longestExpiration) ? Int64(max(0, milliseconds)) : nil
  }

  func id(of item: Item) -> String {
    let request = item.job.request
    return item.index < request.outputs.count
      ? request.outputs[item.index].id : request.moves[item.index - request.outputs.count].message.id
  }

  func deliverAt(of item: Item) -> Date? {
    let request = item.job.request
    return item.index < request.outputs.count
      ? request.outputs[item.index].deliverAt : request.moves[item.index - request.outputs.count].deliverAt
  }

  /// The queue or stream that an item goes to.
  func queue(of item: Item) -> String {
    let request = item.job.request
    guard item.index < request.outputs.count else {
      return request.moves[item.index - request.outputs.count].target
    }
    let address = request.outputs[item.index].address
    if address.kind == .deadLetters { return QueueLayout.dead(of: address.name) }
    guard address.kind == .hub, let partition = item.partition else { return address.name }
    return HubLayout.stream(of: HubPartition(hub: address.name, number: partition))
  }

  /// The hub that an item goes to; nil for those that go to queues.
  func hub(of item: Item) -> String? {
    let request = item.job.request
    guard item.index < request.outputs.count, request.outputs[item.index].address.kind == .hub else { return nil }
    return request.outputs[item.index].address.name
  }
}
