import Foundation
import MartletCore
import MartletRabbitMQ
import MartletTestKit
import TestServers
import Testing

@Suite struct StartTests {
  private func failure(_ url: String, within limit: Duration = .seconds(20)) async throws -> BrokerError {
    let log = LogCollector()
    let broker = try RabbitMQBroker(
      url: url, environment: BrokerEnvironment(app: "tests", logger: Logger(sink: log.sink)))
    let error = await #expect(throws: BrokerError.self) { try await broker.start(deadline: .now + limit) }
    await broker.close(deadline: .now + .seconds(1))
    #expect(log.all.allSatisfy { !$0.contains("canary") })
    return try #require(error)
  }

  private func shared(_ change: (inout URLComponents) -> Void) async throws -> String {
    var components = try #require(URLComponents(string: try await SharedServer.rabbitMQURL()))
    change(&components)
    return try #require(components.string)
  }

  @Test func aWrongPasswordIsSaidAtOnce() async throws {
    let error = try await failure(try await shared { ($0.user, $0.password) = ("guest", "canary") })
    #expect(error.code == .authentication)
    #expect(!error.isRetriable)
    #expect(error.message.contains("'guest'"))
    #expect(!error.message.contains("canary"))
  }

  @Test func aMissingVirtualHostIsSaidAtOnce() async throws {
    let error = try await failure(try await shared { $0.path = "/nowhere" })
    #expect(error.code == .notFound)
    #expect(!error.isRetriable)
    #expect(error.message.contains("'nowhere'"))
  }

  @Test func aRefusedPortMayOpenLater() async throws {
    let error = try await failure("amqp://guest:canary@127.0.0.1:1", within: .milliseconds(300))
    #expect(error.code == .unavailable)
    #expect(error.isRetriable)
    #expect(error.message.contains("127.0.0.1:1"))
  }

  @Test func aNameThatDoesNotResolveIsSaid() async throws {
    let error = try await failure("amqp://no-such-host.invalid", within: .milliseconds(500))
    #expect(error.code == .unavailable)
    #expect(error.message.contains("no-such-host.invalid"))
  }

  @Test func aClosedBrokerAnswersEverything() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    await lab.close()
    await lab.broker.close(deadline: .now + .seconds(5))
    let codes: [BrokerError.Code?] = [
      await #expect(throws: BrokerError.self) { try await lab.broker.start(deadline: .now + .seconds(5)) }?.code,
      await #expect(throws: BrokerError.self) {
        try await lab.broker.declare(QueueDeclaration(name: "x"))
      }?.code,
      await #expect(throws: BrokerError.self) { try await lab.broker.publish([lab.message("m")]) }?.code,
      await #expect(throws: BrokerError.self) { _ = try await lab.broker.counts(of: "x") }?.code,
      await #expect(throws: BrokerError.self) { _ = try await lab.consume(inbox) }?.code,
    ]
    #expect(codes.allSatisfy { $0 == .closed })
    #expect(await consumer.complete([]).isOwnershipLost)
    await consumer.close(deadline: .now + .seconds(5))
  }
}
