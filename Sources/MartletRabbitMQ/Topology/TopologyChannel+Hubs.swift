import CRabbitMQ
import MartletCore

/// Event hubs: an exchange that holds the partition count, and a stream for each partition.
extension TopologyChannel {
  /// A stream whose node has just come back answers for some seconds that it does not exist. It is made again only when
  /// it was missing for so long.
  static let patienceWithStreams = Duration.seconds(10)

  /// Makes sure that a hub is as it is asked for.
  func declare(_ hub: HubDeclaration) throws(BrokerError) -> HubDescription {
    let retention = hub.retention ?? HubRetention()
    guard retention.count == nil else {
      throw BrokerError(
        .configuration, "hub '\(hub.name)': RabbitMQ streams are not kept by count; give an age or a size",
        isRetriable: false)
    }
    if let count = hub.partitionCount, !(1...HubDeclaration.maxPartitionCount).contains(count) {
      throw BrokerError(
        .configuration,
        "hub '\(hub.name)': partitions is \(count); it must be 1 to \(HubDeclaration.maxPartitionCount)",
        isRetriable: false)
    }
    let known = try partitionCount(ofHub: hub.name)
    guard let count = known ?? (hub.mode == .create ? hub.partitionCount ?? HubDeclaration.defaultPartitionCount : nil)
    else {
      throw BrokerError(
        .notFound, "the hub '\(hub.name)' does not exist, and its declare mode is '\(hub.mode.rawValue)'",
        isRetriable: false)
    }
    if let wanted = hub.partitionCount, wanted != count {
      throw BrokerError(
        .conflict,
        "the hub '\(hub.name)' has \(count) partitions, and \(wanted) are asked for; the count of a hub never changes, "
          + "because keys would move: ask for \(count), or use another hub", isRetriable: false)
    }
    if known == nil {
      try declareMarker(hub.name, count)
      registeredAt = .now + Self.registrationTime
    }
    for number in 0..<count {
      try prepare(HubPartition(hub: hub.name, number: number), retention, mode: hub.mode, isNew: known == nil)
    }
    return HubDescription(name: hub.name, partitionCount: count, retention: retention)
  }

  private func prepare(_ partition: HubPartition, _ retention: HubRetention, mode: DeclareMode, isNew: Bool)
    throws(BrokerError)
  {
    let stream = HubLayout.stream(of: partition)
    if !isNew {
      // Somebody else may be making it right now, or its node has just come back.
      let deadline = ContinuousClock.now + Self.patienceWithStreams
      while try count(stream) == nil {
        guard mode == .create else {
          throw BrokerError(
            .unavailable, "RabbitMQ does not have the stream '\(stream)', or not yet", isRetriable: true)
        }
        guard .now < deadline else { break }
        try pause(until: .now + .milliseconds(100))
      }
      if .now < deadline { return }
    }
    try compare(stream, HubLayout.arguments(retention))
    registeredAt = .now + Self.registrationTime
  }

  /// A partition must be there, whether its stream answers or not.
  func check(_ partition: HubPartition) throws(BrokerError) {
    guard let count = try partitionCount(ofHub: partition.hub) else {
      throw BrokerError(.notFound, "the hub '\(partition.hub)' does not exist", isRetriable: false)
    }
    guard (0..<count).contains(partition.number) else {
      throw BrokerError(
        .notFound, "the hub '\(partition.hub)' has the partitions 0 to \(count - 1); there is no \(partition.number)",
        isRetriable: false)
    }
  }

  /// How many partitions a hub has; nil where there is none.
  func partitionCount(ofHub hub: String) throws(BrokerError) -> Int? {
    do throws(BrokerError) {
      _ = try call(marker(hub, nil, passive: true), amqp_exchange_declare_ok_t.self)
    } catch  where error.code == .notFound && isConnected {
      return nil
    }
    do throws(BrokerError) {
      _ = try call(marker(hub, nil, passive: false), amqp_exchange_declare_ok_t.self)
    } catch  where error.code == .conflict && isConnected {
      if let count = HubLayout.partitionCount(in: error.message) { return count }
      throw BrokerError(
        .conflict,
        "the exchange '\(HubLayout.exchange(of: hub))' was not made by Martlet, so '\(hub)' cannot be a hub",
        isRetriable: false)
    } catch  where error.code == .permission && isConnected {
      // Who may not configure cannot compare; the streams can be counted.
      var count = 0
      while try self.count(HubLayout.stream(of: HubPartition(hub: hub, number: count))) != nil { count += 1 }
      return count
    }
    throw BrokerError(
      .conflict, "the exchange '\(HubLayout.exchange(of: hub))' holds no partition count", isRetriable: false)
  }

  private func declareMarker(_ hub: String, _ count: Int) throws(BrokerError) {
    _ = try call(marker(hub, count, passive: false), amqp_exchange_declare_ok_t.self)
  }

  private func marker(_ hub: String, _ count: Int?, passive: Bool) -> amqp_exchange_declare_t {
    amqp_exchange_declare_t(
      ticket: 0, exchange: scratch.bytes(HubLayout.exchange(of: hub)), type: scratch.bytes("direct"),
      passive: passive ? 1 : 0, durable: 1, auto_delete: 0, internal: 1, nowait: 0,
      arguments: scratch.table(HubLayout.marker(count)))
  }

  /// Removes a hub: the exchange last, so that what a crash leaves can be removed again.
  func delete(hub: String) throws(BrokerError) {
    guard let count = try partitionCount(ofHub: hub) else { return }
    for number in 0..<count { try delete(HubLayout.stream(of: HubPartition(hub: hub, number: number))) }
    _ = try call(
      amqp_exchange_delete_t(
        ticket: 0, exchange: scratch.bytes(HubLayout.exchange(of: hub)), if_unused: 0, nowait: 0),
      amqp_exchange_delete_ok_t.self)
  }
}
