import MartletCore

@testable import MartletRuntime

extension HubSimulation {
  private enum Scripted: Error { case failure }

  /// Notes a run and says what it does.
  private func begin(_ event: IncomingEvent<String>, in process: Int) -> Operation {
    let key = event.key ?? ""
    if scenario.shape == .single || scenario.shape == .state {
      if let other = processes[process].running[key], processes[process].life == .running {
        hub.violation("\(event.id) runs while \(other) of its key does")
      }
    }
    // Where batches fail as a whole, events are given up that never ran; and so is one whose owners died twice between
    // its written attempt and its run.
    let deaths = faults.count { $0.hasSuffix("dies") }
    if ran.insert(event.id).inserted, scenario.options.events.batchFailure == .bisect, deaths < 2 {
      let number = Int(event.id.dropFirst()) ?? 0
      let earlier = (0..<number).filter { scenario.key(of: $0) == key && scenario.scripts[$0] != "!" }
      if let missed = earlier.first(where: { !ran.contains("e\($0)") }) {
        hub.violation("\(event.id) ran before e\(missed), which has its key")
      }
    }
    runs.append("\(event.id) \(event.attempt)")
    return Operation(event.body, attempt: event.attempt)
  }

  private func perform(
    _ operation: Operation, _ event: IncomingEvent<String>, in process: Int, _ epoch: UInt64?
  ) throws -> Outgoing<String>? {
    switch operation {
    case .success, .slow, .late, .stubborn, .refusedHere:
      if operation.succeeds { hub.succeeded.insert(Success(event: event.id, epoch: epoch)) }
      return scenario.isSilent(event.id) ? nil : Outgoing("done", messageID: "\(event.id)/out")
    case .refusedOutput: return Outgoing("refuse", messageID: "\(event.id)/out")
    case .failure: throw Scripted.failure
    case .deadLetter: throw Outcome.deadLetter("scripted")
    case .retryLater: throw Outcome.retry(after: .milliseconds(50))
    case .kill:
      kill(process)
      throw Scripted.failure
    case .hang: throw CancellationError()
    }
  }

  private func wait(for operation: Operation) async {
    switch operation {
    case .slow: await sleepers.sleep(until: now + 30_000_000, heedsCancellation: true)
    case .hang: await sleepers.sleep(until: .max, heedsCancellation: true)
    case .late: await sleepers.sleep(until: now + 1_000_000_000, heedsCancellation: false)
    case .stubborn: await sleepers.sleep(until: .max, heedsCancellation: false)
    default: break
    }
  }

  private func run(
    _ event: IncomingEvent<String>, in process: Int, _ context: FunctionContext
  ) async throws -> Outgoing<String>? {
    let operation = begin(event, in: process)
    processes[process].running[event.key ?? ""] = event.id
    // A run that heeds no deadline is given up, and its key goes on without it.
    if operation == .late || operation == .stubborn { processes[process].running[event.key ?? ""] = nil }
    defer { processes[process].running[event.key ?? ""] = nil }
    await wait(for: operation)
    return try perform(operation, event, in: process, context.partition?.epoch)
  }

  func function(of process: Int) -> Function {
    let codec = PayloadCodec<String>(
      contentType: .text,
      decode: { bytes in
        guard let text = bytes.string, text != "!" else { throw Scripted.failure }
        return text
      }, encode: { Bytes($0) })
    let input = HubName("in", codec: codec)
    let output = HubName<String>("out", connection: scenario.crossesBrokers ? "other" : nil)
    switch scenario.shape {
    case .single:
      return Function("f", on: .event(of: input), to: .eventHub(output)) { [unowned self] event, context in
        try await run(event, in: process, context)
      }
    case .whole:
      return Function("f", on: .eventHub(input), to: .eventHub(output)) { [unowned self] batch, context in
        var outputs: [Outgoing<String>] = []
        for event in batch { if let output = try await run(event, in: process, context) { outputs.append(output) } }
        return outputs
      }
    case .results:
      return Function("f", on: .eventHub(input), to: .eventHub(output)) { [unowned self] batch, context in
        await batch.results { event in .success(try await run(event, in: process, context)) }
      }
    case .state:
      return Function("f", on: .event(of: input), state: .keyed([String].self), to: .eventHub(output)) {
        [unowned self] event, state, context in
        state = (state ?? []) + [event.id]
        return try await run(event, in: process, context)
      }
    case .stateResults:
      return Function("f", on: .eventHub(input), state: .keyed([String].self), to: .eventHub(output)) {
        [unowned self] batch, states, context in
        await batch.results(with: &states) { event, state in
          state = (state ?? []) + [event.id]
          return .success(try await run(event, in: process, context))
        }
      }
    }
  }
}
