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

  public init() {}

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
  public mutating func append(settlements: some Sequence<Settlement>, outputs: some Sequence<OutgoingMessage>) {
    let (settled, sent) = (self.settlements.count, self.outputs.count)
    self.settlements.append(contentsOf: settlements)
    self.outputs.append(contentsOf: outputs)
    for index in sent..<self.outputs.count { note(self.outputs[index]) }
    entries.append(Entry(settlements: settled..<self.settlements.count, outputs: sent..<self.outputs.count))
  }

  /// Adds the commit of an invocation of one message.
  public mutating func append(settlement: Settlement, outputs: [OutgoingMessage]) {
    let (settled, sent) = (settlements.count, self.outputs.count)
    settlements.append(settlement)
    for index in outputs.indices {
      note(outputs[index])
      self.outputs.append(outputs[index])
    }
    entries.append(Entry(settlements: settled..<settlements.count, outputs: sent..<self.outputs.count))
  }

  @inline(__always)
  private mutating func note(_ output: borrowing OutgoingMessage) {
    outputBytes += output.body.count
    largestOutputBytes = max(largestOutputBytes, output.body.count)
    if !output.isPlain || output.address.kind == .hub { hasPlainOutputs = false }
  }

  /// The same commits without their outputs: those went to another commit domain first.
  public func withoutOutputs(where isElsewhere: (OutgoingMessage) -> Bool) -> CommitGroup {
    var rest = CommitGroup()
    for entry in entries {
      rest.append(
        settlements: settlements[entry.settlements], outputs: outputs[entry.outputs].filter { !isElsewhere($0) })
    }
    return rest
  }

  /// One entry as a group of its own: how a refused group is applied again, commit by commit.
  public func entry(at index: Int) -> CommitGroup {
    var one = CommitGroup()
    one.append(settlements: settlements[entries[index].settlements], outputs: outputs[entries[index].outputs])
    return one
  }

  /// Whether no invocation is in it.
  public var isEmpty: Bool { entries.isEmpty }
  /// Whether it has reached its cap.
  public var isFull: Bool { settlements.count + outputs.count >= Self.maxCount || outputBytes >= Self.maxBytes }
}
