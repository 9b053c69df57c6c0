import Glibc
import Martlet

/// The broker alone: its consumer feeds a loop of one thread, which decodes, encodes and commits in groups.
final class EdgeSide: DeliveryHandler {
  private let arguments: Arguments
  private let target: Target
  private let messages: Int
  private let meter: Meter
  private let arrivals = Mailbox<[Delivery]>()

  init(_ arguments: Arguments, _ target: Target, messages: Int) {
    self.arguments = arguments
    self.target = target
    self.messages = messages
    meter = Meter(arguments, messages: messages)
  }

  func receive(_ deliveries: [Delivery]) { arrivals.send(deliveries) }
  func revoke(generationsBefore generation: UInt32) {}
  func report(problem: BrokerError?) {}

  func run() async throws -> SideCost {
    let broker = try BrokerURL(target.url).open(
      BrokerEnvironment(app: "martlet-bench", logger: Logger(level: .warning), allowVolatile: true))
    try await broker.start(deadline: .now + .seconds(10))
    if arguments.scenario == .publish {
      try await publish(broker)
    } else {
      let consumer = try await broker.consume(
        QueueSubscription(
          queue: QueueDeclaration(name: arguments.input), function: arguments.scenario.rawValue, prefetch: 2000),
        handler: self)
      NamedThread.start("edge") { [self] in work(consumer) }.detach()
    }
    let cost = try await meter.result()
    await broker.close(deadline: .now + .seconds(10))
    return cost
  }

  private func work(_ consumer: any QueueConsumer) {
    var handled = 0
    while handled < messages {
      var poll = pollfd(fd: arrivals.signal.descriptor, events: Int16(POLLIN), revents: 0)
      _ = Glibc.poll(&poll, 1, -1)
      for deliveries in arrivals.takeAll() {
        var group = CommitGroup()
        for delivery in deliveries {
          group.append(settlement: .complete(delivery.receipt), outputs: outputs(of: delivery))
          if group.isFull { commit(&group, consumer) }
        }
        commit(&group, consumer)
        handled += deliveries.count
      }
    }
  }

  private func commit(_ group: inout CommitGroup, _ consumer: any QueueConsumer) {
    guard !group.isEmpty else { return }
    let count = group.settlements.count
    consumer.commit(group) { [self] result in
      guard case .applied = result else { return meter.fail("a commit was not applied: \(result)") }
      for _ in 0..<count { meter.count() }
    }
    group = CommitGroup()
  }

  private func outputs(of delivery: Delivery) -> [OutgoingMessage] {
    do {
      let body = delivery.message.body
      let result =
        arguments.payload == .json ? try JSON.encode(JSON.decode(Order.self, from: body).bill) : body.bill
      guard arguments.scenario == .pipe else { return [] }
      return [
        OutgoingMessage(
          to: .queue(arguments.output), body: result,
          id: MessageIdentifier.derived(from: delivery.message.identifier, function: "pipe", output: 0, index: 0),
          contentType: arguments.payload == .json ? .json : .bytes)
      ]
    } catch {
      meter.fail("\(error)")
      return []
    }
  }

  private func publish(_ broker: any Broker) async throws {
    var buffer = [CChar](repeating: 0, count: arguments.bodyBytes + 64)
    var arena = ByteArena()
    meter.start()
    for start in stride(from: 0, to: messages, by: 500) {
      let batch = (start..<min(start + 500, messages)).map { number in
        OutgoingMessage(
          to: .queue(arguments.input), body: Workload.body(number, arguments, buffer: &buffer, arena: &arena),
          id: MessageIdentifier.random(), contentType: arguments.payload == .json ? .json : .bytes)
      }
      try await broker.publish(batch)
    }
    meter.stop()
  }
}
