import Glibc
import Martlet

/// The worker process that owns a partition: each event ends in one commit, with one event to the target.
final class PartitionOwner: EventHandler {
  /// The first argument of such a worker; URL, hub, group and target follow.
  static let word = "own"

  private struct State: Sendable {
    var number: UInt64 = 0
    var reader: (any PartitionReader)?
  }

  private let store: any Store
  private let partition: GroupPartition
  private let epoch: UInt64
  private let target: String
  private let state = Locked(State())

  private init(store: any Store, partition: GroupPartition, epoch: UInt64, target: String) {
    self.store = store
    self.partition = partition
    self.epoch = epoch
    self.target = target
  }

  /// Claims, reads and commits until the standard input ends.
  static func run(_ arguments: [String], open: BrokerConformance.Open) async throws {
    let environment = BrokerEnvironment(
      app: "conformance-owner", logger: Logger(level: .warning, sink: .standardError))
    guard arguments.count == 4,
      let broker = try open(arguments[0], environment) as? any EventLog & Store & BrokerAdministration
    else { throw ConformanceFailure("usage: own URL HUB GROUP TARGET, with a broker that is its own store") }
    try await broker.start(deadline: .now + .seconds(30))
    let group = ConsumerGroup(hub: arguments[1], name: arguments[2])
    let partition = GroupPartition(group: group, number: 0)
    let epoch = try await broker.records(of: group, partitionCount: 1)[0].epoch
    let member = "owner-\(getpid())"
    guard let record = try await broker.claim(partition, as: member, expecting: epoch, afterDeath: epoch > 0) else {
      throw ConformanceFailure("somebody else was faster")
    }
    let owner = PartitionOwner(store: broker, partition: partition, epoch: record.epoch, target: arguments[3])
    let reader = try await broker.read(
      partition.partition, after: record.position ?? PartitionPosition(), function: "conformance-owner", handler: owner)
    owner.state.withLock { $0.reader = reader }
    // Before the first commit: it may be killed with it.
    ConformanceWorker.say("ready")
    reader.grant(20)
    await ConformanceWorker.standardInputEnds()
  }

  func receive(_ events: [Event], tail: PartitionTail?) {
    for event in events {
      let number = state.withLock { state in
        state.number += 1
        return state.number
      }
      store.commit(.passing(event, on: partition, epoch: epoch, number: number, to: target)) { result in
        if case .applied = result { self.state.withLock { $0.reader }?.grant(1) }
        ConformanceWorker.say("\(result) \(number)")
      }
    }
  }

  func receive(_ loss: EventLoss) { ConformanceWorker.say("loss \(loss)") }
  func report(problem: BrokerError?) { if let problem { ConformanceWorker.say("problem \(problem)") } }
}

extension PartitionCommit {
  /// A commit that moves the position to an event and sends one event, with the id `out-<id>`, to the first partition of
  /// another hub.
  static func passing(_ event: Event, on partition: GroupPartition, epoch: UInt64, number: UInt64, to target: String)
    -> PartitionCommit
  {
    PartitionCommit(
      partition: partition, epoch: epoch, number: number, position: event.position,
      outputs: [.event("out-\(event.message.id)", to: target, partition: 0)],
      values: ["last": Bytes(event.message.id)])
  }
}
