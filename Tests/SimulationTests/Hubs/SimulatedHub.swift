import MartletCore

@testable import MartletRuntime

/// The hub and the store as all processes share them: a model of the rules that every broker follows, which checks each
/// commit as it applies it.
struct SimulatedHub {
  let scenario: HubScenario
  /// The events of each partition.
  private(set) var logs: [[Event]]
  private(set) var records: [PartitionRecord]
  private(set) var values: [Int: [String: Bytes]] = [:]
  /// When each member was heard of last.
  private(set) var heard: [String: UInt64] = [:]
  private(set) var violations: [String] = []
  /// What became of each event, by its id.
  private(set) var outcomes: [String: String] = [:]
  /// How often each output left for the other broker.
  private(set) var published: [String: Int] = [:]
  /// Runs that came to a good end, whether or not they counted.
  var succeeded: Set<Success> = []

  static let refusal = BrokerError(.tooLarge, "too large", isRetriable: false)

  init(_ scenario: HubScenario) {
    self.scenario = scenario
    logs = Array(repeating: [], count: scenario.partitions)
    records = (0..<scenario.partitions).map { PartitionRecord(partition: $0) }
    var place = 0
    for number in scenario.scripts.indices {
      append(number, at: &place)
      if let again = scenario.repeats.isEmpty ? nil : scenario.repeats[number] { append(again, at: &place) }
    }
  }

  private mutating func append(_ number: Int, at place: inout Int) {
    let partition = scenario.partition(of: number)
    let message = Message(body: Bytes(scenario.scripts[number]), id: "e\(number)", key: scenario.key(of: number))
    // Offsets with gaps, as RabbitMQ and Redis have them.
    let offset = EventOffset(low: UInt64(place * 3 + 1))
    place += 1
    logs[partition].append(
      Event(message: message, offset: offset, sequenceNumber: Int64(logs[partition].count)))
  }

  mutating func violation(_ text: String) { violations.append(text) }

  var isDone: Bool {
    zip(records, logs).allSatisfy { record, log in
      log.isEmpty || record.position?.sequenceNumber == log.last?.sequenceNumber
    }
  }

  func tail(of partition: Int) -> PartitionTail {
    PartitionTail(sequenceNumber: Int64(logs[partition].count) - 1, offset: logs[partition].last?.offset)
  }

  // MARK: Ownership

  mutating func attend(_ member: String, now: UInt64) -> [GroupMember] {
    heard[member] = now
    return heard.sorted { $0.key < $1.key }.map {
      GroupMember(id: $0.key, silence: .nanoseconds(Int64(now - $0.value)))
    }
  }

  mutating func leave(_ member: String) { heard[member] = nil }

  mutating func claim(_ partition: Int, as member: String, expecting epoch: UInt64, afterDeath: Bool)
    -> PartitionRecord?
  {
    guard records[partition].epoch == epoch else { return nil }
    records[partition].epoch += 1
    records[partition].owner = member
    records[partition].lastCommit = 0
    if afterDeath { records[partition].deaths += 1 }
    return records[partition]
  }

  mutating func release(_ partition: Int, epoch: UInt64) {
    if records[partition].epoch == epoch { records[partition].owner = nil }
  }

  // MARK: Commits

  mutating func apply(_ commit: PartitionCommit) -> CommitResult {
    let number = commit.partition.number
    let record = records[number]
    guard record.epoch == commit.epoch, record.owner != nil else { return .ownershipLost }
    if commit.number <= record.lastCommit { return .applied }
    if commit.number != record.lastCommit + 1 {
      violation("commit \(commit.number) follows \(record.lastCommit)")
      return .ownershipLost
    }
    let refused = commit.outputs.indices.filter { Self.isRefused(commit.outputs[$0]) }
    if !refused.isEmpty {
      return .refused(Dictionary(uniqueKeysWithValues: refused.map { ($0, Self.refusal) }))
    }
    check(commit, after: record)
    records[number].lastCommit = commit.number
    records[number].position = commit.position ?? record.position
    records[number].deaths = commit.deaths
    records[number].suspect = commit.suspect
    for (key, value) in commit.values { values[number, default: [:]][key] = value }
    return .applied
  }

  mutating func publish(_ messages: [OutgoingMessage]) -> CommitResult {
    var refused: [Int: BrokerError] = [:]
    for (index, message) in messages.enumerated() {
      if Self.isRefused(message) { refused[index] = Self.refusal } else { published[message.id, default: 0] += 1 }
    }
    return refused.isEmpty ? .applied : .refused(refused)
  }

  static func isRefused(_ output: OutgoingMessage) -> Bool { output.body.string == "refuse" }

  /// Every event that a commit passes has its outcome in it, and in the order of its key.
  private mutating func check(_ commit: PartitionCommit, after record: PartitionRecord) {
    let log = logs[commit.partition.number]
    guard let position = commit.position else { return }
    func done(_ position: PartitionPosition?) -> Set<EventOffset> {
      guard let position else { return [] }
      let finished = Set(position.finished)
      return Set(
        log.filter { $0.sequenceNumber <= position.sequenceNumber || finished.contains($0.offset) }.map(\.offset))
    }
    let before = done(record.position)
    let after = done(position)
    if !before.isSubset(of: after) { violation("a checkpoint went back, over \(before.subtracting(after))") }
    var given: [String: [String]] = [:]
    for output in commit.outputs {
      let id = String(output.id.prefix { $0 != "/" })
      given[id, default: []].append(output.address.kind == .deadLetters ? "dead" : "success")
    }
    for event in log where after.contains(event.offset) && !before.contains(event.offset) {
      let id = event.message.id
      let outcome = given[id]?.isEmpty ?? true ? nil : given[id]?.removeFirst()
      // A repeat needs no outcome of its own, and no place in the order.
      if outcome == nil, !scenario.repeats.isEmpty, outcomes[id] == "success" { continue }
      pass(id, outcome, commit.epoch)
      let earlier = log.filter { $0.message.key == event.message.key && $0.offset < event.offset }
      if let missed = earlier.first(where: { !after.contains($0.offset) }) {
        violation("\(id) was done before \(missed.message.id), which has its key")
      }
    }
    for (id, outcomes) in given where !outcomes.isEmpty {
      violation("\(id) has the outcomes \(outcomes) and was not passed")
    }
  }

  /// A commit passes an event, with its outcome if it has outputs.
  private mutating func pass(_ id: String, _ given: String?, _ epoch: UInt64) {
    let isElsewhere = scenario.crossesBrokers && published["\(id)/out"] != nil
    // What a former owner has run does not count: it may have been fenced.
    let isDone = scenario.isSilent(id) && succeeded.contains(Success(event: id, epoch: epoch))
    let outcome = given ?? (isElsewhere || isDone ? "success" : "none")
    if outcome == "none", scenario.options.events.onFailure != .skip {
      violation("\(id) was passed without an outcome")
    }
    if let other = outcomes[id], scenario.repeats.isEmpty || other == "success" {
      violation("\(id) has a second outcome: \(outcome) after \(other)")
    }
    outcomes[id] = outcome
  }
}

/// That an event was run to a good end by the owner of that epoch.
struct Success: Hashable {
  let event: String
  let epoch: UInt64?
}
