import MartletCore

/// A closure, what triggers it, and where its results go.
///
/// The closure returns its outputs or throws; the runtime settles. A thrown error is a failed attempt: the message comes
/// back as `retry` says and reaches the dead letters after the last attempt. `Outcome` says more.
public struct Function: Sendable {
  /// How the runtime calls the closure: inputs bound, outputs encoded.
  enum Body: Sendable {
    /// Nothing to wait for: the whole run is a plain call.
    case direct(@Sendable (DeliveryReference, Invocation) throws -> Outputs)
    case one(@Sendable (DeliveryReference, Invocation) async throws -> Outputs)
    case many(@Sendable ([DeliveryReference], Invocation) async throws -> BatchVerdict)
    case events(EventBinding)
  }

  /// Unique in the app, ignoring case: a letter, then letters, digits, `_` and `-`, at most 128; not `host`.
  public let name: String
  let trigger: Address
  /// Where the outputs go, and what the hubs among them are like.
  let bindings: [(address: Address, hub: HubDeclaration?)]
  var options: FunctionOptions
  let body: Body

  var outputs: [Address] { bindings.map(\.address) }
}

extension Function {
  /// A function with any number of outputs.
  /// - Parameters:
  ///   - name: unique in the app.
  ///   - trigger: what starts it.
  ///   - outputs: where the returned values go, in order; several take a tuple.
  ///   - retry: what follows a failure. Default: `maxDequeueCount` and `visibilityTimeout` of the trigger.
  ///   - functionTimeout: how long one invocation may take. Default 30 min.
  ///   - run: the function. It may run many times at once, on any thread.
  public init<Input, each Result>(
    _ name: String, on trigger: Trigger<Input>, to outputs: repeat Output<each Result>, retry: RetryPolicy? = nil,
    functionTimeout: Duration? = nil,
    run: @escaping @Sendable @concurrent (Input, FunctionContext) async throws -> (repeat each Result)
  ) {
    self.init(name, trigger, outputs: (repeat each outputs), retry, functionTimeout) { input, invocation in
      let results = try await run(input, FunctionContext(invocation: invocation))
      return try invocation.encode((repeat each results), for: repeat each outputs)
    }
  }

  /// A function with one output.
  /// - Parameters:
  ///   - name: unique in the app.
  ///   - trigger: what starts it.
  ///   - output: where the returned value goes.
  ///   - retry: what follows a failure. Default: `maxDequeueCount` and `visibilityTimeout` of the trigger.
  ///   - functionTimeout: how long one invocation may take. Default 30 min.
  ///   - run: the function. It may run many times at once, on any thread.
  public init<Input, Result>(
    _ name: String, on trigger: Trigger<Input>, to output: Output<Result>, retry: RetryPolicy? = nil,
    functionTimeout: Duration? = nil,
    run: @escaping @Sendable @concurrent (Input, FunctionContext) async throws -> Result
  ) {
    // Apart from the initializer above, which could do the same: what goes through a parameter pack costs more, and the
    // compiler finds the type of `x ? nil : y` only where there is none.
    self.init(name, trigger, outputs: (output), retry, functionTimeout) { input, invocation in
      let result = try await run(input, FunctionContext(invocation: invocation))
      return try invocation.encode(result, for: output)
    }
  }

  /// A function that gives every message of a batch its own outcome, with `Batch.results`.
  /// - Parameters:
  ///   - name: unique in the app.
  ///   - trigger: what starts it.
  ///   - outputs: where the values of `.success` go, in order.
  ///   - retry: what follows a failure. Default: `maxDequeueCount` and `visibilityTimeout` of the trigger.
  ///   - functionTimeout: how long one invocation may take. Default 30 min.
  ///   - run: the function. It may run many times at once, on any thread.
  public init<Payload, each Result>(
    _ name: String, on trigger: Trigger<Batch<Payload>>, to outputs: repeat Output<each Result>,
    retry: RetryPolicy? = nil, functionTimeout: Duration? = nil,
    run: (
      @Sendable @concurrent (Batch<Payload>, FunctionContext) async throws
        -> BatchResults<repeat each Result>
    )?
  ) {
    // Optional for the sake of the compiler's choice: see the functions of events.
    guard let run else { preconditionFailure("a function has something to run") }
    guard case .many(let bind) = trigger.binding else { preconditionFailure("a batch trigger binds many") }
    self.init(name, trigger, bindings: Self.bindings(repeat each outputs), retry, functionTimeout) {
      .many { deliveries, invocation in
        let batch = bind(deliveries)
        var verdict = BatchVerdict(undecodable: batch.undecodable)
        guard !batch.accepted.isEmpty else { return verdict }
        do {
          let results = try await run(batch.input, FunctionContext(invocation: invocation)).results
          guard results.count == batch.accepted.count else { throw InvalidOutput.resultsOfAnotherBatch }
          for (delivery, result) in zip(batch.accepted, results) {
            verdict.add(delivery, invocation.judge(delivery, result, outputs: repeat each outputs))
          }
        } catch {
          for delivery in batch.accepted { verdict.add(delivery, .failure(error)) }
        }
        return verdict
      }
    }
  }

  private init<Input, each Result>(
    _ name: String, _ trigger: Trigger<Input>, outputs: (repeat Output<each Result>), _ retry: RetryPolicy?,
    _ functionTimeout: Duration?, call: @escaping @Sendable (Input, Invocation) async throws -> Outputs
  ) {
    self.init(name, trigger, bindings: Self.bindings(repeat each outputs), retry, functionTimeout) {
      switch trigger.binding {
      case .one(let bind):
        .one { delivery, invocation in try await call(try bind(delivery), invocation) }
      case .many(let bind): Self.batch(bind, call: call)
      case .events: trigger.eventBody(call: call)
      }
    }
  }

  /// One outcome for the whole batch.
  static func batch<Input>(
    _ bind: @escaping @Sendable ([DeliveryReference]) -> DecodedBatch<Input>,
    call: @escaping @Sendable (Input, Invocation) async throws -> Outputs
  ) -> Body {
    .many { deliveries, invocation in
      let batch = bind(deliveries)
      var verdict = BatchVerdict(undecodable: batch.undecodable)
      guard !batch.accepted.isEmpty else { return verdict }
      do {
        let outputs = try await call(batch.input, invocation)
        verdict.succeedTogether(batch.accepted, outputs: outputs)
      } catch {
        for delivery in batch.accepted { verdict.add(delivery, .failure(error)) }
      }
      return verdict
    }
  }

  init<Input>(
    _ name: String, _ trigger: Trigger<Input>, bindings: [(address: Address, hub: HubDeclaration?)],
    _ retry: RetryPolicy?,
    _ functionTimeout: Duration?, body: () -> Body
  ) {
    self.name = name
    self.trigger = trigger.address
    self.bindings = bindings
    options = trigger.options
    options.retry = retry ?? options.retry
    options.functionTimeout = functionTimeout
    self.body = body()
  }

  static func bindings<each Result>(
    _ outputs: repeat Output<each Result>
  ) -> [(address: Address, hub: HubDeclaration?)] {
    var bindings: [(address: Address, hub: HubDeclaration?)] = []
    for output in repeat each outputs { bindings.append((output.address, output.hub)) }
    return bindings
  }
}
