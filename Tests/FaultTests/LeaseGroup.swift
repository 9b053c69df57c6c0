import Foundation
import Martlet
import TestServers

@testable import MartletTestKit

/// A consumer group of worker processes under test, the store's view of it, and the events that pass through it from
/// begin to end.
final class LeaseGroup: Sendable {
  static let partitions = 8

  let place: HubPlace
  let brokers: HubConformance.Brokers
  let group: ConsumerGroup
  private let output: String
  private let outputs: HubTape
  private let arguments: [String]
  private let sender: Task<Set<String>, any Error>
  private let isOver = Observed(false)

  /// Runs `body` beside a steady stream of events; afterwards each of them must have had its effect exactly once, in
  /// order and under the epoch of its owner.
  /// - Parameters:
  ///   - place: the broker and its store.
  ///   - expiration: how long a member may be silent.
  ///   - body: the test; it returns the workers that are left.
  static func run(
    on place: HubPlace, expiration: Duration, _ body: (LeaseGroup) async throws -> [WorkerProcess]
  ) async throws {
    try await withTemporaryFolder { folder in
      let group = try await LeaseGroup(place, place.shared(folder), expiration: expiration)
      try await group.finish(try await body(group))
    }
  }

  private init(_ place: HubPlace, _ urls: HubPlace.URLs, expiration: Duration) async throws {
    self.place = place
    let run = "lease-\(UUID().uuidString.prefix(8))"
    arguments = ["lease"] + urls.arguments + [run, String(Int(expiration / .milliseconds(1)))]
    brokers = try await urls.open()
    group = ConsumerGroup(hub: "\(run)-in", name: "lease")
    output = "\(run)-out"
    _ = try await brokers.log.declare(HubDeclaration(name: group.hub, partitionCount: Self.partitions))
    _ = try await brokers.log.declare(HubDeclaration(name: output, partitionCount: 1))
    outputs = try await HubTape(output, partitions: 1, of: brokers.log)
    let (log, hub, isOver) = (brokers.log, group.hub, isOver)
    sender = Task {
      var sent: Set<String> = []
      var round = 0
      while !isOver.value {
        let events = (0..<Self.partitions).map { partition in
          OutgoingMessage.event("p\(partition).\(round)", to: hub, partition: partition)
        }
        try await log.publish(events)
        sent.formUnion(events.map(\.id))
        round += 1
        try await pause(.milliseconds(25))
      }
      return sent
    }
  }

  deinit { sender.cancel() }

  /// Starts a worker, which becomes a member.
  func start() throws -> WorkerProcess { try Workers.start(arguments) }

  /// What the store has of each partition.
  func records() async throws -> [PartitionRecord] {
    try await brokers.store.records(of: group, partitionCount: Self.partitions)
  }

  /// Who owns how many; free partitions count for nobody.
  func shares() async throws -> [String: Int] {
    try await records().reduce(into: [:]) { shares, record in
      if let owner = record.owner { shares[owner, default: 0] += 1 }
    }
  }

  /// Waits until so many members own all partitions, each the average rounded down or up.
  /// - Returns: who owns how many.
  @discardableResult
  func balanced(_ members: Int, within limit: Duration = .seconds(30)) async throws -> [String: Int] {
    let (least, rest) = Self.partitions.quotientAndRemainder(dividingBy: members)
    let expected = (0..<members).map { $0 < rest ? least + 1 : least }
    var shares: [String: Int] = [:]
    try await eventually("\(members) members have \(expected), not \(shares)", within: limit) {
      shares = try await self.shares()
      return shares.values.sorted(by: >) == expected
    }
    return shares
  }

  /// Waits until events that are sent from now on come out of every partition.
  func flows() async throws {
    let before = outputs.events[0].count
    func partitionsSince() -> Set<Int> { Set(places.dropFirst(before).map(\.partition)) }
    do {
      try await outputs.wait("events of every partition come out", within: .seconds(30)) { _ in
        partitionsSince().count == Self.partitions
      }
    } catch {
      let records = try await records().map { record in
        "\(record.partition) owner \(record.owner ?? "-") epoch \(record.epoch) deaths \(record.deaths) "
          + "position \(record.position?.sequenceNumber ?? -1)"
      }
      throw ConformanceFailure("\(error): only of \(partitionsSince().sorted()); \(records)")
    }
  }

  /// The partition and epoch of each output so far, in the order in which they came.
  var places: [(id: String, partition: Int, epoch: UInt64)] {
    outputs.events[0].map { event in
      let words = (event.message.body.string ?? "").split(separator: " ")
      return (String(words[0]), Int(words[1]) ?? -1, UInt64(words[2]) ?? 0)
    }
  }

  /// Lets time pass in which what must not happen would show.
  func pass(_ time: Duration) async throws { try await pause(time) }

  /// Ends a worker with SIGTERM, in good order.
  func end(_ worker: WorkerProcess) async throws {
    worker.signal(15)
    try expectEqual(await worker.end(until: .now + .seconds(30)), 0, "the exit code")
  }

  private func finish(_ workers: [WorkerProcess]) async throws {
    isOver.update { $0 = true }
    let sent = try await sender.value
    try await eventually("all \(sent.count) events come out, not \(outputs.count)", within: .seconds(60)) {
      outputs.count >= sent.count
    }
    for worker in workers { try await end(worker) }
    try await outputs.finish()
    var (seen, newest, numbers) = (Set<String>(), [Int: UInt64](), [Int: Int]())
    for (id, partition, epoch) in places {
      // Where outputs leave before their checkpoint a repeat is possible; it changes nothing.
      guard seen.insert(id).inserted else {
        try expect(!place.isAtomic, "\(id) had its effect twice")
        continue
      }
      let number = numbers[partition, default: 0]
      try expectEqual(id, "p\(partition).\(number)", "the next event of partition \(partition)")
      numbers[partition] = number + 1
      try expect(
        !place.isAtomic || epoch >= newest[partition] ?? 0, "\(id) was committed under the epoch \(epoch), after others"
      )
      newest[partition] = max(newest[partition] ?? 0, epoch)
    }
    try expectEqual(seen, sent, "the events that came out")
    try await brokers.log.delete(hub: group.hub)
    try await brokers.log.delete(hub: output)
    await brokers.close(deadline: .now + .seconds(10))
  }
}
