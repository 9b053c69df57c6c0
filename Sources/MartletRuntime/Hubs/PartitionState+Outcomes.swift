import MartletCore

extension PartitionState {
  /// What a worker does when its outcome was taken.
  enum Next: Sendable {
    /// The next event of its run, if it runs them one by one.
    case proceed
    /// Nothing of the run is left for it.
    case end
  }

  /// The longest wait for what no policy knows: a dead letter that is refused.
  static let refusedWait = Duration.seconds(10)

  // MARK: How runs end

  /// Takes the outcome of a run's first `count` events, in the run's order; its last ones were not run.
  mutating func settle(
    _ run: Int, count: Int, _ verdict: EventVerdict, now: MonotonicTime
  ) -> (next: Next, notes: [PartitionNote]) {
    guard let active = runs[run] else {
      abandonedRuns.remove(run)
      return (.end, [])
    }
    if isLost || active.isVoid {
      close(run, putBack: !isLost)
      return (.end, [])
    }
    let settled = Array(active.entries.prefix(count))
    runs[run]?.entries.removeFirst(settled.count)
    var notes: [PartitionNote] = []
    let isLate = active.graceEnd != nil
    let verdict = isLate ? EventVerdict(undecodable: verdict.undecodable, body: .failed(timeout)) : verdict
    let mustStop = apply(verdict, to: settled, run: run, lane: active.lane, now: now, &notes)
    let isOver = mustStop || isLate || isDraining || (runs[run]?.entries.isEmpty ?? true)
    if isOver { close(run, putBack: true) }
    return (isOver ? .end : .proceed, notes)
  }

  /// A run that did not begin, or was told to stop in a drain: as if it had never been taken.
  mutating func release(_ run: Int, retryAfter wait: Duration = .zero, now: MonotonicTime) {
    guard let active = runs[run] else {
      abandonedRuns.remove(run)
      return
    }
    if wait > .zero { lanes[active.lane].park(until: now + wait) }
    close(run, putBack: true)
  }

  private var timeout: FunctionTimeout { FunctionTimeout(limit: plan.base.functionTimeout ?? .zero) }

  /// Ends a run; what it has not run waits again.
  private mutating func close(_ run: Int, putBack: Bool) {
    guard let active = runs.removeValue(forKey: run) else { return }
    lanes[active.lane].run = nil
    // What has no outcome has not had its attempt.
    if let slot = suspects?.slot, active.entries.contains(where: { entries[$0].event.offset == slot.offset }) {
      suspects?.takeBack()
    }
    if putBack { self.putBack(active.entries, lane: active.lane) }
    guard active.hasOutcome else { return }
    if let last = units.lastIndex(where: { $0.lane == active.lane }), !units[last].endsBatch {
      units[last].endsBatch = true
      batchesEnded += 1
    }
  }

  mutating func putBack(_ numbers: [Int], lane: Int) {
    for number in numbers { entries[number].status = .waiting }
    if !isDraining { lanes[lane].putBack(numbers) }
  }

  // MARK: What becomes of events

  /// - Returns: whether the lane waits for an event to be tried again.
  private mutating func apply(
    _ verdict: EventVerdict, to numbers: [Int], run: Int, lane: Int, now: MonotonicTime, _ notes: inout [PartitionNote]
  ) -> Bool {
    var undecodable: [Int: Undecodable] = [:]
    for undecoded in verdict.undecodable {
      guard let number = numbers.first(where: { entries[$0].event.offset == undecoded.offset }) else { continue }
      undecodable[number] = Undecodable(underlying: undecoded.error)
    }
    let accepted = numbers.filter { undecodable[$0] == nil }
    switch verdict.body {
    case .failed(let error) where !accepted.isEmpty:
      return failTogether(numbers, error, undecodable, run: run, lane: lane, now: now, &notes)
    case .failed: return applyEach([], to: numbers, undecodable, run: run, lane: lane, now: now, &notes)
    case .each(let results):
      let first = units.count
      firstToJoin = verdict.values.isEmpty ? 0 : first
      defer { firstToJoin = 0 }
      let mustRetry = applyEach(results, to: numbers, undecodable, run: run, lane: lane, now: now, &notes)
      // Values belong to all events that succeeded: one unit with all that happened before and between.
      if !verdict.values.isEmpty { join(from: first, verdict.values, now: now) }
      return mustRetry
    case .together(let outputs):
      let first = units.count
      succeed(accepted, outputs, verdict.values, run: run, lane: lane, now: now, remembers: true)
      for number in numbers {
        guard let error = undecodable[number] else { continue }
        _ = fail(number, error, run: run, lane: lane, now: now, &notes)
      }
      if !undecodable.isEmpty { join(from: first, verdict.values, now: now) }
      lanes[lane].passed()
      return false
    }
  }

  /// Each event in its turn, up to one that is tried again.
  private mutating func applyEach(
    _ results: [EventVerdict.Result], to numbers: [Int], _ undecodable: [Int: Undecodable], run: Int, lane: Int,
    now: MonotonicTime, _ notes: inout [PartitionNote]
  ) -> Bool {
    var rest = results[...]
    for (index, number) in numbers.enumerated() {
      var mustRetry = false
      if let error = undecodable[number] {
        mustRetry = fail(number, error, run: run, lane: lane, now: now, &notes)
      } else {
        switch rest.popFirst() {
        case .success(let outputs)?:
          succeed([number], outputs, [:], run: run, lane: lane, now: now, remembers: true)
        case .failure(let error)?: mustRetry = fail(number, error, run: run, lane: lane, now: now, &notes)
        case nil: mustRetry = true  // It was not run.
        }
      }
      guard mustRetry else { continue }
      putBack(Array(numbers[index...]), lane: lane)
      if index > 0 { lanes[lane].passed() }
      return true
    }
    lanes[lane].passed()
    return false
  }

  /// Makes one unit of the last ones.
  private mutating func join(from first: Int, _ written: [String: Bytes?], now: MonotonicTime) {
    let parts = units[min(first, units.count)...]
    guard let lane = parts.first?.lane else { return }
    let joined = PartitionUnit(
      entries: parts.flatMap(\.entries).sorted(), lane: lane, outputs: parts.flatMap(\.outputs), values: written,
      finished: now, isDeadLetter: parts.allSatisfy(\.isDeadLetter), remembered: parts.flatMap(\.remembered))
    units.replaceSubrange(parts.indices, with: [joined])
    values.write(written)
  }

  /// - Parameter remembers: whether repeats of these are dropped from now on.
  mutating func succeed(
    _ numbers: [Int], _ outputs: [OutgoingMessage], _ written: [String: Bytes?], run: Int, lane: Int,
    now: MonotonicTime, isDeadLetter: Bool = false, remembers: Bool = false
  ) {
    guard !numbers.isEmpty else { return }
    for number in numbers { entries[number].status = .ran }
    let remembered = remembers && seen != nil ? numbers : []
    for mark in remembered.map({ mark($0) }) { seen?.remember(mark) }
    runs[run]?.hasOutcome = true
    values.write(written)
    // Events without outputs cost no unit each.
    if outputs.isEmpty, written.isEmpty, let last = units.indices.last, last >= firstToJoin, units[last].lane == lane,
      units[last].outputs.isEmpty, units[last].values.isEmpty, !units[last].endsBatch, !units[last].isDeadLetter
    {
      units[last].entries += numbers
      units[last].remembered += remembered
    } else {
      units.append(
        PartitionUnit(
          entries: numbers, lane: lane, outputs: outputs, values: written, finished: now, isDeadLetter: isDeadLetter,
          remembered: remembered))
    }
  }

  /// A batch that failed as one. What could not be decoded in it waits with the others: order holds.
  private mutating func failTogether(
    _ numbers: [Int], _ error: any Error, _ undecodable: [Int: Undecodable] = [:], run: Int, lane: Int,
    now: MonotonicTime, _ notes: inout [PartitionNote]
  ) -> Bool {
    guard let first = numbers.first else { return false }
    if numbers.count > 1, plan.batchFailure == .bisect {
      notes.append(
        PartitionNote(
          kind: .bisected, event: reference(first),
          text: "a batch of \(numbers.count) events failed and is run again in halves: \(error)"))
      lanes[lane].bisect(numbers)
      putBack(numbers, lane: lane)
      return true
    }
    var mustRetry = false
    for number in numbers where undecodable[number] == nil {
      if mustRetry {
        // Whatever it has tried before, it is not given up before an earlier one, which may have its key.
        notes.append(
          PartitionNote(
            kind: .retried, event: reference(number), text: "failed with its batch, is tried again with it: \(error)"))
        entries[number].failures += 1
        putBack([number], lane: lane)
      } else if fail(number, error, run: run, lane: lane, now: now, &notes) {
        mustRetry = true
        putBack([number], lane: lane)
      }
    }
    for (number, error) in undecodable.sorted(by: { $0.key < $1.key }) {
      if mustRetry {
        putBack([number], lane: lane)
      } else {
        _ = fail(number, error, run: run, lane: lane, now: now, &notes)
      }
    }
    if !mustRetry {
      lanes[lane].passed()
    } else if numbers.count == 1 {
      lanes[lane].bisect(numbers)
    } else {
      lanes[lane].keep(numbers)
    }
    return mustRetry
  }

  /// One event failed. True where it is tried again: then its lane waits, and the caller puts it back.
  private mutating func fail(
    _ number: Int, _ error: any Error, run: Int, lane: Int, now: MonotonicTime, _ notes: inout [PartitionNote]
  ) -> Bool {
    let event = reference(number)
    func note(_ kind: PartitionNote.Kind, _ text: String) {
      notes.append(PartitionNote(kind: kind, event: event, text: text))
    }
    let decision = plan.decision(on: event, of: partition.number, after: error)
    switch decision {
    case .retry(let delay), .block(let delay):
      entries[number].failures += 1
      lanes[lane].park(until: delay > .zero ? now + delay : nil)
      if case .block = decision {
        if lanes[lane].blockedBy != "\(error)" { note(.blocked, "blocks its lane until it succeeds: \(error)") }
        lanes[lane].blockedBy = "\(error)"
      } else {
        note(.retried, "failed, is tried again after \(delay): \(error)")
      }
      return true
    case .deadLetter, .skip:
      setAside(number, decision, run: run, lane: lane, now: now, &notes)
      return false
    }
  }

  /// Gives an event up: to the dead letters, or with a word in the log alone.
  mutating func setAside(
    _ number: Int, _ decision: HubPlan.Decision, run: Int, lane: Int, now: MonotonicTime,
    _ notes: inout [PartitionNote]
  ) {
    let event = reference(number)
    switch decision {
    case .deadLetter(let reason):
      succeed(
        [number], [plan.deadLetter(event, reason)], [:], run: run, lane: lane, now: now, isDeadLetter: true)
      let attempts = reason.attempts == 1 ? "1 attempt" : "\(reason.attempts) attempts"
      notes.append(
        PartitionNote(
          kind: .deadLettered, event: event,
          text: "dead-lettered (\(reason.code)) after \(attempts): \(reason.errorText)"))
    case .skip:
      succeed([number], [], [:], run: run, lane: lane, now: now)
      notes.append(
        PartitionNote(kind: .skipped, event: event, text: "skipped after \(event.attempt) attempts, as onFailure says"))
    case .retry, .block: break
    }
  }

  // MARK: Refused outputs

  /// Nothing of the only commit under way was written: these of its outputs cannot be sent, whoever tries. Their units
  /// fail, and what came behind them in their lanes has not happened.
  /// - Parameter wasSent: outputs of other commit domains; those that were not refused are sent already.
  mutating func refused(
    _ errors: [Int: BrokerError], wasSent: (OutgoingMessage) -> Bool, now: MonotonicTime
  ) -> [PartitionNote] {
    guard let flight = flights.first, !isLost else { return [] }
    flights.removeFirst()
    var failed: [Int: BrokerError] = [:]
    for (output, error) in errors.sorted(by: { $0.key < $1.key }) {
      if let unit = flight.unit(ofOutput: output), failed[unit] == nil { failed[unit] = error }
    }
    var kept: [PartitionUnit] = []
    var undone: [(unit: PartitionUnit, error: BrokerError?)] = []
    var brokenLanes: Set<Int> = []
    for (index, unit) in (flight.units + units).enumerated() {
      if brokenLanes.contains(unit.lane) {
        undone.append((unit, nil))
      } else if let error = failed[index] {
        undone.append((unit, error))
        brokenLanes.insert(unit.lane)
      } else {
        var unit = unit
        if index < flight.units.count { unit.outputs.removeAll(where: wasSent) }
        for number in unit.entries { entries[number].status = .ran }
        kept.append(unit)
      }
    }
    units = kept
    batchesEnded += flight.batches
    values.undo(undone.map(\.unit), rest: kept)
    if seen != nil {
      let rest = kept.flatMap(\.remembered).map { mark($0) }
      seen?.undo(rest: rest)
    }
    for lane in brokenLanes { if let run = lanes[lane].run { runs[run]?.isVoid = true } }
    var notes: [PartitionNote] = []
    for (unit, error) in undone {
      putBack(unit.entries, lane: unit.lane)
      if let error { failRefused(unit, error, now: now, &notes) }
    }
    return notes
  }

  /// The events of a unit whose outputs no broker takes have failed.
  private mutating func failRefused(
    _ unit: PartitionUnit, _ error: BrokerError, now: MonotonicTime, _ notes: inout [PartitionNote]
  ) {
    guard let first = unit.entries.first else { return }
    if unit.isDeadLetter {
      // An event is not lost because its dead letter cannot be written: it waits until it can.
      notes.append(
        PartitionNote(
          kind: .blocked, event: reference(first), text: "its dead letter cannot be written, is tried again: \(error)"))
      lanes[unit.lane].park(until: now + Self.refusedWait)
      return
    }
    if !isDraining {
      for number in unit.entries { lanes[unit.lane].remove(number) }
    }
    for number in unit.entries { entries[number].status = .running }
    _ = failTogether(unit.entries, error, run: 0, lane: unit.lane, now: now, &notes)
  }

  // MARK: Time

  /// Runs that are over their deadline: those to be cancelled now, and those that are given up.
  mutating func expire(now: MonotonicTime) -> (cancel: [Int], abandoned: [Int], notes: [PartitionNote]) {
    guard !runs.isEmpty else { return ([], [], []) }
    var cancel: [Int] = []
    var abandoned: [Int] = []
    var notes: [PartitionNote] = []
    for (number, run) in runs.sorted(by: { $0.key < $1.key }) {
      if let end = run.graceEnd {
        guard end <= now else { continue }
        abandonedRuns.insert(number)
        abandoned.append(number)
        let first = plan.binding.isSingle ? Array(run.entries.prefix(1)) : run.entries
        runs[number]?.entries.removeFirst(first.count)
        if run.isVoid || isLost {
          putBack(first, lane: run.lane)
        } else {
          _ = failTogether(first, timeout, run: number, lane: run.lane, now: now, &notes)
        }
        close(number, putBack: true)
      } else if let deadline = run.deadline, deadline <= now {
        runs[number]?.graceEnd = now + WorkerTable.grace
        cancel.append(number)
      }
    }
    return (cancel, abandoned, notes)
  }

  /// A drain is over: what still runs is as if it had never been taken.
  /// - Returns: the runs that were given up.
  mutating func abandon() -> [Int] {
    let abandoned = Array(runs.keys)
    for number in abandoned {
      abandonedRuns.insert(number)
      close(number, putBack: true)
    }
    return abandoned
  }
}
