import MartletCore

extension PartitionState {
  /// A commit holds no more outputs than these, unless one outcome has more,
  static let maxOutputs = 2000
  /// and no more bytes.
  static let maxBytes = 4 << 20
  /// So many commits that only move the position may be under way.
  static let maxFlights = 4

  /// The commit that should leave now, if any: one at a time, since a refused one frees its number; several where they
  /// hold nothing that could be refused. They must reach the store in the order of their numbers.
  /// - Parameter mayAnnounce: whether an event may be singled out that may kill the process.
  mutating func commitToSend(
    now: MonotonicTime, mayAnnounce: Bool = true
  ) -> (commit: PartitionCommit?, notes: [PartitionNote]) {
    guard flights.isEmpty || mayFollow(now: now), !isLost else { return (nil, []) }
    var notes = takeDropped()
    endSuspicion()
    withdraw()
    let announced = mayAnnounce ? announce(now: now, &notes) : nil
    let count = unitsDue(now: now)
    let mustTell = suspects.map(\.mustWrite) ?? (deaths > 0)
    guard count > 0 || announced != nil || mustTell || mustCommitStart || isBehind else { return (nil, notes) }
    let sent = Array(units.prefix(count))
    units.removeFirst(count)
    for number in sent.flatMap(\.entries) { entries[number].status = .done }
    var commit = PartitionCommit(
      partition: partition, epoch: epoch, number: lastCommit + UInt64(flights.count) + 1,
      position: entries.position(from: position, and: finishedBefore), outputs: outputs(of: sent),
      values: sent.reduce(into: [:]) { $0.merge($1.values) { $1 } })
    if let suspects, (commit.position?.sequenceNumber ?? -1) < suspects.through {
      commit.deaths = deaths
      commit.suspect = announced?.event ?? suspects.slot
    }
    let write = seen?.write(sent.flatMap(\.remembered).map { mark($0) }, now: plan.base.clock.wall())
    if let write { commit.values.merge(write.values) { $1 } }
    let batches = sent.count { $0.endsBatch }
    batchesEnded -= batches
    flights.append(
      PartitionFlight(
        commit: commit, units: sent, batches: batches, announces: commit.suspect == nil ? nil : announced?.number,
        seen: write))
    return (commit, notes)
  }

  private func outputs(of units: [PartitionUnit]) -> [OutgoingMessage] {
    // Mostly a single one has any, and shares them.
    if let first = units.first(where: { !$0.outputs.isEmpty }),
      units.count(where: { !$0.outputs.isEmpty }) == 1
    {
      return first.outputs
    }
    var outputs: [OutgoingMessage] = []
    outputs.reserveCapacity(units.reduce(0) { $0 + $1.outputs.count })
    for unit in units { outputs += unit.outputs }
    return outputs
  }

  /// Whether a commit may follow those under way before they are durable: all of them, and it, only move the position.
  private func mayFollow(now: MonotonicTime) -> Bool {
    guard flights.count < Self.maxFlights, suspects == nil, deaths == 0, flights.allSatisfy(\.movesPositionAlone)
    else { return false }
    let count = unitsDue(now: now)
    return count > 0 && units.prefix(count).allSatisfy(\.movesPositionAlone)
  }

  /// A commit under way is durable, and so are those before it, whose answers may come later.
  /// - Returns: how many events have their outcome with them.
  @discardableResult
  mutating func applied(through number: UInt64) -> Int {
    var events = 0
    while let flight = flights.first, flight.commit.number <= number {
      flights.removeFirst()
      applied(flight)
      events += flight.units.reduce(0) { $0 + $1.entries.count }
    }
    noteFinished(events)
    return events
  }

  private mutating func applied(_ flight: PartitionFlight) {
    lastCommit = flight.commit.number
    if let write = flight.seen { seen?.wrote(write) }
    position = flight.commit.position ?? position
    mustCommitStart = false
    deaths = flight.commit.deaths
    if deaths == 0 { suspects = nil }
    suspects?.applied(flight.commit.suspect, announcing: flight.announces)
    entries.removeAll(through: position.checkpoint)
    if values.isFull {
      values.trim(keeping: units, and: Set(runs.values.flatMap(\.entries).map { entries[$0].event.stateKey }))
    }
  }

  /// How many units the next commit takes.
  private func unitsDue(now: MonotonicTime) -> Int {
    guard let oldest = units.first else { return 0 }
    let everything = fitting(units.count)
    if isDraining || runsAlone { return everything }
    let frequency = plan.checkpointFrequency
    if frequency > 1, batchesEnded < frequency {
      // What is held is bounded, in size and in time.
      let isFull = everything < units.count || holdsTooMuch
      return isFull || now.nanoseconds(since: oldest.finished) >= plan.waitNanoseconds ? everything : 0
    }
    if plan.mergesCommits { return everything }
    var batches = 0
    for (index, unit) in units.enumerated() where unit.endsBatch {
      batches += 1
      if batches == frequency { return min(index + 1, everything) }
    }
    return everything
  }

  /// Whether nothing can go on before a commit makes room.
  private var holdsTooMuch: Bool {
    (runs.isEmpty && entries.count >= plan.capacity) || units.reduce(0) { $0 + $1.outputs.count } >= Self.maxOutputs
  }

  /// How many of the first units fit into one commit; one at least.
  private func fitting(_ most: Int) -> Int {
    var (outputs, bytes) = (0, 0)
    for index in 0..<most {
      outputs += units[index].outputs.count
      bytes += units[index].bytes
      if index > 0, outputs > Self.maxOutputs || bytes > Self.maxBytes { return index }
    }
    return most
  }

  /// Whether the checkpoint can pass events that another owner finished, and nothing else will move it.
  private var isBehind: Bool {
    guard units.isEmpty, runs.isEmpty, let first = entries.numbers.first else { return false }
    return entries[first].status == .done
  }

  // MARK: Suspects

  /// The search for the event that killed an owner is over when all that it can have had in hand is done.
  private mutating func endSuspicion() {
    guard let through = suspects?.through, position.sequenceNumber >= through else { return }
    if runs.isEmpty || !runsAlone { suspects = nil }
  }

  /// Whether owners died again before all was done that the first one had in hand: then events run one at a time, in the
  /// partition and in the process. One death alone is mostly nobody's fault, and costs no time.
  var runsAlone: Bool { suspects != nil && deaths > 1 }

  /// Whether an event that was singled out runs, or is about to.
  var isExposed: Bool {
    runsAlone && (!runs.isEmpty || suspects?.announced != nil || flights.contains { $0.announces != nil })
  }

  /// Whether an event can be singled out now.
  func wantsTurn(now: MonotonicTime) -> Bool { flights.isEmpty && nextSuspect(now: now) != nil }

  /// In a drain, takes the attempt back of an event that was singled out and has not begun to run.
  private mutating func withdraw() {
    if isDraining, suspects?.announced != nil { suspects?.takeBack() }
  }

  /// The next event that is to run alone, with its attempt. Those that have had too many are set aside.
  private mutating func announce(
    now: MonotonicTime, _ notes: inout [PartitionNote]
  ) -> (number: Int, event: SuspectEvent)? {
    while let number = nextSuspect(now: now) {
      let slot = suspects?.slot
      let offset = entries[number].event.offset
      if dropRepeat(number, lane: entries[number].lane, now: now) {
        lanes[entries[number].lane].remove(number)
        continue
      }
      let attempt = slot?.offset == offset ? (slot?.attempt ?? 0) + 1 : entries[number].failures + 1
      entries[number].failures = attempt - 1
      guard let decision = plan.refusal(ofSuspect: reference(number), of: partition.number) else {
        return (number, SuspectEvent(offset: offset, attempt: attempt))
      }
      let lane = entries[number].lane
      lanes[lane].remove(number)
      setAside(number, decision, run: 0, lane: lane, now: now, &notes)
    }
    return nil
  }

  /// The event to single out: the one that was, until it has its outcome; then one after another, in the order of their
  /// lanes.
  private func nextSuspect(now: MonotonicTime) -> Int? {
    guard runsAlone, let suspects, suspects.announced == nil, runs.isEmpty, !isDraining else { return nil }
    if let slot = suspects.slot, slot.offset > position.checkpoint ?? EventOffset(low: 0),
      !finishedBefore.contains(slot.offset)
    {
      if let number = entries.numbers.first(where: { entries[$0].event.offset == slot.offset }) {
        if entries[number].status == .waiting {
          if !lanes[entries[number].lane].isParked(at: now) { return number }
          // While it waits for its next attempt, others run: but what an owner may have died of is not forgotten for
          // what the next one dies of, or two such events could go on for ever.
          if slot.offset == suspects.found, slot.attempt < plan.maxAttempts ?? 0 { return nil }
        }
      } else if lastTaken.map({ $0 < slot.offset }) ?? true, entries.count < plan.capacity,
        (entries.numbers.last.map { entries[$0].event.sequenceNumber } ?? -1) < suspects.through
      {
        return nil  // It has not been read yet, and goes before the others.
      }
    }
    return lanes.lazy.filter { !$0.isParked(at: now) }.compactMap(\.waiting.first).min()
  }

  /// Runs the event that was announced, alone.
  mutating func takeSuspect(now: MonotonicTime) -> PartitionWork? {
    guard runs.isEmpty, let number = suspects?.announced else { return nil }
    suspects?.announced = nil
    guard entries.numbers.contains(number), entries[number].status == .waiting else { return nil }
    let lane = entries[number].lane
    lanes[lane].remove(number)
    lanes[lane].parkedUntil = nil
    return begin([number], lane: lane, now: now)
  }
}
