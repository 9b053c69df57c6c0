import Foundation
public import MartletCore

/// Event hubs on streams: one stream for each partition, at most so many as the connection has channels.
extension RabbitMQBroker: EventLog {
  public func declare(_ hub: HubDeclaration) async throws(BrokerError) -> HubDescription {
    try check(hub.name)
    if let problem = Address.problem(withName: hub.name) {
      throw BrokerError(.configuration, "hub '\(hub.name)': \(problem)", isRetriable: false)
    }
    run()
    topology.note(hub)
    return try await topology.perform(forMessages: true) { channel throws(BrokerError) in try channel.declare(hub) }
  }

  public func note(_ hub: HubDeclaration) { topology.note(hub) }

  public func partitionCount(of hub: String) async throws(BrokerError) -> Int {
    try check(hub)
    run()
    return try await topology.perform { channel throws(BrokerError) in try channel.partitionCount(ofHub: hub) ?? 0 }
  }

  /// `fromEnd` and `fromEnqueuedTime` look for the place in the stream. Times are the publishers' (AMQP has no other),
  /// to the second.
  public func position(before start: InitialOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition
  {
    run()
    let stream = HubLayout.stream(of: partition)
    try await topology.perform { channel throws(BrokerError) in try channel.check(partition) }
    switch start {
    case .fromStart: return PartitionPosition()
    case .fromEnd:
      let last = try await topology.perform(as: .look) { channel throws(BrokerError) in try channel.last(of: stream) }
      return last.map(PartitionPosition.init(behind:)) ?? PartitionPosition()
    case .fromEnqueuedTime(let time):
      // AMQP knows no times before 1970.
      let time = max(time, Date(timeIntervalSince1970: 0))
      let found = try await topology.perform(as: .look) { channel throws(BrokerError) in
        try channel.first(of: stream, since: time)
      }
      guard let found else { return try await position(before: .fromEnd, in: partition) }
      if let enqueuedAt = found.enqueuedAt, enqueuedAt < time { return PartitionPosition(behind: found) }
      guard found.offset > 0 else { return PartitionPosition() }
      return PartitionPosition(
        checkpoint: EventOffset(low: found.offset - 1), sequenceNumber: Int64(clamping: found.offset) - 1)
    }
  }

  public func position(before offset: EventOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition
  {
    run()
    let stream = HubLayout.stream(of: partition)
    let found = try await topology.perform(as: .look) { channel throws(BrokerError) in
      try channel.check(partition)
      return try channel.first(of: stream, notBefore: offset.low)
    }
    guard let found else { return try await position(before: .fromEnd, in: partition) }
    if found.offset < offset.low { return PartitionPosition(behind: found) }
    guard found.offset > 0 else { return PartitionPosition() }
    return PartitionPosition(
      checkpoint: EventOffset(low: found.offset - 1), sequenceNumber: Int64(clamping: found.offset) - 1)
  }

  public func read(
    _ partition: HubPartition, after position: PartitionPosition, function: String, handler: any EventHandler
  ) async throws(BrokerError) -> any PartitionReader {
    run()
    runStreams()
    let (id, streams) = (nextReader(), streams)
    let isTaken = await withCheckedContinuation { continuation in
      let isTaken = streams.send(
        .role(
          .open(id, partition, position, function: function, handler) { continuation.resume(returning: true) }))
      if !isTaken { continuation.resume(returning: false) }
    }
    guard isTaken else { throw .closedBroker }
    return RabbitMQPartitionReader(id: id, streams: streams)
  }

  /// Reads the first and the last event of each partition: RabbitMQ tells no more of a stream. `count` is nil, since
  /// offsets have holes.
  public func bounds(of hub: String) async throws(BrokerError) -> [PartitionBounds] {
    try check(hub)
    run()
    let partitions = try await partitionCount(of: hub)
    var bounds: [PartitionBounds] = []
    for number in 0..<partitions {
      let stream = HubLayout.stream(of: HubPartition(hub: hub, number: number))
      let first = try await topology.perform(as: .look) { channel throws(BrokerError) in try channel.first(of: stream) }
      let last = try await topology.perform(as: .look) { channel throws(BrokerError) in try channel.last(of: stream) }
      bounds.append(
        PartitionBounds(
          partition: number, first: first.map { EventOffset(low: $0.offset) },
          last: last.map { EventOffset(low: $0.offset) }, firstEnqueuedAt: first?.enqueuedAt,
          tail: PartitionTail(
            sequenceNumber: last.map { Int64(clamping: $0.offset) } ?? -1,
            offset: last.map { EventOffset(low: $0.offset) }, enqueuedAt: last?.enqueuedAt)))
    }
    return bounds
  }

  /// Nothing: streams remove old segments by themselves.
  public func trim(_ partition: HubPartition) async throws(BrokerError) -> Int { 0 }

  public func delete(hub: String) async throws(BrokerError) {
    try check(hub)
    run()
    try await topology.perform { channel throws(BrokerError) in try channel.delete(hub: hub) }
    publisher.send(.role(.forget(hub)))
  }
}

extension PartitionPosition {
  /// Behind an event that was looked at.
  fileprivate init(behind entry: TopologyChannel.StreamEntry) {
    self.init(
      checkpoint: EventOffset(low: entry.offset), sequenceNumber: Int64(clamping: entry.offset), eventID: entry.id,
      enqueuedAt: entry.enqueuedAt)
  }
}
