import MartletCore

/// What a consumer is made with.
struct ConsumerSpecification: Sendable {
  /// Unique in the broker.
  let id: Int
  let subscription: QueueSubscription
  let handler: any DeliveryHandler
}

/// A consumer as the connection thread knows it.
final class Consumer {
  /// Bodies beyond this many bytes are not fetched while others are unsettled, whatever the prefetch.
  static let maxOutstandingBytes = 64 << 20

  let id: Int
  let queue: QueueDeclaration
  let function: String
  let handler: any DeliveryHandler
  var prefetch: Int
  /// Is handed nothing more.
  var isClosing = false
  /// The life of its receipts; one more with each lost lease.
  private(set) var generation: UInt32 = 1
  /// Its rows in the store; nil until it is registered.
  private(set) var registration: Registration?
  /// What it has been handed and has not settled, by the first place of each claim.
  private(set) var claims: [Place: Holding] = [:]
  private(set) var outstanding = 0
  private(set) var outstandingBytes = 0
  /// Why it cannot read for now.
  private(set) var problem: BrokerError?
  /// Answers `consume`, once.
  var reply: Reply<Void>?

  struct Registration {
    /// Its row: the fence.
    let row: Int64
    let queue: Int64
  }

  struct Holding {
    var remaining: Int
    let bytes: Int
  }

  init(_ specification: ConsumerSpecification, reply: @escaping Reply<Void>) {
    id = specification.id
    queue = specification.subscription.queue
    function = specification.subscription.function
    handler = specification.handler
    prefetch = specification.subscription.prefetch
    self.reply = reply
  }

  /// It has its rows and may be handed messages.
  func register(_ registration: Registration) {
    self.registration = registration
    answer(problem: nil)
  }

  /// The first attempt has an answer; later ones go to the handler alone.
  func answer(problem new: BrokerError?) {
    if problem != nil || new != nil, problem?.message != new?.message { handler.report(problem: new) }
    problem = new
    reply?(.success(()))
    reply = nil
  }

  func hold(_ claim: Store.Claim) {
    claims[claim.first] = Holding(remaining: claim.deliveries.count, bytes: claim.bytes)
    outstanding += claim.deliveries.count
    outstandingBytes += claim.bytes
  }

  func settle(_ count: Int, of claim: Place) {
    guard var holding = claims[claim] else { return }
    holding.remaining -= count
    outstanding -= count
    claims[claim] = holding.remaining > 0 ? holding : nil
    if holding.remaining <= 0 { outstandingBytes -= holding.bytes }
  }

  /// Its lease is over, or its queue was deleted: what it held comes back to somebody.
  func revoke() {
    registration = nil
    claims = [:]
    (outstanding, outstandingBytes) = (0, 0)
    generation += 1
    handler.revoke(generationsBefore: generation)
  }
}
