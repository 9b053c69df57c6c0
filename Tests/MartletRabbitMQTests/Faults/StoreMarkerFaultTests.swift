import MartletCore
import MartletRabbitMQ
import TestServers
import Testing

@testable import MartletTestKit

/// One after another with the tests that cut and kill the server that they share.
extension BrokerFaultTests {
  @Suite(.serialized) struct StoreMarkerFaultTests {
    private static func open(at url: String? = nil) async throws -> (TestServer, Lab, ConsumerGroup) {
      let server = try await BrokerFaultTests.server.value
      let lab = try await Lab.open(at: url ?? server.url)
      _ = try await lab.broker.declare(HubDeclaration(name: lab.queue, partitionCount: 1))
      return (server, lab, ConsumerGroup(hub: lab.queue, name: "detect"))
    }

    @Test func aBrokerThatIsKilledStillKnowsTheStore() async throws {
      let (server, lab, group) = try await Self.open()
      let store = StoreBindingTests.store()
      try await lab.broker.bind(group, to: store)
      try await server.restart()
      // From the first answer on, though the streams may be denied for some seconds.
      let refusal = try await StoreBindingTests.refusal(of: StoreBindingTests.store(), group, on: lab)
      #expect(refusal.code == .conflict && refusal.message.contains(store.uuid))
      try await lab.broker.bind(group, to: store)
      #expect(try await lab.broker.unbind(group))
      await lab.close()
    }

    @Test func aBrokerThatIsKilledForgetsWhatWasVolatile() async throws {
      let (server, lab, group) = try await Self.open()
      let memory = StoreBindingTests.store(isVolatile: true)
      try await lab.broker.bind(group, to: memory)
      try await server.restart()
      #expect(try await lab.broker.binding(of: group) == nil)
      try await eventually("it is bound again, as its process does", within: .seconds(90)) {
        try? await lab.broker.bind(group, to: memory)
        return try await lab.broker.binding(of: group) == StoreBinding(uuid: memory.uuid, isVolatile: true)
      }
      await lab.close()
    }

    @Test func aVolatileStoreIsBoundAgainAfterACut() async throws {
      let (server, lab, group) = try await Self.open()
      let memory = StoreBindingTests.store(isVolatile: true)
      try await lab.broker.bind(group, to: memory)
      try await server.closeConnections()
      try await eventually("it is bound again", within: .seconds(60)) {
        try await lab.broker.bind(group, to: memory)
        return try await lab.broker.binding(of: group) == StoreBinding(uuid: memory.uuid, isVolatile: true)
      }
      try await lab.broker.delete(hub: group.hub)
      await lab.close()
    }

    @Test func aUserWhoMayNotMarkIsWarnedOnceAndGoesOn() async throws {
      let (server, guest, group) = try await Self.open()
      try await server.control(
        "rabbit_auth_backend_internal:add_user(<<\"reader\">>,<<\"secret\">>,<<\"test\">>)")
      let words = ["reader", "/", "^$", ".*", ".*", "test"].map { "<<\"\($0)\">>" }.joined(separator: ",")
      try await server.control("rabbit_auth_backend_internal:set_permissions(\(words))")
      let lab = try await Lab.open(
        at: server.url.replacing("guest:guest", with: "reader:secret"), queue: guest.queue)
      let store = StoreBindingTests.store()
      try await lab.broker.bind(group, to: store)
      try await lab.broker.bind(group, to: store)
      #expect(lab.log.count("the group \(group) cannot be bound to its store") == 1)
      #expect(try await guest.broker.binding(of: group) == nil)
      await lab.broker.close(deadline: .now + .seconds(10))
      try await guest.broker.delete(hub: group.hub)
      await guest.close()
    }
  }
}
