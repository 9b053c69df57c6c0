import MartletCore

/// One run of a function: what its context shows, and what it sends by hand.
final class Invocation: Sendable {
  let plan: FunctionPlan
  let work: FunctionWork
  let number: UInt64
  let trace: TraceContext?
  let partition: PartitionContext?
  private let deadlineTime: MonotonicTime?
  /// What `context.send` sends has its own numbers, behind those of the bindings. One collector or none; in an array
  /// because most invocations need none, and it is large.
  private let sent = Locked<[OutputCollector]>([])

  convenience init(plan: FunctionPlan, run: RunnerState.Run) {
    self.init(plan: plan, work: run.work, number: run.number, deadline: run.deadline, partition: nil)
  }

  init(
    plan: FunctionPlan, work: FunctionWork, number: UInt64, deadline: MonotonicTime?, partition: PartitionContext?
  ) {
    self.plan = plan
    self.work = work
    self.number = number
    self.partition = partition
    deadlineTime = deadline
    trace = work.trace?.next()
  }

  var messageID: String { work.id }

  /// Unique: the process, the function, and the number of its run.
  var id: String { plan.invocationID(number) }

  var deadline: ContinuousClock.Instant? { deadlineTime.map { .now + $0.remaining(from: plan.clock.monotonic()) } }

  var logger: Logger {
    var logger = plan.logger
    logger.fields.append(LogField("invocation", id))
    logger.fields.append(LogField("messageID", messageID))
    logger.fields.append(LogField("attempt", work.attempt))
    if let partition { logger.fields.append(LogField("partition", partition.number)) }
    if let trace { logger.fields.append(LogField("trace", trace.traceIDText)) }
    return logger
  }

  /// What the function returned, ready to be sent.
  func encode<each Result>(
    _ results: (repeat each Result), for bindings: repeat Output<each Result>
  ) throws -> Outputs {
    var collector = OutputCollector(inputID: work.identifier, function: plan.function.name, trace: trace)
    var number = 0
    repeat try (each bindings).add(each results, number: &number, into: &collector)
    return collector.take()
  }

  /// What the function returned for its only output, ready to be sent.
  func encode<Result>(_ result: Result, for binding: Output<Result>) throws -> Outputs {
    var collector = OutputCollector(inputID: work.identifier, function: plan.function.name, trace: trace)
    try binding.emit(result, &collector)
    return collector.take()
  }

  /// The outcome of one message of a batch, with the outputs that it has of its own.
  func judge<each Result>(
    _ delivery: DeliveryReference, _ result: Swift.Result<EventOutcome<repeat each Result>, any Error>,
    outputs bindings: repeat Output<each Result>
  ) -> BatchVerdict.Event {
    do { return .success(try outputs(of: delivery.value.message, result, for: repeat each bindings)) } catch {
      return .failure(error)
    }
  }

  /// The outcomes of the events of a batch. What was sent by hand leaves with the first that succeeded.
  func judge<each Result>(
    _ events: [EventReference], _ results: BatchResults<repeat each Result>, values: [String: Bytes?],
    outputs bindings: repeat Output<each Result>
  ) throws -> EventVerdict {
    guard results.results.count <= events.count else { throw InvalidOutput.resultsOfAnotherBatch }
    var judged: [EventVerdict.Result] = []
    judged.reserveCapacity(events.count)
    var isFirst = true
    for (event, result) in zip(events, results.results) {
      do {
        let own = try outputs(of: event.value.message, result, for: repeat each bindings)
        judged.append(.success((isFirst ? withSent(own) : own).messages))
        isFirst = false
      } catch {
        judged.append(.failure(error))
      }
    }
    // Only behind an event that has to be tried again may results be missing.
    if judged.count < events.count {
      guard case .failure? = judged.last else { throw InvalidOutput.resultsOfAnotherBatch }
    }
    return EventVerdict(body: .each(judged), values: values)
  }

  /// What one message of a batch sends, encoded.
  /// - Throws: its failure.
  private func outputs<each Result>(
    of message: Message, _ result: Swift.Result<EventOutcome<repeat each Result>, any Error>,
    for bindings: repeat Output<each Result>
  ) throws -> Outputs {
    let event = try result.get()
    if let outcome = event.outcome { throw outcome }
    var collector = OutputCollector(
      inputID: message.identifier, function: plan.function.name, trace: message.trace?.next())
    if let results = event.outputs {
      var number = 0
      repeat try (each bindings).add(each results, number: &number, into: &collector)
    }
    return collector.take()
  }

  /// Adds what the function sends by hand.
  /// - Throws: `InvalidOutput` for an address that the start could not check, and what `add` throws.
  func send(
    to address: Address, _ hub: HubDeclaration? = nil, _ add: (inout OutputCollector) throws -> Void
  ) throws {
    if let problem = plan.problem(withOutput: address) { throw InvalidOutput(problem: problem) }
    if let hub { try plan.note(hub, at: address) }
    try sent.withLock { sent in
      if sent.isEmpty {
        sent.append(
          OutputCollector(
            inputID: work.identifier, function: plan.function.name, trace: trace, output: plan.function.outputs.count))
      }
      try add(&sent[0])
    }
  }

  /// The returned outputs, and behind them what was sent by hand.
  func withSent(_ returned: consuming Outputs) -> Outputs {
    guard let sent = sent.withLock({ $0.first?.outputs }) else { return returned }
    return .many(returned.messages + sent.messages)
  }
}
