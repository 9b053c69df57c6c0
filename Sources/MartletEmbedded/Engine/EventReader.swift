import MartletCore

/// A reader of a partition as the connection thread knows it.
final class EventReader {
  /// What a reader is made with.
  struct Specification: Sendable {
    /// Unique in the broker.
    let id: Int
    let partition: HubPartition
    let position: PartitionPosition
    let handler: any EventHandler
  }

  /// So many events, or bytes of bodies, are handed over at once.
  static let chunk = Store.Allowance(messages: 256, bytes: 512 << 10)

  let id: Int
  let partition: HubPartition
  let handler: any EventHandler
  /// What was handed over.
  private(set) var position: PartitionPosition
  private(set) var granted = 0
  /// The rows that it reads; nil until they are found.
  private(set) var rows: (hub: Int64, partition: Int64)?
  /// Why it cannot read for now.
  private var problem: BrokerError?
  /// Answers `read`, once.
  private var reply: Reply<Void>?

  init(_ specification: Specification, reply: @escaping Reply<Void>) {
    id = specification.id
    partition = specification.partition
    handler = specification.handler
    position = specification.position
    self.reply = reply
  }

  /// The number of the event that comes next.
  var next: Int64 { position.checkpoint.map { Int64($0.low) + 1 } ?? 0 }

  func attach(hub: Int64, partition: Int64) {
    rows = (hub, partition)
    answer(problem: nil)
  }

  /// Its file is another one now.
  func detach() { rows = nil }

  func grant(_ count: Int) { granted += count }

  func hand(_ events: [Event], tail: PartitionTail) {
    guard let last = events.last else { return }
    granted -= events.count
    position = PartitionPosition(
      checkpoint: last.offset, sequenceNumber: last.sequenceNumber, eventID: last.message.id,
      enqueuedAt: last.message.enqueuedAt)
    handler.receive(events, tail: tail)
  }

  /// The first attempt has an answer; later ones go to the handler alone.
  func answer(problem new: BrokerError?) {
    if problem?.message != new?.message { handler.report(problem: new) }
    problem = new
    reply?(.success(()))
    reply = nil
  }

  /// It will not be read.
  func fail(_ error: BrokerError) {
    reply?(.failure(error))
    reply = nil
  }

  func end(with loss: EventLoss) {
    answer(problem: nil)
    handler.receive(loss)
  }
}
