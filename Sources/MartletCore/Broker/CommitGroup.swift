/// The commits of several invocations, applied together: one round trip, one fsync.
///
/// Flat arrays, because a group of a hundred invocations must not cost two hundred allocations. Entry `i` owns the
/// settlements and outputs between the ends of entry `i - 1` and its own.
public struct CommitGroup: Sendable {
  /// One invocation's commit.
  public struct Entry: Sendable {
    /// Its places among the settlements of the group.
    public let settlements: Range<Int>
    /// Its places among the outputs of the group.
    public let outputs: Range<Int>
  }

  /// A group is closed at this many settlements and outputs,
  public static let maxCount = 500
  /// or at this many bytes of output, whichever comes first. One invocation's commit is never split.
  public static let maxBytes = 1 << 20

  /// What becomes of the inputs, entry by entry.
  public private(set) var settlements: [Settlement] = []
  /// What is sent, entry by entry.
  public private(set) var outputs: [OutgoingMessage] = []
  /// One per invocation, in the order of the calls of `append`.
  public private(set) var entries: [Entry] = []
  /// The bytes of the outputs' bodies.
  public private(set) var outputBytes = 0
  /// The bytes of the largest of them.
  public private(set) var largestOutputBytes = 0
  /// Whether every output is body, id and content type alone, and none goes to a hub: brokers then need not look at
  /// them one by one.
  public private(set) var hasPlainOutputs = true
  /// Whether every settlement completes its message.
  public private(set) var onlyCompletes = true
  /// What is remembered of the settled messages, so that repeats of them are refused; nil where repeats are not dropped.
  public private(set) var deduplication: Deduplication?

  /// - Parameter window: for how long the ids that are appended with settlements are remembered; nil remembers none.
  public init(deduplicate window: Duration? = nil) { deduplication = window.map { Deduplication(window: $0) } }

  /// Messages that are published without inputs, each one by itself.
  public init(publishing messages: [OutgoingMessage]) {
    outputs = messages
    entries.reserveCapacity(messages.count)
    for index in messages.indices {
      entries.append(Entry(settlements: 0..<0, outputs: index..<index + 1))
      outputBytes += messages[index].body.count
    }
  }

  /// Adds one invocation's commit.
  /// - Parameters:
  ///   - settlements: what becomes of its inputs.
  ///   - outputs: what it sends.
  ///   - ids: for each settlement the message's id that is remembered, or nothing; used with `deduplication` alone.
  public mutating func append(
    settlements: some Sequence<Settlement>, outputs: some Sequence<OutgoingMessage>, remembering ids: [String] = []
  ) {
    let (settled, sent) = (self.settlements.count, self.outputs.count)
    for settlement in settlements {
      note(settlement)
      self.settlements.append(settlement)
    }
    deduplication?.append(ids, count: self.settlements.count)
    self.outputs.append(contentsOf: outputs)
    for index in sent..<self.outputs.count { note(self.outputs[index]) }
    entries.append(Entry(settlements: settled..<self.settlements.count, outputs: sent..<self.outputs.count))
  }

  /// Adds the commit of an invocation of one message.
  /// - Parameters:
  ///   - settlement: what becomes of it.
  ///   - outputs: what is sent.
  ///   - id: the message's id where it is remembered; used with `deduplication` alone.
  public mutating func append(settlement: Settlement, outputs: [OutgoingMessage], remembering id: String = "") {
    let (settled, sent) = (settlements.count, self.outputs.count)
    note(settlement)
    settlements.append(settlement)
    deduplication?.append([id], count: settlements.count)
    for index in outputs.indices {
      note(outputs[index])
      self.outputs.append(outputs[index])
    }
    entries.append(Entry(settlements: settled..<settlements.count, outputs: sent..<self.outputs.count))
  }

  /// Adds the commit of an invocation of one message that sends one.
  /// - Parameters:
  ///   - settlement: what becomes of it.
  ///   - output: what is sent.
  ///   - id: the message's id where it is remembered; used with `deduplication` alone.
  public mutating func append(settlement: Settlement, output: consuming OutgoingMessage, remembering id: String = "") {
    let (settled, sent) = (settlements.count, outputs.count)
    note(settlement)
    settlements.append(settlement)
    deduplication?.append([id], count: settlements.count)
    note(output)
    outputs.append(output)
    entries.append(Entry(settlements: settled..<settled + 1, outputs: sent..<sent + 1))
  }

  @inline(__always)
  private mutating func note(_ settlement: borrowing Settlement) {
    switch settlement {
    case .complete: break
    case .retry, .deadLetter, .release: onlyCompletes = false
    }
  }

  @inline(__always)
  private mutating func note(_ output: borrowing OutgoingMessage) {
    outputBytes += output.body.count
    largestOutputBytes = max(largestOutputBytes, output.body.count)
    if !output.isPlain || output.address.kind == .hub { hasPlainOutputs = false }
  }

  /// The same commits without their outputs: those went to another commit domain first.
  public func withoutOutputs(where isElsewhere: (OutgoingMessage) -> Bool) -> CommitGroup {
    filtered(entries: entries.indices) { !isElsewhere($0) }
  }

  /// One entry as a group of its own: how a refused group is applied again, commit by commit.
  public func entry(at index: Int) -> CommitGroup { filtered(entries: [index]) }

  /// Some of the entries, in their order.
  /// - Parameters:
  ///   - kept: their indices.
  ///   - isKept: whether an output of theirs goes along. Default: all do.
  public func filtered(
    entries kept: some Sequence<Int>, outputs isKept: (OutgoingMessage) -> Bool = { _ in true }
  ) -> CommitGroup {
    var rest = CommitGroup(deduplicate: deduplication?.window)
    for index in kept {
      let entry = entries[index]
      rest.append(
        settlements: settlements[entry.settlements], outputs: outputs[entry.outputs].filter(isKept),
        remembering: rememberedIDs(ofEntry: index))
    }
    return rest
  }

  /// The ids that an entry remembers, one for each of its settlements, empty where nothing is; empty without
  /// `deduplication`.
  public func rememberedIDs(ofEntry index: Int) -> [String] {
    deduplication.map { Array($0.ids[entries[index].settlements]) } ?? []
  }

  /// Whether no invocation is in it.
  public var isEmpty: Bool { entries.isEmpty }
  /// Whether it has reached its cap.
  public var isFull: Bool { settlements.count + outputs.count >= Self.maxCount || outputBytes >= Self.maxBytes }
}
