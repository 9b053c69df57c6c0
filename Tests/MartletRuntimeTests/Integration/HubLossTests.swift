import MartletCore
import MartletEmbedded
import MartletRuntime
import Testing

@testable import MartletTestKit

/// What becomes of a group whose readers are told of a loss.
struct HubLossTests {
  private static let hub = HubName<Int>("lossy", partitions: 1)
  private static let partition = HubPartition(hub: "lossy", number: 0)
  private static let group = ConsumerGroup(hub: "lossy", name: "test")
  private static let quick = EventHubOptions(
    partitionOwnershipExpirationInterval: .seconds(2), loadBalancingUpdateInterval: .milliseconds(50))

  /// An app that notes what it sees, on a broker that says what it is told to.
  private static func run(
    _ options: EventHubOptions = quick, _ hub: HubName<Int> = hub,
    _ body: (FunctionHost, LossyBroker, _ seen: Observed<[Int]>, _ log: LogCollector) async throws -> Void
  ) async throws {
    let (seen, log) = (Observed<[Int]>([]), LogCollector())
    let app = FunctionApp("test") {
      Function("see", on: .eventHub(hub, options: options)) { batch, _ in seen.update { $0 += batch.map(\.body) } }
    }
    let configuration = HostConfiguration(broker: "embedded:memory", logger: Logger(level: .debug, sink: log.sink))
    let host = try await app.start(configuration) { _, environment throws(BrokerError) in
      LossyBroker(try EmbeddedBroker(path: nil, environment: environment))
    }
    do { try await body(host, #require(host.broker() as? LossyBroker), seen, log) } catch {
      _ = await host.drain()
      throw error
    }
    _ = await host.drain()
  }

  private static func send(_ numbers: Range<Int>, _ host: FunctionHost) async throws {
    try await host.send(numbers.map { Outgoing($0, key: "k") }, to: hub)
  }

  @Test(arguments: [RetentionGapPolicy.skip, .fail])
  func `a stream that lost only its end, or is slow, is not processed again`(policy: RetentionGapPolicy) async throws {
    var options = Self.quick
    options.onRetentionGap = policy
    try await Self.run(options) { host, broker, seen, log in
      try await Self.send(0..<10, host)
      try await seen.wait(count: 10)
      try await eventually("all is committed") { try await Self.record(broker).position?.sequenceNumber == 9 }
      let epoch = try await Self.record(broker).epoch
      broker.lose(.recreated)
      try await eventually("the partition has another owner") { try await Self.record(broker).epoch > epoch }
      try await Self.send(10..<20, host)
      try await seen.wait(count: 20)
      #expect(seen.value == Array(0..<20))
      #expect(host.eventCounts(of: "see")?.lostPartitions == 0)
      // What is gone where the store has the group is lost indeed.
      try await broker.base.delete(hub: Self.hub.address.name)
      try await log.wait(for: policy == .skip ? "it is made again" : "onRetentionGap is fail")
    }
  }

  @Test func `events that were finished above the checkpoint are not missing when they are removed`() async throws {
    try await Self.run { host, broker, seen, log in
      let owned = GroupPartition(group: Self.group, number: 0)
      try await Self.send(0..<3, host)
      try await seen.wait(count: 3)
      // As an owner with lanes leaves it: of 0 to 19, the events 2, 5 and 15 have no outcome.
      try await Self.send(3..<20, host)
      try await seen.wait(count: 20)
      _ = try await broker.declare(
        HubDeclaration(name: Self.hub.address.name, retention: HubRetention(count: 10)))
      #expect(try await broker.trim(Self.partition) == 10)
      var position = PartitionPosition(checkpoint: EventOffset(low: 1), sequenceNumber: 1, eventID: nil)
      try await Self.leave(&position, finished: [3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19], owned, broker)
      try await seen.wait(count: 21)
      #expect(seen.value == Array(0..<20) + [15])
      try await log.wait(for: "2 events were removed before the group read them")
      #expect(host.eventCounts(of: "see")?.missing == 2)
      // Where all that was removed had its outcome, nothing is missing.
      position = PartitionPosition(checkpoint: EventOffset(low: 7), sequenceNumber: 7, eventID: nil)
      try await Self.leave(&position, finished: [8, 9], owned, broker)
      try await seen.wait(count: 31)
      #expect(host.eventCounts(of: "see")?.retentionGaps == 1)
    }
  }

  @Test(arguments: [RetentionGapPolicy.skip, .fail])
  func `a position that cannot be read is told, and the other partitions go on`(
    policy: RetentionGapPolicy
  ) async throws {
    // Were it taken for a group without a position, the events would be passed over.
    var options = Self.quick
    (options.initialOffset, options.onRetentionGap) = (.fromEnd, policy)
    let hub = HubName<Int>("lossy", partitions: 2)
    try await Self.run(options, hub) { host, broker, seen, log in
      try await eventually("both are owned") {
        try await broker.records(of: Self.group, partitionCount: 2).allSatisfy { $0.position != nil }
      }
      func send(_ numbers: [Int]) async throws {
        try await broker.publish(
          numbers.map {
            var event = OutgoingMessage(to: hub.address, body: Bytes("\($0)"), id: "e\($0)")
            event.partition = $0 % 2
            return event
          })
      }
      try await send(Array(0..<4))
      try await seen.wait(count: 4)
      broker.unreadable.withLock { _ = $0.insert(1) }
      let epoch = try await broker.records(of: Self.group, partitionCount: 2)[1].epoch
      _ = try await broker.claim(
        GroupPartition(group: Self.group, number: 1), as: "operator", expecting: epoch, afterDeath: false)
      try await broker.release(GroupPartition(group: Self.group, number: 1), epoch: epoch + 1)
      try await log.wait(for: "the store's position cannot be read (the field checkpoint is \"?\")")
      try await send([4, 5])
      if policy == .fail {
        try await seen.wait(count: 5)
        #expect(seen.value.sorted() == [0, 1, 2, 3, 4])
        let store: any Store = broker
        try await store.move(
          GroupPartition(group: Self.group, number: 1),
          to: broker.position(before: .fromStart, in: HubPartition(hub: "lossy", number: 1)))
      }
      try await seen.wait(count: 8)
      #expect(seen.value.sorted() == [0, 1, 1, 2, 3, 3, 4, 5])
      #expect(host.eventCounts(of: "see")?.lostPartitions == 1)
    }
  }

  private static func record(_ broker: LossyBroker) async throws(BrokerError) -> PartitionRecord {
    try await broker.records(of: group, partitionCount: 1)[0]
  }

  /// Takes a partition from its owner, and leaves it at a position.
  private static func leave(
    _ position: inout PartitionPosition, finished: [UInt64], _ owned: GroupPartition, _ broker: LossyBroker
  ) async throws {
    position.finished = finished.map { EventOffset(low: $0) }
    var isDone = false
    while !isDone {
      let found = try await record(broker)
      guard
        let own = try await broker.claim(owned, as: "operator", expecting: found.epoch, afterDeath: false)
      else { continue }
      let commit = PartitionCommit(partition: owned, epoch: own.epoch, number: 1, position: position)
      let result = await withCheckedContinuation { continuation in
        broker.commit(commit) { continuation.resume(returning: $0) }
      }
      if case .applied = result { isDone = true }
      try await broker.release(owned, epoch: own.epoch)
    }
  }
}
