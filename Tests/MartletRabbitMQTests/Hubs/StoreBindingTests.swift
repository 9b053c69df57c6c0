import Foundation
import MartletCore
import MartletRabbitMQ
import TestServers
import Testing

@testable import MartletTestKit

/// A consumer group of a hub has one store, whoever asks.
@Suite struct StoreBindingTests {
  static func store(isVolatile: Bool = false) -> StoreIdentity {
    StoreIdentity(uuid: MessageIdentifier.random(), place: "a test", isVolatile: isVolatile)
  }

  /// What a store hears that may not have the group.
  static func refusal(of store: StoreIdentity, _ group: ConsumerGroup, on lab: Lab) async throws -> BrokerError {
    let error = await #expect(throws: BrokerError.self) { try await lab.broker.bind(group, to: store) }
    return try #require(error)
  }

  /// A hub of one partition, and one of its groups.
  private static func open(group: String = "detect") async throws -> (Lab, ConsumerGroup) {
    let lab = try await Lab.open()
    _ = try await lab.broker.declare(HubDeclaration(name: lab.queue, partitionCount: 1))
    return (lab, ConsumerGroup(hub: lab.queue, name: group))
  }

  private static func close(_ lab: Lab) async throws {
    try await lab.broker.delete(hub: lab.queue)
    await lab.close()
  }

  @Test func theFirstStoreHasTheGroupUntilItIsReleased() async throws {
    let (lab, group) = try await Self.open()
    let (first, second) = (Self.store(), Self.store())
    #expect(try await lab.broker.binding(of: group) == nil)
    #expect(try await !lab.broker.unbind(group))
    try await lab.broker.bind(group, to: first)
    // Another process with the same store, which finds it elsewhere.
    let other = try await lab.other()
    try await other.broker.bind(group, to: StoreIdentity(uuid: first.uuid, place: "another place"))
    let refusal = try await Self.refusal(of: second, group, on: other)
    #expect(refusal.code == .conflict)
    for part in [group.hub, group.name, first.uuid, second.uuid] { #expect(refusal.message.contains(part)) }
    #expect(try await other.broker.binding(of: group) == StoreBinding(uuid: first.uuid, isVolatile: false))
    // Other groups of the hub are not concerned.
    try await other.broker.bind(ConsumerGroup(hub: group.hub, name: "another"), to: second)
    #expect(try await other.broker.unbind(group))
    try await other.broker.bind(group, to: second)
    _ = try await Self.refusal(of: first, group, on: lab)
    await other.broker.close(deadline: .now + .seconds(10))
    try await Self.close(lab)
  }

  @Test func ofTwoStoresThatAskAtOnceOneHasTheGroup() async throws {
    let (lab, group) = try await Self.open()
    let labs = [lab, try await lab.other(), try await lab.other(), try await lab.other()]
    let stores = labs.map { _ in Self.store() }
    let bound = await withTaskGroup(of: String?.self) { tasks in
      for (lab, store) in zip(labs, stores) {
        tasks.addTask {
          do { try await lab.broker.bind(group, to: store) } catch { return nil }
          return store.uuid
        }
      }
      return await tasks.reduce(into: [String]()) { if let uuid = $1 { $0.append(uuid) } }
    }
    #expect(bound.count == 1)
    #expect(try await lab.broker.binding(of: group)?.uuid == bound.first)
    for other in labs.dropFirst() { await other.broker.close(deadline: .now + .seconds(10)) }
    try await Self.close(lab)
  }

  @Test func theMarkerGoesWithTheHub() async throws {
    let (lab, group) = try await Self.open()
    try await lab.broker.bind(group, to: Self.store())
    try await lab.broker.delete(hub: group.hub)
    #expect(try await lab.broker.binding(of: group) == nil)
    // And none is left where there is no hub to take it away.
    let early = try await Self.refusal(of: Self.store(), group, on: lab)
    #expect(early.code == .unavailable && early.isRetriable)
    #expect(try await lab.broker.binding(of: group) == nil)
    _ = try await lab.broker.declare(HubDeclaration(name: group.hub, partitionCount: 1))
    try await lab.broker.bind(group, to: Self.store())
    try await Self.close(lab)
  }

  @Test func aVolatileStoreHasTheGroupForAsLongAsItsProcessRuns() async throws {
    let (lab, group) = try await Self.open()
    let memory = Self.store(isVolatile: true)
    let process = try await lab.other()
    try await process.broker.bind(group, to: memory)
    try await process.broker.bind(group, to: memory)
    #expect(try await lab.broker.binding(of: group) == StoreBinding(uuid: memory.uuid, isVolatile: true))
    let lasting = Self.store()
    for store in [Self.store(isVolatile: true), lasting] {
      let refusal = try await Self.refusal(of: store, group, on: lab)
      #expect(refusal.code == .conflict && refusal.message.contains("\(memory.uuid) in the memory of a process"))
    }
    await process.crash()
    try await eventually("its marker has gone with it") { try await lab.broker.binding(of: group) == nil }
    try await lab.broker.bind(group, to: lasting)
    let refusal = try await Self.refusal(of: Self.store(isVolatile: true), group, on: lab)
    #expect(refusal.message.contains(lasting.uuid))
    try await Self.close(lab)
  }

  @Test func longNamesAreBoundTooThoughTheOtherStoreHasNoName() async throws {
    let (lab, group) = try await Self.open(group: String(repeating: "g", count: 200))
    try await lab.broker.bind(group, to: Self.store())
    #expect(try await lab.broker.binding(of: group)?.isVolatile == false)
    // The digest is short enough for RabbitMQ's text; names just below the limit are not.
    let middle = ConsumerGroup(hub: group.hub, name: String(repeating: "g", count: 100))
    try await lab.broker.bind(middle, to: Self.store())
    #expect(try await lab.broker.binding(of: middle) == StoreBinding(uuid: nil, isVolatile: false))
    let refusal = try await Self.refusal(of: Self.store(isVolatile: true), middle, on: lab)
    #expect(refusal.code == .conflict && refusal.message.contains("bound to another store"))
    try await Self.close(lab)
  }

  @Test func anExchangeOfSomebodyElseIsNamed() async throws {
    let (lab, group) = try await Self.open()
    let stranger = try Stranger(try await SharedServer.rabbitMQURL())
    try stranger.declare(exchange: "\(group).store")
    let refusal = try await Self.refusal(of: Self.store(), group, on: lab)
    #expect(refusal.code == .conflict)
    #expect(refusal.message.contains("exchange '\(group).store' exists with other arguments"))
    #expect(try await lab.broker.unbind(group))
    try await Self.close(lab)
  }
}
