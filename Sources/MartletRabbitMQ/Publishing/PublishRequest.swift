import MartletCore

/// What a connection is to publish as one unit, and whom to tell.
struct PublishRequest: Sendable {
  /// How it ended.
  enum Outcome: Sendable {
    /// Everything is durable but the entries named here, which nobody can publish.
    case published(refused: [Int: BrokerError])
    /// It was given up: the inputs are no longer ours, or the broker was closed. Parts may have left.
    case void
  }

  /// Whose inputs the outputs are for: when it has lost them, the outputs need not leave.
  struct Fence: Sendable {
    var consumer: RabbitMQConsumer
    var generation: UInt32
    var isLost: Bool { consumer.generation > generation }
  }

  var outputs: [OutgoingMessage] = []
  var moves: [Move] = []
  /// The entry that each move belongs to.
  var moveEntries: [Int] = []
  var entries: [CommitGroup.Entry] = []
  var fence: Fence?
  /// Called exactly once, from the publishing connection's thread.
  var completion: @Sendable (Outcome) -> Void
}

/// A request under work. It lives on the publishing connection's thread.
///
/// Its checks for exclusive access are off, for the reason that `ConnectionLoop` gives.
final class PublishJob {
  let request: PublishRequest
  @exclusivity(unchecked) private var remaining: Int
  @exclusivity(unchecked) private var refused: [Int: BrokerError] = [:]
  @exclusivity(unchecked) private(set) var isFinished = false

  init(_ request: PublishRequest) {
    self.request = request
    remaining = request.outputs.count + request.moves.count
  }

  /// Outputs first, then moves.
  var itemCount: Int { request.outputs.count + request.moves.count }
  /// Whether nobody waits for its items any more.
  var isVoid: Bool { isFinished || (request.fence?.isLost ?? false) }

  /// The entry that an item belongs to.
  func entry(of item: Int) -> Int {
    if item >= request.outputs.count { return request.moveEntries[item - request.outputs.count] }
    var (low, high) = (0, request.entries.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if request.entries[middle].outputs.upperBound <= item { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Whether the entry of an item was refused: then the item stays here.
  func isRefused(_ item: Int) -> Bool { !refused.isEmpty && refused[entry(of: item)] != nil }
  func refuse(entry: Int, _ error: BrokerError) { if refused[entry] == nil { refused[entry] = error } }

  /// An item has its end. The last one ends the job.
  func finishItem() {
    remaining -= 1
    if remaining <= 0 { finish(.published(refused: refused)) }
  }

  func finish(_ outcome: PublishRequest.Outcome) {
    guard !isFinished else { return }
    isFinished = true
    request.completion(outcome)
  }
}
