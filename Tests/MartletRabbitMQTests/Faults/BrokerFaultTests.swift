import Foundation
import MartletCore
import MartletRabbitMQ
import MartletTestKit
import TestServers
import Testing

/// A broker that is killed, blocked and cut off, under load.
@Suite(.serialized) struct BrokerFaultTests {
  static let server = Task { try await TestServer(.rabbitMQ) }

  /// Pipes `count` messages through a queue while `trouble` happens, and holds that each has its effect.
  private func pipe(_ count: Int, through trouble: (Lab, TestServer) async throws -> Void) async throws -> Lab {
    let server = try await Self.server.value
    let lab = try await Lab.open(at: server.url)
    let output = lab.queue + ".out"
    let ids = Set((0..<count).map { "m\($0)" })
    let pipe = Pipe(to: output)
    try await pipe.start(lab)
    let load = Task {
      for start in stride(from: 0, to: count, by: 50) {
        try await lab.broker.publish((start..<min(start + 50, count)).map { lab.message("body", id: "m\($0)") })
      }
    }
    try await trouble(lab, server)
    try await load.value
    let outputs = try await lab.drain(output, expecting: Set(ids.map { "out-\($0)" }))
    // Whatever was answered as applied is there.
    for id in pipe.applied.all.keys { #expect(outputs["out-\(id)"] != nil) }
    #expect(outputs.keys.allSatisfy { $0.hasPrefix("out-m") })
    let counts = try await lab.wait("the input done") { $0.ready == 0 && $0.unsettled == 0 }
    #expect(counts.dead == 0)
    let repeated = outputs.values.count { $0 > 1 }
    Attachment.record("repeated outputs, with equal ids: \(repeated) of \(count)", named: "repeated.txt")
    try await lab.broker.delete(queue: output)
    return lab
  }

  /// Runs `body` on a server that is set up so, and sets it up as usual however that ends: it is also that of the tests
  /// behind this one.
  private func with<Result>(
    _ server: TestServer, _ setting: String, afterwards usual: String, _ body: () async throws -> Result
  ) async throws -> Result {
    let result: Result
    do {
      try await server.control(setting)
      result = try await body()
    } catch {
      try await server.control(usual)
      throw error
    }
    try await server.control(usual)
    return result
  }

  /// What deletes a queue, in Erlang.
  private static func deletion(of queue: String) -> String {
    "{ok, Queue} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, <<\"\(queue)\">>)), "
      + "{ok, _} = rabbit_amqqueue:delete(Queue, false, false, <<\"test\">>)"
  }

  @Test func connectionsThatTheBrokerClosesLoseNothing() async throws {
    let lab = try await pipe(5000) { lab, server in
      for _ in 0..<3 {
        try await server.closeConnections()
        try await lab.wait("the next reading") { _ in true }
      }
    }
    #expect(lab.log.count("connection lost") >= 1)
    #expect(lab.log.count("connected again") == lab.log.count("connection lost"))
    await lab.close()
  }

  @Test func aBrokerThatIsKilledInMidStreamIsWaitedFor() async throws {
    let lab = try await pipe(5000) { _, server in try await server.restart() }
    #expect(lab.log.count("connected again") >= 1)
    await lab.close()
  }

  @Test func aMemoryAlarmHoldsPublishingBackAndNothingElse() async throws {
    let server = try await Self.server.value
    let lab = try await Lab.open(at: server.url)
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox, prefetch: 10)
    try await lab.broker.publish((0..<20).map { lab.message("m", id: "m\($0)") })
    let held = try await inbox.next(10)
    let (published, more) = try await with(
      server, "vm_memory_monitor:set_vm_memory_high_watermark(0.0001)",
      afterwards: "vm_memory_monitor:set_vm_memory_high_watermark(0.4)"
    ) {
      // RabbitMQ says so only to a connection that publishes.
      let published = Task { try await lab.broker.publish((0..<10).map { lab.message("late", id: "late\($0)") }) }
      try await lab.log.wait(for: "takes no messages")
      // Acknowledgements have a connection of their own.
      #expect(await consumer.complete(held).isApplied)
      return (published, try await inbox.next(10))
    }
    try await published.value
    #expect(lab.log.count("takes no messages") == 1)
    #expect(lab.log.count("takes messages again") == 1)
    #expect(await consumer.complete(more).isApplied)
    _ = try await inbox.next(10)
    await lab.close()
  }

  @Test func aMessageThatTheBrokerFindsTooLargeIsFoundAmongItsNeighbours() async throws {
    let server = try await Self.server.value
    let lab = try await with(
      server, "application:set_env(rabbit,max_message_size,10000)",
      afterwards: "application:set_env(rabbit,max_message_size,134217728)"
    ) {
      let lab = try await Lab.open(at: server.url)
      try await lab.broker.declare(QueueDeclaration(name: lab.queue))
      var messages = (0..<20).map { lab.message("m", id: "m\($0)") }
      messages[7].body = Bytes(Array(repeating: 7, count: 20_000))
      let result = await withCheckedContinuation { continuation in
        lab.broker.publish(messages) { continuation.resume(returning: $0) }
      }
      #expect(result.errors.mapValues(\.code) == [7: .tooLarge])
      #expect(result.errors[7]?.isRetriable == false)
      let inbox = Inbox()
      _ = try await lab.consume(inbox)
      try await inbox.wait { state in Set(state.deliveries.map(\.message.id)).count == 19 }
      return lab
    }
    await lab.close()
  }

  @Test func aDeliveryThatOutlivesTheConsumerTimeoutComesBack() async throws {
    let server = try await Self.server.value
    let lab = try await with(
      server, "application:set_env(rabbit,consumer_timeout,2000),application:set_env(rabbit,channel_tick_interval,500)",
      afterwards: "application:set_env(rabbit,consumer_timeout,1800000),"
        + "application:set_env(rabbit,channel_tick_interval,60000)"
    ) {
      let lab = try await Lab.open(at: server.url)
      let inbox = Inbox()
      let consumer = try await lab.consume(inbox)
      try await lab.broker.publish([lab.message("slow", id: "s")])
      let first = try await inbox.next()
      try await inbox.wait("the revocation", within: .seconds(180)) { $0.revokedBefore > first.receipt.generation }
      try await inbox.wait("the reason") { state in
        state.problems.contains { $0?.message.contains("consumer_timeout") == true }
      }
      #expect(await consumer.complete([first]).isOwnershipLost)
      let again = try await inbox.next()
      #expect(again.isSuspect)
      #expect(again.attempt == 2)
      #expect(await consumer.complete([again]).isApplied)
      return lab
    }
    await lab.close()
  }

  @Test func aQueueThatIsDeletedUnderItsReaderIsMadeAgain() async throws {
    let server = try await Self.server.value
    let lab = try await Lab.open(at: server.url)
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await server.control(Self.deletion(of: lab.queue))
    try await inbox.wait("the revocation") { $0.revokedBefore > 0 }
    try await lab.broker.publish([lab.message("m")])
    #expect(await consumer.complete([try await inbox.next()]).isApplied)
    #expect(lab.log.count("ended the subscription") == 1)
    await lab.close()
  }

  @Test func aPartOfTheLadderThatIsDeletedIsMadeAgain() async throws {
    let server = try await Self.server.value
    let lab = try await Lab.open(at: server.url)
    let inbox = Inbox()
    _ = try await lab.consume(inbox)
    func delayed(_ id: String) -> OutgoingMessage {
      lab.message("m", id: id, deliverAt: Date().addingTimeInterval(0.3))
    }
    try await lab.broker.publish([delayed("before")])
    _ = try await inbox.next()
    for level in [4, 3, 2, 1] { try await server.control(Self.deletion(of: "martlet.delay.\(level)")) }
    try await lab.broker.publish([delayed("behind")])
    #expect(try await inbox.next().message.id == "behind")
    await lab.close()
  }
}
