import Foundation
import MartletCore
import Synchronization

/// One function's reader of one queue: the side that other threads see. The work is `QueueReader`'s.
final class RabbitMQConsumer: QueueConsumer {
  let id: Int
  let queue: String
  private let publisher: Mailbox<LoopCommand<Publisher.Command>>
  private let consumers: Mailbox<LoopCommand<ConsumerHub.Command>>
  private let generationNumber = Atomic<UInt32>(1)
  private let groupsUnderWay = Atomic<Int>(0)
  private let unsettledCount = Atomic<Int>(0)

  init(
    id: Int, queue: String, publisher: Mailbox<LoopCommand<Publisher.Command>>,
    consumers: Mailbox<LoopCommand<ConsumerHub.Command>>
  ) {
    (self.id, self.queue, self.publisher, self.consumers) = (id, queue, publisher, consumers)
  }

  /// The life of the channel: receipts of earlier ones settle nothing.
  var generation: UInt32 { generationNumber.load(ordering: .acquiring) }
  /// A channel ended: a new life begins. The reader's to call.
  func beginGeneration() { generationNumber.add(1, ordering: .acquiringAndReleasing) }
  /// Groups that were handed in and have no answer.
  var hasGroupsUnderWay: Bool { groupsUnderWay.load(ordering: .acquiring) > 0 }
  /// Deliveries that are not settled. The reader writes it.
  var unsettled: Int {
    get { unsettledCount.load(ordering: .relaxed) }
    set { unsettledCount.store(newValue, ordering: .relaxed) }
  }

  func setPrefetch(_ count: Int) { consumers.send(.role(.prefetch(id, max(0, count)))) }

  func commit(_ group: CommitGroup, completion: @escaping @Sendable (CommitResult) -> Void) {
    groupsUnderWay.add(1, ordering: .acquiringAndReleasing)
    let answer: @Sendable (CommitResult) -> Void = { result in
      self.groupsUnderWay.subtract(1, ordering: .acquiringAndReleasing)
      completion(result)
    }
    let (id, consumers) = (id, consumers)
    let settle: @Sendable ([Int: BrokerError]) -> Void = { refused in
      if !consumers.send(.role(.settle(id, group, refused, answer))) { answer(.ownershipLost) }
    }
    let (moves, moveEntries, newest) = moves(of: group)
    if group.outputs.isEmpty, moves.isEmpty { return settle([:]) }
    let request = PublishRequest(
      outputs: group.outputs, moves: moves, moveEntries: moveEntries, entries: group.entries,
      fence: newest.map { PublishRequest.Fence(consumer: self, generation: $0) }
    ) { outcome in
      switch outcome {
      case .published(let refused): settle(refused)
      case .void: answer(.ownershipLost)
      }
    }
    if !publisher.send(.role(.publish(request))) { answer(.ownershipLost) }
  }

  /// What the settlements publish, with the entry of each, and the newest generation among the receipts.
  private func moves(of group: CommitGroup) -> ([Move], [Int], UInt32?) {
    if group.onlyCompletes { return ([], [], group.settlements.map(\.receipt.generation).max()) }
    var moves: [Move] = []
    var entries: [Int] = []
    var newest: UInt32?
    var now: Date?
    for (index, entry) in group.entries.enumerated() {
      for position in entry.settlements {
        let settlement = group.settlements[position]
        newest = max(newest ?? 0, settlement.receipt.generation)
        if case .complete = settlement { continue }
        let time = now ?? Date()
        now = time
        if let move = Move(settlement, queue: queue, now: time) {
          moves.append(move)
          entries.append(index)
        }
      }
    }
    return (moves, entries, newest)
  }

  func close(deadline: ContinuousClock.Instant) async {
    await Latch.wait(until: deadline) { done in
      if !consumers.send(.role(.close(id, deadline: deadline, answer: done))) { done() }
    }
  }
}
