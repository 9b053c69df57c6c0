extension BrokerConformance {
  /// What a broker promises beyond the common part. The defaults are the strongest promises.
  public struct Features: Sendable {
    /// A commit is applied as a whole or not at all, so an effect between queues happens once. Default true.
    public var hasAtomicCommit: Bool
    /// Several processes, and several `Broker` objects, work on the same queues. Default true.
    public var isShared: Bool
    /// Messages outlive the `Broker` object that published them. Default true.
    public var isPersistent: Bool
    /// It is reached over TCP at the URL's host and port, so that a proxy can stand between. Default true.
    public var isNetworked: Bool
    /// `counts(of:)` knows the delayed messages of each queue. Default true.
    public var countsDelayed: Bool
    /// A message whose time to live ends before anybody receives it goes to the dead letters by itself. Otherwise a
    /// reader is handed it, and sets it aside. Default true.
    public var expiresUnread: Bool
    /// The same for a message that was delayed first. Default true.
    public var expiresUnreadDelayed: Bool
    /// It remembers ids of messages in its commits, and refuses repeats: it is a store too. Default true.
    public var remembersIDs: Bool
    /// How late half of the delayed messages may come, in the best of a few rounds. Default 500 ms.
    public var delayPrecision: Duration

    public init(
      hasAtomicCommit: Bool = true, isShared: Bool = true, isPersistent: Bool = true, isNetworked: Bool = true,
      countsDelayed: Bool = true, expiresUnread: Bool = true, expiresUnreadDelayed: Bool = true,
      remembersIDs: Bool = true, delayPrecision: Duration = .milliseconds(500)
    ) {
      self.hasAtomicCommit = hasAtomicCommit
      self.isShared = isShared
      self.isPersistent = isPersistent
      self.isNetworked = isNetworked
      self.countsDelayed = countsDelayed
      self.expiresUnread = expiresUnread
      self.expiresUnreadDelayed = expiresUnreadDelayed
      self.remembersIDs = remembersIDs
      self.delayPrecision = delayPrecision
    }
  }

  /// What must be there for a case, beside the broker.
  enum Need: Sendable, Hashable {
    /// Two `Broker` objects on the same queues.
    case sharing
    /// Messages outlive their `Broker` object.
    case persistence
    /// The broker remembers ids.
    case memory
    /// A proxy between.
    case proxy
    /// A process to kill.
    case worker
    /// A server to restart.
    case restart
  }
}
