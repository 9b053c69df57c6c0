extension HubConformance {
  /// What a log and its store promise beyond the common part. The defaults are the strongest promises.
  public struct Features: Sendable {
    /// The log is its own store, so a commit covers outputs to its hubs and queues, and the deletion of a hub what its
    /// groups know. Default true.
    public var isOwnStore: Bool
    /// Several processes, and several broker objects, work on the same hubs. Default true.
    public var isShared: Bool
    /// Events outlive the broker object that published them. Default true.
    public var isPersistent: Bool
    /// The log is reached over TCP at the URL's host and port, so that a proxy can stand between. Default true.
    public var isNetworked: Bool
    /// Sequence numbers count events one by one; otherwise they only grow. Default true.
    public var hasDenseSequence: Bool
    /// `bounds(of:)` counts the events of each partition. Default true.
    public var countsEvents: Bool
    /// `trim` removes at once what the retention does not ask for, by age, bytes and count; otherwise the broker removes
    /// by itself, when it likes. Default true.
    public var trims: Bool
    /// The retention of a hub that exists can be declared anew. Default true.
    public var changesRetention: Bool

    public init(
      isOwnStore: Bool = true, isShared: Bool = true, isPersistent: Bool = true, isNetworked: Bool = true,
      hasDenseSequence: Bool = true, countsEvents: Bool = true, trims: Bool = true, changesRetention: Bool = true
    ) {
      self.isOwnStore = isOwnStore
      self.isShared = isShared
      self.isPersistent = isPersistent
      self.isNetworked = isNetworked
      self.hasDenseSequence = hasDenseSequence
      self.countsEvents = countsEvents
      self.trims = trims
      self.changesRetention = changesRetention
    }
  }

  /// What must be there for a case, beside log and store.
  enum Need: Sendable, Hashable {
    /// Two broker objects on the same hubs.
    case sharing
    /// Events outlive their broker object.
    case persistence
    /// A proxy between.
    case proxy
    /// A log that is its own store.
    case ownStore
    /// `trim` does something.
    case trimming
    /// A retention that can change.
    case changedRetention
    /// A server to restart.
    case restart
  }
}
