import Foundation
public import MartletCore

extension RedisBroker: EventLog {
  public func declare(_ hub: HubDeclaration) async throws(BrokerError) -> HubDescription {
    if let problem = Address.problem(withName: hub.name) {
      throw BrokerError(.configuration, "the hub \"\(hub.name)\" cannot be: \(problem)", isRetriable: false)
    }
    let most = HubDeclaration.maxPartitionCount
    if let count = hub.partitionCount, !(1...most).contains(count) {
      throw BrokerError(
        .configuration, "the hub \"\(hub.name)\" cannot have \(count) partitions; 1 to \(most) are possible",
        isRetriable: false)
    }
    let creates = hub.mode == .create
    let call = RedisCall.declare(hub, asking: hub.partitionCount, retention: creates ? "set" : "", makes: creates)
    let name = hub.name
    let found = try await ask(call) { reply in HubDescription(name, declared: reply) }
    guard let found else {
      if hub.mode == .never, let count = hub.partitionCount {
        return HubDescription(name: name, partitionCount: count, retention: hub.retention ?? HubRetention())
      }
      throw missing(name)
    }
    if let count = hub.partitionCount, count != found.partitionCount {
      throw .otherCount(of: found, count)
    }
    mailbox.send { $0.catalog.learn(found) }
    return found
  }

  public func read(
    _ partition: HubPartition, after position: PartitionPosition, function: String, handler: any EventHandler
  ) async throws(BrokerError) -> any PartitionReader {
    let id = nextReaderID()
    let isTaken = mailbox.send { loop in
      loop.hubs.add(HubCursor(id: id, partition, after: position, handler: handler))
    }
    if !isTaken { throw Self.closed }
    return RedisPartitionReader(id: id, mailbox: mailbox)
  }

  public func bounds(of hub: String) async throws(BrokerError) -> [PartitionBounds] {
    let count = try await partitionCount(of: hub)
    let looks = try await looks((0..<count).map { HubPartition(hub: hub, number: $0) })
    return looks.enumerated().map { partition, look in
      PartitionBounds(
        partition: partition, count: Int(look.length), first: look.first, last: look.length == 0 ? nil : look.last,
        firstEnqueuedAt: look.first?.time, tail: look.tail)
    }
  }

  public func position(before start: InitialOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition
  {
    let look = try await look(at: partition)
    switch start {
    case .fromStart: return look.start
    case .fromEnd: return look.end
    case .fromEnqueuedTime(let time):
      let wanted = EventOffset(
        high: UInt64(max(0, Int(milliseconds: (time.timeIntervalSince1970 * 1000).rounded(.up)))), low: 0)
      return try await position(before: wanted, look, in: partition)
    }
  }

  public func position(before offset: EventOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition
  {
    let look = try await look(at: partition)
    return try await position(before: offset, look, in: partition)
  }

  /// A stream knows no ranks, so what comes behind the place is counted, in parts that do not hold up others.
  private func position(
    before wanted: EventOffset, _ look: StreamLook, in partition: HubPartition
  ) async throws(BrokerError) -> PartitionPosition {
    guard let oldest = look.first, let last = look.last, wanted <= last else { return look.end }
    if wanted <= oldest { return look.start }
    var (from, count, first) = (wanted.streamID, 0, EventOffset?.none)
    let stream = HubKeys(partition.hub).stream(partition.number)
    while !from.isEmpty {
      let part = try await ask(
        .script(\.countEvents, keys: [stream], [from, last.streamID, "5000"])
      ) { reply in (count: reply.integer(reply.nodes[1]) ?? 0, texts: Answer(reply).texts) }
      count += part.count
      first = first ?? part.texts.dropFirst().first.flatMap { EventOffset($0) }
      from = part.texts.last ?? ""
    }
    guard let first else { return look.end }
    let number = look.added - Int64(count)
    return PartitionPosition(checkpoint: number <= 0 ? nil : first.predecessor, sequenceNumber: max(number, 0) - 1)
  }

  public func trim(_ partition: HubPartition) async throws(BrokerError) -> Int {
    let keys = HubKeys(partition.hub)
    let limits = try await ask(.command(["HMGET", keys.description, "count", "bytes", "age"])) { reply in
      reply.nodes.dropFirst().map { reply.integer($0).map { String($0) } ?? "" }
    }
    guard limits.contains(where: { !$0.isEmpty }) else { return 0 }
    var removed = 0
    let call = RedisCall.script(
      \.trimPartition, keys: [keys.stream(partition.number), keys.size(partition.number)], limits + ["5000"])
    while true {
      let answer = try await ask(call) { Answer($0).texts.compactMap { Int($0) } }
      removed += answer.first ?? 0
      if answer.last != 1 { return removed }
    }
  }

  public func delete(hub: String) async throws(BrokerError) {
    let keys = HubKeys(hub)
    let known = try await partitionCount(of: hub)
    let groups = try await groups(of: hub)
    let highest = try await ask(.command(["ZRANGE", keys.groups, "-1", "-1", "WITHSCORES"])) {
      Answer($0).texts.last.flatMap { Int($0) } ?? -1
    }
    let count = max(known, highest + 1)
    var all = [keys.description, keys.groups] + (0..<count).flatMap { keys.partition($0) }
    for group in groups {
      let group = ConsumerGroup(hub: hub, name: group)
      let keys = GroupKeys(group)
      all += [keys.members] + (0..<count).flatMap { keys.partition($0) } + QueueKeys(group.description).helpers
    }
    // One command: there is no moment at which half of it is there.
    _ = try await ask(.command(["UNLINK"] + all)) { _ in }
    mailbox.send { $0.catalog.forget(hub) }
  }

  private func missing(_ hub: String) -> BrokerError {
    BrokerError(.notFound, "the hub \"\(hub)\" does not exist on \(url.place)", isRetriable: false)
  }

  public func note(_ hub: HubDeclaration) { mailbox.send { $0.catalog.note(hub) } }

  public func partitionCount(of hub: String) async throws(BrokerError) -> Int {
    let call = RedisCall.declare(HubDeclaration(name: hub), asking: nil, retention: "", makes: false)
    return try await ask(call) { HubDescription(hub, declared: $0)?.partitionCount ?? 0 }
  }

  /// - Throws: `notFound` for a partition that does not exist.
  private func look(at partition: HubPartition) async throws(BrokerError) -> StreamLook {
    let exists = try await partitionCount(of: partition.hub) > partition.number
    let look = try await looks([partition])[0]
    guard exists || look.exists else { throw missing(partition.hub) }
    return look
  }

  private func looks(_ partitions: [HubPartition]) async throws(BrokerError) -> [StreamLook] {
    let calls = partitions.map {
      RedisCall.script(\.lookAtPartition, keys: [HubKeys($0.hub).stream($0.number)], [""])
    }
    return try await ask(calls) { StreamLook($0) ?? StreamLook(added: 0, length: 0, first: nil, last: nil) }
  }
}
