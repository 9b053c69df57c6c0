import Foundation
import MartletCore
import MartletRabbitMQ
import MartletTestKit
import TestServers
import Testing

/// One after another with the tests that cut and freeze the server that they share.
extension BrokerFaultTests {
  /// A user who may not do everything.
  @Suite(.serialized) struct PermissionTests {
    /// A server where `user` may write what matches.
    private static func server(user: String, writing pattern: String) async throws -> (TestServer, url: String) {
      let server = try await BrokerFaultTests.server.value
      try await server.control(
        "rabbit_auth_backend_internal:add_user(<<\"\(user)\">>,<<\"secret\">>,<<\"test\">>)")
      try await allow(user, writing: pattern, on: server)
      return (server, server.url.replacing("guest:guest", with: "\(user):secret"))
    }

    private static func allow(_ user: String, writing pattern: String, on server: TestServer) async throws {
      let words = [user, "/", ".*", pattern, ".*", "test"].map { "<<\"\($0)\">>" }.joined(separator: ",")
      try await server.control("rabbit_auth_backend_internal:set_permissions(\(words))")
    }

    @Test func anExchangeThatMayNotBeWrittenRefusesItsMessagesAlone() async throws {
      let (server, url) = try await Self.server(user: "undelayed", writing: "^(?!martlet.delay.[0-9])")
      // The ladder is there; a part of it may not be used.
      let guest = try await Lab.open(at: server.url)
      try await guest.broker.publish([guest.message("m", deliverAt: Date().addingTimeInterval(0.02))])
      let lab = try await Lab.open(at: url)
      let inbox = Inbox()
      let consumer = try await lab.consume(inbox)
      let late = Date().addingTimeInterval(3600)
      let messages = (0..<40).map { lab.message("m", id: "m\($0)", deliverAt: $0 % 10 == 7 ? late : nil) }
      let result = await withCheckedContinuation { continuation in
        lab.broker.publish(messages) { continuation.resume(returning: $0) }
      }
      #expect(result.errors.mapValues(\.code) == [7: .permission, 17: .permission, 27: .permission, 37: .permission])
      #expect(result.errors[7]?.message.contains("martlet.delay.") == true)
      try await inbox.wait("the others") { state in Set(state.deliveries.map(\.message.id)).count == 36 }
      // A retry that may not be delayed is refused too, and one without delay is not.
      let delivery = try await inbox.next()
      let refused = await consumer.settle(.retry(delivery, after: .seconds(3600)))
      #expect(refused.errors.mapValues(\.code) == [0: .permission])
      #expect(await consumer.settle(.retry(delivery, after: .zero)).isApplied)
      await lab.close()
      await guest.close()
    }

    @Test func whatCannotBeSetAsideIsTriedAgainAndSaidOnce() async throws {
      let (server, url) = try await Self.server(user: "mute", writing: "^(?!amq.default)")
      let guest = try await Lab.open(at: server.url)
      try await guest.broker.publish((0..<3).map { guest.message(String(repeating: "x", count: 100), id: "m\($0)") })
      let lab = try await Lab.open(at: url, maxMessageBytes: 10, queue: guest.queue)
      let inbox = Inbox()
      let consumer = try await lab.consume(inbox)
      try await lab.log.wait(for: "cannot be moved to '\(lab.queue).dead'")
      try await Self.allow("mute", writing: ".*", on: server)
      try await guest.wait("the dead letters") { $0.dead == 3 && $0.ready == 0 }
      #expect(lab.log.count("cannot be moved") == 1)
      try await lab.log.wait(for: "all is moved that could not be")
      await consumer.close(deadline: .now + .seconds(10))
      await lab.leave()
      await guest.close()
    }

    @Test func aSuspectThatCannotBeSetAsideLeavesItsTurnToOthers() async throws {
      let (server, url) = try await Self.server(user: "stuck", writing: "^(?!amq.default)")
      let guest = try await Lab.open(at: server.url)
      try await guest.broker.declare(QueueDeclaration(name: guest.queue))
      let bodies = [String(repeating: "x", count: 100), "small"]
      try await guest.broker.publish(
        bodies.map { guest.message($0, id: $0, to: guest.queue + ".suspects") })
      let lab = try await Lab.open(at: url, maxMessageBytes: 10, queue: guest.queue)
      let inbox = Inbox()
      let consumer = try await lab.consume(inbox)
      let delivery = try await inbox.next()
      #expect(delivery.isSuspect && delivery.message.id == "small")
      #expect(await consumer.complete([delivery]).isApplied)
      #expect(lab.log.count("cannot be moved") == 1)
      await lab.leave()
      await guest.close()
    }
  }
}
