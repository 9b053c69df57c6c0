import CBaseline
import Martlet

/// Looks at what a run left: every event arrived once, in the order of its key, and the group's positions are at the end.
struct HubVerification {
  private let arguments: Arguments
  private let target: Target
  private let messages: Int
  /// How many events each partition has.
  private let counts: [Int]

  init(_ arguments: Arguments, _ target: Target, messages: Int) {
    self.arguments = arguments
    self.target = target
    self.messages = messages
    counts = HubWorkload.counts(messages: messages, partitions: arguments.partitions)
  }

  /// Where the events of the run arrived; nil where it only consumed.
  private var destination: String? {
    switch arguments.scenario {
    case .hubPublish: arguments.input
    case .hubPipe: arguments.output
    default: nil
    }
  }

  // MARK: Hubs of a broker

  func verify(_ side: Side, _ log: any EventLog) async throws {
    if let destination { try await verifyEvents(of: destination, log) }
    guard !arguments.scenario.isPublishing else { return }
    let ends = try await log.bounds(of: arguments.input).map(\.last)
    let positions = try await positions(side, log)
    for (partition, end) in ends.enumerated() where positions[partition] != end {
      throw BenchmarkFailure(
        """
        after the run of \(side) the group is at \(positions[partition].map(\.description) ?? "no position") in \
        partition \(partition), which ends with \(end.map(\.description) ?? "no event")
        """)
    }
  }

  private func verifyEvents(of hub: String, _ log: any EventLog) async throws {
    let bounds = try await log.bounds(of: hub)
    for (partition, count) in counts.enumerated() {
      let kept = bounds[partition].count ?? count
      guard kept == count else { throw failure("\(kept) events, not \(count)", hub, partition) }
      var order = KeyOrder(arguments)
      var rest = count
      var last: EventOffset?
      let events = HubReadBack()
      let reader = try await log.read(
        HubPartition(hub: hub, number: partition), after: PartitionPosition(), function: "verify", handler: events)
      reader.grant(min(count, 10_000))
      if count > 0 {
        for await batch in events.batches(patience: .seconds(30)) {
          for event in batch {
            if let problem = order.take(event.message.key ?? "", event.message.body) {
              throw failure(problem, hub, partition)
            }
          }
          rest -= batch.count
          last = batch.last?.offset
          guard rest > 0 else { break }
          reader.grant(min(batch.count, rest))
        }
      }
      await reader.close()
      guard rest == 0 else { throw failure("\(rest) of \(count) events are missing", hub, partition) }
      guard last == bounds[partition].last else { throw failure("there are more than \(count) events", hub, partition) }
    }
  }

  /// How far the group is in each partition.
  private func positions(_ side: Side, _ log: any EventLog) async throws -> [EventOffset?] {
    if side == .baseline, target.system == .rabbitmq {
      return Baseline.withJob(arguments, target, messages: messages, output: nil) { job in
        (0..<arguments.partitions).map { partition in
          let offset = baseline_position(&job, Int32(partition))
          return offset < 0 ? nil : EventOffset(low: UInt64(offset))
        }
      }
    }
    let group = ConsumerGroup(hub: arguments.input, name: HubWorkload.group)
    if let store = log as? any Store { return try await positions(of: group, in: store) }
    let broker = try await BenchmarkHubs.open("embedded:\(arguments.store ?? "")")
    guard let store = broker as? any Store else { throw BenchmarkFailure("\(broker.system) is no store") }
    let positions = try await positions(of: group, in: store)
    await broker.close(deadline: .now + .seconds(5))
    return positions
  }

  private func positions(of group: ConsumerGroup, in store: any Store) async throws -> [EventOffset?] {
    try await store.records(of: group, partitionCount: arguments.partitions).map { $0.position?.checkpoint }
  }

  private func failure(_ problem: String, _ hub: String, _ partition: Int) -> BenchmarkFailure {
    BenchmarkFailure("partition \(partition) of \(hub) has an error after the run: \(problem)")
  }

  // MARK: The baseline's own tables

  /// What a run of the baseline of the embedded broker left in its file.
  func verifyTables() throws {
    var tables = Tables(order: KeyOrder(arguments), counts: [Int](repeating: 0, count: arguments.partitions))
    let positions = Baseline.withJob(arguments, target, messages: messages, output: nil) { job in
      if let destination {
        withUnsafeMutablePointer(to: &tables) { tables in
          baseline_sqlite_hub_read(&job, destination, tables) { context, partition, _, key, keyBytes, body, count in
            guard let tables = context?.assumingMemoryBound(to: Tables.self) else { return }
            tables.pointee.counts[Int(partition)] += 1
            let problem = tables.pointee.order.take(
              String(decoding: UnsafeRawBufferPointer(start: key, count: keyBytes), as: UTF8.self),
              Bytes(copying: UnsafeRawBufferPointer(start: body, count: count)))
            tables.pointee.problem = tables.pointee.problem ?? problem
          }
        }
      }
      return (0..<arguments.partitions).map { baseline_position(&job, Int32($0)) }
    }
    if let problem = tables.problem { throw BenchmarkFailure(problem) }
    if destination != nil, tables.counts != counts {
      throw BenchmarkFailure("the partitions have \(tables.counts) events, not \(counts)")
    }
    if !arguments.scenario.isPublishing, positions != counts.map({ $0 - 1 }) {
      throw BenchmarkFailure("the group is at \(positions) in partitions that have \(counts) events")
    }
  }

  private struct Tables {
    var order: KeyOrder
    var counts: [Int]
    var problem: String?
  }
}

/// Events of each key must come in the order of their numbers, each once.
private struct KeyOrder {
  private let arguments: Arguments
  private var next: [String: Int]

  init(_ arguments: Arguments) {
    self.arguments = arguments
    next = Dictionary(uniqueKeysWithValues: (0..<HubWorkload.keys).map { (HubWorkload.key($0), $0) })
  }

  /// Takes the next event of a partition.
  /// - Returns: what is wrong with it.
  mutating func take(_ key: String, _ body: Bytes) -> String? {
    guard let number = next[key] else { return "an event has the key \"\(key)\"" }
    let beginning = HubWorkload.beginning(of: number, arguments)
    guard body.withUnsafeBytes({ $0.starts(with: beginning.utf8) }) else {
      return "of the key \(key), event \(number) is missing or not in its place"
    }
    next[key] = number + HubWorkload.keys
    return nil
  }
}
