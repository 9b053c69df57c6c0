import MartletCore

/// What the owner of a partition knows of it: which events wait, run and have their outcome, and what is to be
/// committed. A state machine without I/O; `OwnedPartition` does what it answers.
struct PartitionState: Sendable {
  let plan: HubPlan
  let partition: GroupPartition
  let epoch: UInt64
  var entries = PartitionEntries()
  var lanes: [Lane]
  var runs: [Int: PartitionRun] = [:]
  private var nextRun = 0
  /// Where the next search for a lane with work begins, so that none starves.
  private var nextLane = 0
  /// Outcomes that wait to be committed, in the order in which they came.
  var units: [PartitionUnit] = []
  /// Events without outputs join units from this one on.
  var firstToJoin = 0
  /// Those in the commits under way, oldest first: several only where each moves nothing but the position.
  var flights: [PartitionFlight] = []
  /// How many batches have ended since the last commit.
  var batchesEnded = 0
  var values: KeyedValues
  /// nil where repeats are not dropped.
  var seen: SeenEvents?
  /// What was dropped since it was said last.
  private var dropped: [PartitionNote] = []
  /// As it was committed last, or found.
  var position: PartitionPosition
  /// Whether the position must be written though nothing has run: another owner would not find it again.
  var mustCommitStart: Bool
  /// The number of the last commit.
  var lastCommit: UInt64
  /// Set while events are not done that an owner may have died of.
  var suspects: Suspects?
  /// What was committed last.
  var deaths: Int
  /// Events that another owner finished above the checkpoint, and that were not read again yet.
  private(set) var finishedBefore: Set<EventOffset>
  private(set) var lastTaken: EventOffset?
  private(set) var tail: PartitionTail?
  private var granted = 0
  /// How many events may wait: more for a quick function, which then does not wait for the broker.
  private var pace: PrefetchPace
  /// Events that have their outcome.
  private var finished: UInt64 = 0
  /// How long the first batch waits at most.
  private var firstWait: UInt64?
  /// Stopped: what runs may finish, nothing else begins.
  private(set) var isDraining = false
  /// Somebody else owns it: nothing of it counts any more.
  private(set) var isLost = false
  /// Runs that were given up and have not returned.
  var abandonedRuns: Set<Int> = []

  /// - Parameters:
  ///   - record: the store's, as the claim answered it.
  ///   - start: where to begin where the record has no position.
  ///   - seen: what earlier owners remembered; nil where repeats are not dropped.
  init(
    plan: HubPlan, partition: GroupPartition, record: PartitionRecord, start: PartitionPosition, firstWait: UInt64,
    seen: SeenEvents? = nil
  ) {
    self.plan = plan
    self.seen = seen
    values = KeyedValues(most: plan.mostValues)
    self.partition = partition
    self.firstWait = firstWait
    pace = PrefetchPace(base: plan.prefetch, isFixed: plan.mostPrefetch == plan.prefetch, most: plan.mostPrefetch)
    epoch = record.epoch
    lanes = Array(repeating: Lane(), count: plan.lanes)
    position = record.position ?? start
    mustCommitStart = record.position == nil && plan.initialOffset != .fromStart
    lastCommit = record.lastCommit
    deaths = record.deaths
    finishedBefore = Set(position.finished)
    lastTaken = position.checkpoint
    if record.deaths > 0 {
      suspects = Suspects(through: position.sequenceNumber + Int64(plan.capacity), slot: record.suspect)
    }
  }

  // MARK: Intake

  /// Takes in what the reader delivers.
  mutating func receive(_ events: [Event], tail: PartitionTail?, now: MonotonicTime) {
    granted = max(0, granted - events.count)
    if let tail {
      self.tail = tail
      suspects?.limit(to: tail.sequenceNumber)
    }
    guard !isDraining, !isLost else { return }
    for index in events.indices {
      let event = EventReference(events, at: index)
      // A reader that began again may repeat.
      if let lastTaken, event.offset <= lastTaken { continue }
      lastTaken = event.offset
      let isDone = !finishedBefore.isEmpty && finishedBefore.remove(event.offset) != nil
      let lane = lane(of: event)
      let number = entries.append(.init(event: event, lane: lane, status: isDone ? .done : .waiting))
      if !isDone { lanes[lane].append(number, now: now) }
    }
    if let lastTaken, !finishedBefore.isEmpty { finishedBefore = finishedBefore.filter { $0 > lastTaken } }
    if let last = entries.numbers.last.map({ entries[$0].event }),
      self.tail.map({ $0.sequenceNumber < last.sequenceNumber }) ?? true
    {
      self.tail = PartitionTail(last)
    }
  }

  /// Learns where the partition ended when it was taken over: no owner that died had more. A log that could not tell says
  /// that it is empty, or ends before what is committed.
  mutating func limitSuspicion(to end: PartitionPosition) {
    guard end.checkpoint != nil, end.sequenceNumber >= position.sequenceNumber else { return }
    suspects?.limit(to: end.sequenceNumber)
  }

  /// The last place that the reader has delivered: where another one goes on.
  var readPosition: PartitionPosition {
    guard let last = entries.numbers.last.map({ entries[$0].event }) else { return position }
    return PartitionPosition(
      checkpoint: last.offset, sequenceNumber: last.sequenceNumber, eventID: last.value.message.id,
      enqueuedAt: last.value.message.enqueuedAt)
  }

  /// The last place that the reader has delivered, with what is known to be done behind it.
  var unreadPosition: PartitionPosition {
    var position = readPosition
    position.finished = finishedBefore.sorted()
    return position
  }

  /// A new reader begins: it was granted nothing.
  mutating func beginReading() { granted = 0 }

  /// How many events more the reader may deliver now. Small grants are saved up: each costs the broker a look.
  mutating func grant(now: MonotonicTime) -> Int {
    guard !isDraining, !isLost else { return 0 }
    let waiting = lanes.reduce(0) { $0 + ($1.isParked(at: now) ? 0 : $1.waiting.count) }
    // The event that was singled out may lie behind others that wait for it.
    if suspects == nil { _ = pace.next(finished: finished, now: now) }
    let prefetch = runsAlone ? plan.capacity : pace.current
    let room = min(prefetch - waiting, plan.capacity + pace.current - plan.prefetch - entries.count) - granted
    // While a whole batch waits that can run, half of the prefetch is worth a look. In lanes it may not be of one lane.
    let canWait = plan.lanes == 1 && !runsAlone && waiting >= plan.most
    let least = granted > 0 ? prefetch / 4 : canWait ? prefetch / 2 : 1
    guard room > 0, room >= least else { return 0 }
    granted += room
    return room
  }

  /// The lane of an event. The hash is not that of partitions: keys of one partition agree in that.
  private func lane(of event: EventReference) -> Int {
    guard plan.lanes > 1 else { return 0 }
    // Repeats have to come behind what they repeat.
    let name = seen == nil ? event.key : event.key ?? event.value.message.id
    guard let key = plan.binding.isStateful ? event.key ?? "" : name else {
      return Int(event.sequenceNumber.magnitude % UInt64(plan.lanes))
    }
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a, 64 bits
    for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return Int((hash ^ hash >> 32) % UInt64(plan.lanes))
  }

  // MARK: Runs

  /// The next batch to run, if any can.
  mutating func take(now: MonotonicTime) -> PartitionWork? {
    guard !isDraining, !isLost else { return nil }
    if runsAlone { return takeSuspect(now: now) }
    if mustGather { return nil }
    while !isFull, let lane = readyLane(now: now) ?? fullLane(now: now) {
      nextLane = (lane + 1) % lanes.count
      firstWait = nil
      let numbers = dropRepeats(lanes[lane].take(most: plan.most, now: now), lane: lane, now: now)
      if !numbers.isEmpty { return begin(numbers, lane: lane, now: now) }
    }
    return nil
  }

  /// Whether `take` would find something.
  func hasWork(now: MonotonicTime) -> Bool {
    guard !isDraining, !isLost else { return false }
    if runsAlone { return runs.isEmpty && suspects?.announced != nil }
    return !mustGather && (readyLane(now: now) ?? fullLane(now: now)) != nil
  }

  // MARK: Repeats

  func mark(_ number: Int) -> SeenEvents.Mark {
    SeenEvents.Mark(id: entries[number].event.value.message.id, offset: entries[number].event.offset)
  }

  /// Takes the repeats out of a batch: they are done. What repeats an event of the batch itself waits for the next one.
  private mutating func dropRepeats(_ numbers: [Int], lane: Int, now: MonotonicTime) -> [Int] {
    guard seen != nil else { return numbers }
    var kept: [Int] = []
    var ids: Set<String> = []
    for (index, number) in numbers.enumerated() where !dropRepeat(number, lane: lane, now: now) {
      guard ids.insert(mark(number).id).inserted else {
        lanes[lane].putBack(Array(numbers[index...]))
        break
      }
      kept.append(number)
    }
    return kept
  }

  /// Whether an event is a repeat; then it is done.
  mutating func dropRepeat(_ number: Int, lane: Int, now: MonotonicTime) -> Bool {
    guard seen?.isRepeat(mark(number), now: plan.base.clock.wall()) == true else { return false }
    dropped.append(
      PartitionNote(
        kind: .repeated, event: reference(number), text: "repeats an event that succeeded, and is dropped"))
    succeed([number], [], [:], run: 0, lane: lane, now: now)
    return true
  }

  /// What is to be said of events that were dropped.
  mutating func takeDropped() -> [PartitionNote] {
    defer { dropped = [] }
    return dropped
  }

  /// Whether a batch would only wait to be committed: then it is filled meanwhile. Else small batches, each with a commit
  /// of its own, would stay small for ever where commits are slow.
  private var mustGather: Bool {
    if isFull { return true }
    guard !plan.mergesCommits, !flights.isEmpty, flights.count > 1 || !units.isEmpty else { return false }
    return lanes.allSatisfy { $0.waiting.count < plan.most }
  }

  /// Whether as many events as `capacity` allows are above the checkpoint without waiting: others that were read ahead,
  /// perhaps at a better pace than now, wait for a commit.
  private var isFull: Bool {
    guard plan.mostPrefetch > plan.prefetch, entries.count > plan.capacity, let lane = lanes.first,
      !runs.isEmpty || !units.isEmpty || !flights.isEmpty
    else { return false }
    return entries.count - lane.waiting.count + plan.most > plan.capacity
  }

  /// So many events more have their outcome.
  mutating func noteFinished(_ count: Int) { finished += UInt64(count) }

  private func readyLane(now: MonotonicTime) -> Int? {
    for step in lanes.indices {
      let lane = (nextLane + step) % lanes.count
      if lanes[lane].isReady(least: plan.least, wait: firstWait ?? plan.waitNanoseconds, now: now) { return lane }
    }
    return nil
  }

  /// Where all lanes wait for more and there is no room for more, the one that has most.
  private func fullLane(now: MonotonicTime) -> Int? {
    let waiting = lanes.reduce(0) { $0 + ($1.isParked(at: now) ? 0 : $1.waiting.count) }
    guard runs.isEmpty, waiting > 0, waiting >= plan.prefetch || entries.count >= plan.capacity else { return nil }
    return lanes.indices.filter { lanes[$0].isReady(least: 1, wait: 0, now: now) }.max {
      lanes[$0].waiting.count < lanes[$1].waiting.count
    }
  }

  mutating func begin(_ numbers: [Int], lane: Int, now: MonotonicTime) -> PartitionWork {
    nextRun += 1
    for number in numbers { entries[number].status = .running }
    lanes[lane].run = nextRun
    // Where keyed state is read before it, the function begins later: see `beginNext`.
    let deadline = plan.binding.isStateful ? nil : deadline(now)
    runs[nextRun] = PartitionRun(entries: numbers, lane: lane, deadline: deadline)
    return PartitionWork(run: nextRun, events: numbers.map { reference($0) }, deadline: deadline)
  }

  /// The event as a run sees it, with the number of the attempt.
  func reference(_ number: Int) -> EventReference {
    var event = entries[number].event
    event.attempt = entries[number].failures + 1
    return event
  }

  private func deadline(_ now: MonotonicTime) -> MonotonicTime? {
    plan.base.timeoutNanoseconds.map { MonotonicTime(nanoseconds: now.nanoseconds &+ $0) }
  }

  /// The next invocation of a run begins, with a deadline of its own. False where it must not: the run ends there.
  mutating func beginNext(of run: Int, now: MonotonicTime) -> (mayBegin: Bool, deadline: MonotonicTime?) {
    guard !isDraining, let active = runs[run], !active.isVoid, active.graceEnd == nil else { return (false, nil) }
    let deadline = deadline(now)
    runs[run]?.deadline = deadline
    return (true, deadline)
  }

  // MARK: Stop

  /// Begins nothing more; what runs may finish.
  mutating func drain() {
    isDraining = true
    for lane in lanes.indices { lanes[lane].removeAll() }
  }

  /// Somebody else has it.
  mutating func lose() {
    drain()
    isLost = true
    units = []
    flights = []
  }

  /// Whether a drain has come to its end.
  var hasDrained: Bool {
    isLost
      || (isDraining && runs.isEmpty && units.isEmpty && flights.isEmpty && suspects?.announced == nil
        && suspects?.mustWrite != true)
  }

  /// What an invocation is told about the partition, given its last event.
  func context(through last: EventReference) -> PartitionContext {
    let known = tail.flatMap { $0.sequenceNumber < last.sequenceNumber ? nil : $0 } ?? PartitionTail(last)
    return PartitionContext(
      hub: partition.group.hub, group: partition.group.name, number: partition.number, epoch: epoch,
      lastEnqueuedSequenceNumber: known.sequenceNumber, lastEnqueuedOffset: known.offset,
      lastEnqueuedAt: known.enqueuedAt, lag: known.sequenceNumber - last.sequenceNumber)
  }
}

extension PartitionTail {
  /// A partition that ends with an event.
  fileprivate init(_ event: EventReference) {
    self.init(
      sequenceNumber: event.sequenceNumber, offset: event.offset, enqueuedAt: event.value.message.enqueuedAt)
  }
}
