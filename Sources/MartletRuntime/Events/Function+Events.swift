import MartletCore

extension Function {
  // Functions with an outcome for each event take an optional closure, which nobody ever leaves out: so the compiler
  // prefers the initializers for plain results where both fit, which is for every closure of several statements without
  // a `return`.

  /// A function that gives every event of a batch its own outcome, with `EventBatch.results`.
  /// - Parameters:
  ///   - name: unique in the app.
  ///   - trigger: what starts it.
  ///   - outputs: where the values of `.success` go, in order.
  ///   - functionTimeout: how long one invocation may take. Default 30 min.
  ///   - run: the function. It may run many times at once, on any thread.
  public init<Payload, each Result>(
    _ name: String, on trigger: Trigger<EventBatch<Payload>>, to outputs: repeat Output<each Result>,
    functionTimeout: Duration? = nil,
    run: (
      @Sendable @concurrent (EventBatch<Payload>, FunctionContext) async throws
        -> BatchResults<repeat each Result>
    )?
  ) {
    guard let run else { preconditionFailure("a function has something to run") }
    self.init(name, trigger, bindings: Self.bindings(repeat each outputs), nil, functionTimeout) {
      trigger.eventBody(isStateful: false) { batch, accepted, _, invocation in
        let results = try await run(batch, FunctionContext(invocation: invocation))
        return try invocation.judge(accepted, results, values: [:], outputs: repeat each outputs)
      }
    }
  }

  /// A function that keeps a state per key and runs one event at a time: it gets the state of the event's key (nil where
  /// there is none) and may change it. What a failed run did to it is forgotten.
  /// - Parameters:
  ///   - name: unique in the app.
  ///   - trigger: what starts it.
  ///   - state: the type that is kept for each key.
  ///   - outputs: where the returned values go, in order; several take a tuple.
  ///   - functionTimeout: how long one invocation may take. Default 30 min.
  ///   - run: the function. It may run many times at once for different keys, on any thread.
  public init<Payload, State, each Result>(
    _ name: String, on trigger: Trigger<IncomingEvent<Payload>>, state: KeyedState<State>,
    to outputs: repeat Output<each Result>, functionTimeout: Duration? = nil,
    run:
      @escaping @Sendable @concurrent (IncomingEvent<Payload>, inout State?, FunctionContext) async throws
      -> (repeat each Result)
  ) {
    self.init(name, trigger, bindings: Self.bindings(repeat each outputs), nil, functionTimeout) {
      trigger.eventBody(isStateful: true) { event, _, values, invocation in
        var states = KeyedStates<State>(stored: values)
        var own = try states.read(event.key)
        let results = try await run(event, &own, FunctionContext(invocation: invocation))
        states[event.key] = own
        let outputs = try invocation.encode((repeat each results), for: repeat each outputs)
        return EventVerdict(body: .together(invocation.withSent(outputs).messages), values: try states.changes())
      }
    }
  }

  /// A function of batches that keeps a state per key.
  /// - Parameters:
  ///   - name: unique in the app.
  ///   - trigger: what starts it.
  ///   - state: the type that is kept for each key.
  ///   - outputs: where the returned values go, in order; several take a tuple.
  ///   - functionTimeout: how long one invocation may take. Default 30 min.
  ///   - run: the function: the batch, and the states of its keys. What a failed run did to them is forgotten.
  public init<Payload, State, each Result>(
    _ name: String, on trigger: Trigger<EventBatch<Payload>>, state: KeyedState<State>,
    to outputs: repeat Output<each Result>, functionTimeout: Duration? = nil,
    run:
      @escaping @Sendable @concurrent (EventBatch<Payload>, inout KeyedStates<State>, FunctionContext) async throws
      -> (repeat each Result)
  ) {
    self.init(name, trigger, bindings: Self.bindings(repeat each outputs), nil, functionTimeout) {
      trigger.eventBody(isStateful: true) { batch, _, values, invocation in
        var states = KeyedStates<State>(stored: values)
        try states.decodeAll()
        let results = try await run(batch, &states, FunctionContext(invocation: invocation))
        let outputs = try invocation.encode((repeat each results), for: repeat each outputs)
        return EventVerdict(body: .together(invocation.withSent(outputs).messages), values: try states.changes())
      }
    }
  }

  /// A function of batches that keeps a state per key and gives every event its own outcome, with
  /// `EventBatch.results(with:)`.
  /// - Parameters:
  ///   - name: unique in the app.
  ///   - trigger: what starts it.
  ///   - state: the type that is kept for each key.
  ///   - outputs: where the values of `.success` go, in order.
  ///   - functionTimeout: how long one invocation may take. Default 30 min.
  ///   - run: the function. It may run many times at once for different keys, on any thread.
  public init<Payload, State, each Result>(
    _ name: String, on trigger: Trigger<EventBatch<Payload>>, state: KeyedState<State>,
    to outputs: repeat Output<each Result>, functionTimeout: Duration? = nil,
    run: (
      @Sendable @concurrent (EventBatch<Payload>, inout KeyedStates<State>, FunctionContext) async throws
        -> BatchResults<repeat each Result>
    )?
  ) {
    guard let run else { preconditionFailure("a function has something to run") }
    self.init(name, trigger, bindings: Self.bindings(repeat each outputs), nil, functionTimeout) {
      trigger.eventBody(isStateful: true) { batch, accepted, values, invocation in
        var states = KeyedStates<State>(stored: values)
        try states.decodeAll()
        let results = try await run(batch, &states, FunctionContext(invocation: invocation))
        return try invocation.judge(accepted, results, values: try states.changes(), outputs: repeat each outputs)
      }
    }
  }
}

extension Trigger {
  /// The body of a function of events: what cannot be decoded is set aside, what is thrown fails the rest.
  func eventBody(
    isStateful: Bool,
    _ call:
      @escaping @Sendable (Input, [EventReference], [String: Bytes], Invocation) async throws -> EventVerdict
  ) -> Function.Body {
    guard case .events(let decoding) = binding else { preconditionFailure("the trigger of a hub binds events") }
    return .events(
      decoding.binding(isStateful: isStateful) { input, invocation in
        let decoded = decoding.decode(input.events)
        guard let value = decoded.input else { return EventVerdict(undecodable: decoded.undecodable, body: .each([])) }
        var verdict: EventVerdict
        do {
          verdict = try await call(value, decoded.accepted, input.values, invocation)
        } catch {
          verdict = EventVerdict(body: .failed(error))
        }
        verdict.undecodable = decoded.undecodable
        return verdict
      })
  }

  /// One outcome for all events of an invocation.
  func eventBody(call: @escaping @Sendable (Input, Invocation) async throws -> Outputs) -> Function.Body {
    eventBody(isStateful: false) { input, _, _, invocation in
      EventVerdict(body: .together(invocation.withSent(try await call(input, invocation)).messages))
    }
  }
}
