import MartletCore

@testable import MartletRuntime

/// A process's way to the hub, the store and the other broker.
struct HubPort: EventLog, Store {
  var isOther = false
  unowned let process: HubProcess
  private var simulation: HubSimulation { process.simulation }
  private var member: String { "p\(process.number)" }

  init(process: HubProcess) { self.process = process }
  init(address: Address, process: HubProcess) {
    isOther = address.connection != nil
    self.process = process
  }

  // MARK: Broker

  var system: String { "simulated" }
  var storeDomain: CommitDomain { CommitDomain("own") }
  func commitDomain(for address: Address) -> CommitDomain { CommitDomain(isOther ? "other" : "own") }
  func start(deadline: ContinuousClock.Instant) async throws(BrokerError) {}
  func declare(_ queue: QueueDeclaration) async throws(BrokerError) {}
  func close(deadline: ContinuousClock.Instant) async {}

  func consume(
    _ subscription: QueueSubscription, handler: any DeliveryHandler
  ) async throws(BrokerError) -> any QueueConsumer {
    throw BrokerError(.notFound, "there are no queues", isRetriable: false)
  }

  func publish(_ messages: [OutgoingMessage], completion: @escaping @Sendable (CommitResult) -> Void) {
    process.send { [simulation] in
      let result = simulation.hub.publish(messages)
      return { completion(result) }
    }
  }

  // MARK: EventLog

  func declare(_ hub: HubDeclaration) async throws(BrokerError) -> HubDescription {
    HubDescription(name: hub.name, partitionCount: simulation.scenario.partitions)
  }

  func position(before start: InitialOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition
  {
    await process.call { [simulation] in
      guard case .fromEnd = start, let last = simulation.hub.logs[partition.number].last else {
        return PartitionPosition()
      }
      return PartitionPosition(checkpoint: last.offset, sequenceNumber: last.sequenceNumber)
    }
  }

  func note(_ hub: HubDeclaration) {}
  func partitionCount(of hub: String) async throws(BrokerError) -> Int { simulation.scenario.partitions }
  func position(before offset: EventOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition
  { PartitionPosition() }

  func read(
    _ partition: HubPartition, after position: PartitionPosition, function: String, handler: any EventHandler
  ) async throws(BrokerError) -> any PartitionReader {
    let reader = await process.call { [process, simulation] in
      let log = simulation.hub.logs[partition.number]
      let next = log.firstIndex { event in position.checkpoint.map { $0 < event.offset } ?? true } ?? log.count
      let reading = HubProcess.Reading(partition: partition.number, next: next, handler: handler)
      process.readings.append(reading)
      return HubReader(reading: reading)
    }
    if simulation.losesReader() {
      reader.reading.isClosed = true
      handler.receive(.retentionGap(missing: nil))
      await simulation.sleepers.sleep(until: simulation.now + 100_000_000, heedsCancellation: false)
    }
    return reader
  }

  func bounds(of hub: String) async throws(BrokerError) -> [PartitionBounds] { [] }
  func trim(_ partition: HubPartition) async throws(BrokerError) -> Int { 0 }
  func delete(hub: String) async throws(BrokerError) {}

  // MARK: Store

  func identity() async throws(BrokerError) -> StoreIdentity { StoreIdentity(uuid: "simulated", place: "nowhere") }

  func attend(_ group: ConsumerGroup, as member: String, expiration: Duration) async throws(BrokerError)
    -> [GroupMember]
  { await process.call { [simulation] in simulation.hub.attend(member, now: simulation.now) } }

  func leave(_ group: ConsumerGroup, as member: String) async throws(BrokerError) {
    await process.call { [simulation] in simulation.hub.leave(member) }
  }

  func records(of group: ConsumerGroup, partitionCount: Int) async throws(BrokerError) -> [PartitionRecord] {
    await process.call { [simulation] in simulation.hub.records }
  }

  func claim(_ partition: GroupPartition, as member: String, expecting epoch: UInt64, afterDeath: Bool)
    async throws(BrokerError) -> PartitionRecord?
  {
    await process.call { [simulation] in
      simulation.hub.claim(partition.number, as: member, expecting: epoch, afterDeath: afterDeath)
    }
  }

  func release(_ partition: GroupPartition, epoch: UInt64) async throws(BrokerError) {
    await process.call { [simulation] in simulation.hub.release(partition.number, epoch: epoch) }
  }

  func commit(_ commit: PartitionCommit, completion: @escaping @Sendable (CommitResult) -> Void) {
    process.send { [process, simulation] in
      let result = simulation.hub.apply(commit)
      // Sometimes the answer is lost, and the commit sent again under its number.
      guard simulation.loses() else { return { completion(result) } }
      return {
        process.send {
          let again = simulation.hub.apply(commit)
          return { completion(again) }
        }
      }
    }
  }

  func values(of keys: [String], in partition: GroupPartition) async throws(BrokerError) -> [String: Bytes] {
    await process.call { [simulation] in
      (simulation.hub.values[partition.number] ?? [:]).filter { keys.contains($0.key) }
    }
  }

  func move(_ partition: GroupPartition, to position: PartitionPosition) async throws(BrokerError) {}
  func groups(of hub: String) async throws(BrokerError) -> [String] { [] }
  // Of queues alone, and there are none.
  func remembered(of ids: [String], in scope: String) async throws(BrokerError) -> Set<String> { [] }
  func remember(_ ids: [String], in scope: String, for window: Duration) async throws(BrokerError) {}
}

/// `@unchecked Sendable`: a simulation and all its processes live on one thread.
struct HubReader: PartitionReader, @unchecked Sendable {
  let reading: HubProcess.Reading
  func grant(_ count: Int) { reading.granted += count }
  func close() async { reading.isClosed = true }
}
