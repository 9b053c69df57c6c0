import MartletCore

/// A commit group that was handed in and has no answer yet.
final class GroupInFlight {
  let group: CommitGroup
  let completion: (CommitResult) -> Void
  /// Its number under the consumer. It never changes, and no other commit ever has it.
  let number: Int
  /// The life of the consumer that its deliveries belong to.
  let generation: UInt32
  /// Receipts in it that were handed out as suspects.
  let suspects: [Receipt]
  /// Where its events go to, once that is known: the same whenever it is sent again.
  var placement: HubCatalog.Placement?
  var isSent = false

  init(
    _ group: CommitGroup, number: Int, generation: UInt32, completion: @escaping (CommitResult) -> Void
  ) {
    self.group = group
    self.number = number
    self.generation = generation
    self.completion = completion
    suspects = group.settlements.lazy.map(\.receipt).filter { $0.channel == QueueReader.suspectChannel }
  }
}
