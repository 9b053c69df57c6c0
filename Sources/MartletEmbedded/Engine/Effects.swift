import MartletCore

/// What a transaction does to the connection thread and its callers once it is committed; nothing of it if it is not.
struct Effects {
  /// By the boot clock: when it began, and with it the lease anew.
  var began: Int64
  /// The number of the transaction, kept beside the instance's lease.
  var number: Int64
  var instance: Int64
  /// How many of the waiting works it did.
  var works = 0
  var answers: [() -> Void] = []
  var changes: [Int: Change] = [:]
  var registered: [(Consumer, Consumer.Registration)] = []
  var problems: [(Consumer, BrokerError)] = []
  var ended: [Consumer] = []
  /// Their queue is gone.
  var homeless: [Consumer] = []
  /// Deleted queues that their readers left.
  var deserted: [Int64] = []
  /// Queues without a message that could be handed out.
  var idle: [Int64] = []
  /// All queues with suspects, where this transaction looked for them.
  var suspectQueues: Set<Int64>?
  /// Queues that are read from now on and have suspects.
  var suspectQueuesFound: [Int64] = []
  /// Queues without a suspect.
  var innocent: [Int64] = []
  /// The suspect that this transaction handed out.
  var suspect: (consumer: Int, place: Place)?
  var isSuspectSettled = false
  var news: Store.News?
  /// Whether other processes use the store.
  var hasOthers = false
  /// Whether delayed messages were moved, and when the next one is due.
  var didMoveDue = false
  var nextDue: Int64?
  /// A deleted queue that has not been swept to the end.
  var deletedQueue: Int64?
  /// Whether a deleted hub has not been swept to the end.
  var hasDeletedHub = false
  /// The earliest time to which a message was delayed.
  var due: Int64?

  /// What changes for one consumer.
  struct Change {
    /// By the first place of the claim.
    var settled: [Place: Int] = [:]
    var settledCount = 0
    var claims: [Store.Claim] = []
    var claimedCount = 0
    var claimedBytes = 0
  }

  init(number: Int64, instance: Int64, began: Int64) {
    self.began = began
    self.number = number
    self.instance = instance
  }

  mutating func settle(_ count: Int, of claim: Place, by consumer: Consumer) {
    guard count > 0 else { return }
    changes[consumer.id, default: Change()].settle(count, of: claim)
  }

  mutating func hand(_ claim: Store.Claim, to consumer: Consumer) {
    changes[consumer.id, default: Change()].hand(claim)
  }

  mutating func delay(until due: Int64) { self.due = min(self.due ?? due, due) }
}

extension Effects.Change {
  mutating func settle(_ count: Int, of claim: Place) {
    settledCount += count
    settled[claim, default: 0] += count
  }

  mutating func hand(_ claim: Store.Claim) {
    claims.append(claim)
    claimedCount += claim.deliveries.count
    claimedBytes += claim.bytes
  }
}
