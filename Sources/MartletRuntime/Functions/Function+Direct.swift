import MartletCore

/// Functions that do not wait for anything: the compiler picks these initializers for closures without `await`. A run
/// is then a plain call, without the quarter of a microsecond that each asynchronous one costs.
extension Function {
  /// A function with outputs that does not wait.
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
    run: @escaping @Sendable (Input, FunctionContext) throws -> (repeat each Result)
  ) {
    self.init(name, trigger, bindings: Self.bindings(repeat each outputs), retry, functionTimeout) {
      input, invocation in
      let results = try run(input, FunctionContext(invocation: invocation))
      return try invocation.encode((repeat each results), for: repeat each outputs)
    }
  }

  /// A function with one output that does not wait.
  /// - Parameters:
  ///   - name: unique in the app.
  ///   - trigger: what starts it.
  ///   - output: where the returned value goes.
  ///   - retry: what follows a failure. Default: `maxDequeueCount` and `visibilityTimeout` of the trigger.
  ///   - functionTimeout: how long one invocation may take. Default 30 min.
  ///   - run: the function. It may run many times at once, on any thread.
  public init<Input, Result>(
    _ name: String, on trigger: Trigger<Input>, to output: Output<Result>, retry: RetryPolicy? = nil,
    functionTimeout: Duration? = nil, run: @escaping @Sendable (Input, FunctionContext) throws -> Result
  ) {
    self.init(name, trigger, bindings: [(output.address, output.hub)], retry, functionTimeout) { input, invocation in
      let result = try run(input, FunctionContext(invocation: invocation))
      return try invocation.encode(result, for: output)
    }
  }

  private init<Input>(
    _ name: String, _ trigger: Trigger<Input>, bindings: [(address: Address, hub: HubDeclaration?)],
    _ retry: RetryPolicy?, _ functionTimeout: Duration?,
    call: @escaping @Sendable (Input, Invocation) throws -> Outputs
  ) {
    self.init(name, trigger, bindings: bindings, retry, functionTimeout) {
      switch trigger.binding {
      case .one(let bind): .direct { delivery, invocation in try call(try bind(delivery), invocation) }
      case .many(let bind): Self.batch(bind, call: call)
      case .events: trigger.eventBody(call: call)
      }
    }
  }
}
