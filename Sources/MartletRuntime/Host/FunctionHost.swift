import Foundation
public import MartletCore

/// An app at work.
public final class FunctionHost: Sendable {
  private let app: FunctionApp
  private let configuration: HostConfiguration
  private let brokers: BrokerDirectory
  /// The keys of the named connections.
  private let connections: Set<String>
  private let executor: FunctionExecutor
  private let watchdog: Watchdog
  private let runners: [any Runner]
  private let stopping: Signal
  private let starvation: Signal
  private let startups = Locked<[Task<Void, Never>]>([])
  /// Hubs that were made, or found, for what is sent from outside.
  private let declared = Locked<Set<Address>>([])
  private var logger: Logger { configuration.logger }
  private var name: String { configuration.app ?? app.name }

  private init(_ app: FunctionApp, _ configuration: HostConfiguration, _ brokers: BrokerDirectory, instance: String) {
    self.app = app
    self.configuration = configuration
    self.brokers = brokers
    let (stopping, starvation) = (Signal(), Signal())
    (self.stopping, self.starvation) = (stopping, starvation)
    let executor = FunctionExecutor(name: "martlet-fn", threads: ProcessInfo.processInfo.activeProcessorCount)
    self.executor = executor
    let logger = configuration.logger
    let watchdog = Watchdog(executor: executor) {
      guard !starvation.hasFired else { return }
      starvation.fire()
      stopping.fire()
      logger.log(
        .critical,
        "\(Watchdog.maxLost) invocations ignored their functionTimeout and still run; the process gives up")
    }
    self.watchdog = watchdog
    let connections = Set(configuration.connections.keys.map(HostConfiguration.connectionKey))
    self.connections = connections
    runners = app.activeFunctions(configuration).map { function in
      let options = app.options(of: function, configuration)
      let plan = FunctionPlan(
        function: function, options: options, connections: connections, instance: instance, logger: logger,
        noting: { brokers.note($0, at: $1) })
      guard case .events(let binding) = function.body else {
        return FunctionRunner(plan: plan, executor: executor, watchdog: watchdog)
      }
      let name = configuration.app ?? app.name
      return HubRunner(hub: HubPlan(base: plan, binding: binding, options: options, app: name), executor: executor)
    }
  }

  static func start(
    _ app: FunctionApp, _ configuration: HostConfiguration, _ brokers: BrokerDirectory, instance: String,
    until stop: Signal
  ) async throws -> FunctionHost {
    let host = FunctionHost(app, configuration, brokers, instance: instance)
    do {
      try await host.connect(until: stop)
    } catch {
      await brokers.close(deadline: .now + .seconds(1))
      host.executor.stop()
      throw error
    }
    host.watchdog.start()
    await host.openAll(until: stop)
    return host
  }

  // MARK: Start

  /// Connects, or leaves the connecting to itself where the app is to stop.
  private func connect(until stop: Signal) async throws {
    let connecting = Task { [brokers, configuration] in
      try await brokers.start(logger: configuration.logger, exitsWhenRefused: configuration.exitWhenRefused)
    }
    let either = Signal()
    stop.whenFired { either.fire() }
    Task {
      _ = await connecting.result
      either.fire()
    }
    await either.wait()
    if !stop.hasFired { try await connecting.value }
  }

  private func openAll(until stop: Signal) async {
    logStart()
    let tasks = runners.map { runner in
      Task.detached(executorPreference: executor) { [self] in await open(runner) }
    }
    startups.withLock { $0 = tasks }
    // A broker that is away must not keep `start` from returning: then the functions open when it is back.
    let opened = Signal()
    stop.whenFired { opened.fire() }
    Task.detached(executorPreference: executor) {
      for task in tasks { await task.value }
      opened.fire()
    }
    await opened.wait(atMost: .seconds(5), on: executor)
  }

  private func logStart() {
    let functions = runners.map { "\($0.plan.function.name) (\($0.plan.function.trigger))" }
    logger.information("\(name) starts: \(functions.isEmpty ? "no function" : functions.joined(separator: ", "))")
    let active = Set(runners.map(\.plan.function.name))
    let disabled = app.functions.map(\.name).filter { !active.contains($0) }
    if !disabled.isEmpty { logger.information("disabled by the configuration: \(disabled.joined(separator: ", "))") }
    logLongFunctions()
    if !configuration.ignored.isEmpty {
      logger.information(
        "host.json: these settings of Azure have no meaning here: \(configuration.ignored.joined(separator: ", "))")
    }
  }

  /// Functions that may run for longer than their broker leaves them their messages.
  private func logLongFunctions() {
    var isDefault = true
    let long = runners.compactMap { runner -> String? in
      let plan = runner.plan
      guard runner is FunctionRunner, let limit = brokers[plan.function.trigger].settlementTimeout,
        plan.functionTimeout.map({ $0 >= limit }) ?? true
      else { return nil }
      isDefault = isDefault && plan.isTimeoutDefault
      return "\(plan.function.name) (\(plan.functionTimeout.map(DurationText.format) ?? "no limit"))"
    }
    guard !long.isEmpty else { return }
    logger.log(
      isDefault ? .information : .warning,
      "these may run for as long as RabbitMQ's consumer_timeout (\(DurationText.format(configuration.consumerTimeout))) or "
        + "longer, and would lose their messages then: \(long.joined(separator: ", ")); lower functionTimeout, or raise "
        + "consumer_timeout on the broker and consumerTimeout here")
  }

  /// Makes the hubs that a function sends to, where they are missing. Those that are deleted later are made again alike.
  private func declareHubs(of function: Function) async throws(BrokerError) {
    if case .events(let binding) = function.body { brokers.note(binding.hub, at: function.trigger) }
    for (address, hub) in function.bindings {
      guard let hub else { continue }
      brokers.note(hub, at: address)
      if let log = brokers[address] as? any EventLog { _ = try await log.declare(hub) }
    }
  }

  /// Opens one function; a queue in trouble keeps only its own function waiting.
  private func open(_ runner: any Runner) async {
    let address = runner.plan.function.trigger
    var backoff = Backoff(first: .seconds(2), longest: .seconds(120))
    var reported: String?
    while !stopping.hasFired {
      do {
        try await declareHubs(of: runner.plan.function)
        try await runner.start(brokers)
        watchdog.watch(runner)
        return
      } catch {
        if stopping.hasFired { return }
        if reported != error.message {
          runner.plan.logger.error("cannot read \(address), tries again: \(error.message)")
          reported = error.message
        }
        await stopping.wait(atMost: backoff.next(), on: executor)
      }
    }
  }

  // MARK: Work from outside

  /// Sends a message from outside of any function, and returns when the broker has it.
  /// - Parameters:
  ///   - body: the payload.
  ///   - name: the queue.
  /// - Throws: the codec's error, or `BrokerError` when the broker refuses it, or the name is impossible or its
  ///   connection not configured; `CancellationError` when the task is cancelled, and then it may be sent all the same.
  public func send<Body>(_ body: Body, to name: QueueName<Body>) async throws {
    try await send([Outgoing(body)], to: name)
  }

  /// Sends a message from outside of any function, and returns when the broker has it.
  public func send<Body>(_ message: Outgoing<Body>, to name: QueueName<Body>) async throws {
    try await send([message], to: name)
  }

  /// Sends many messages in one go, and returns when the broker has all of them.
  /// - Throws: the codec's error, and `BrokerError` for an impossible name or a connection that is not configured, before
  ///   anything is sent; `BrokerError` if one was refused: the others are sent.
  public func send<Body>(_ messages: [Outgoing<Body>], to name: QueueName<Body>) async throws {
    try check(name.address)
    var collector = OutputCollector(inputID: .text(""), function: "", trace: nil)
    collector.reserve(messages.count)
    for var message in messages {
      message.messageID = message.messageID ?? MessageIdentifier.random()
      collector.trace = .start()
      try collector.add(message, to: name)
    }
    try await publish(collector.take().messages, on: brokers[name.address])
  }

  /// Publishes an event from outside of any function, and returns when the broker has it.
  /// - Parameters:
  ///   - body: the payload.
  ///   - name: the hub; it is made where it is missing.
  /// - Throws: the codec's error, or `BrokerError` when the broker refuses it, or the name is impossible or its
  ///   connection not configured; `CancellationError` when the task is cancelled, and then it may be sent all the same.
  public func send<Body>(_ body: Body, to name: HubName<Body>) async throws {
    try await send([Outgoing(body)], to: name)
  }

  /// Publishes many events in one go, and returns when the broker has all of them.
  /// - Parameters:
  ///   - events: those of one key keep their order.
  ///   - name: the hub; it is made where it is missing.
  /// - Throws: the codec's error, and `BrokerError` for an impossible name or a connection that is not configured, before
  ///   anything is sent; `BrokerError` if one was refused: the others are sent.
  public func send<Body>(_ events: [Outgoing<Body>], to name: HubName<Body>) async throws {
    try check(name.address)
    let broker = brokers[name.address]
    guard let log = broker as? any EventLog else {
      throw BrokerError(.configuration, "\(broker.system) has no event hubs", isRetriable: false)
    }
    var collector = OutputCollector(inputID: .text(""), function: "", trace: nil)
    collector.reserve(events.count)
    for var event in events {
      event.messageID = event.messageID ?? MessageIdentifier.random()
      collector.trace = .start()
      try collector.add(event, to: name)
    }
    if !declared.withLock({ $0.contains(name.address) }) {
      brokers.note(name.declaration, at: name.address)
      _ = try await log.declare(name.declaration)
      declared.withLock { _ = $0.insert(name.address) }
    }
    try await publish(collector.take().messages, on: broker)
  }

  private func publish(_ messages: [OutgoingMessage], on broker: any Broker) async throws {
    do { try await broker.publish(messages) } catch  where error.code == .cancelled { throw CancellationError() }
  }

  private func check(_ address: Address) throws(BrokerError) {
    if let problem = address.problem(sendingOver: connections) {
      throw BrokerError(.configuration, problem, isRetriable: false)
    }
  }

  /// The broker of a connection, for what operators do.
  /// - Parameter connection: its name; nil is the default one.
  /// - Returns: nil where no such connection is configured.
  public func broker(_ connection: String? = nil) -> (any Broker)? {
    let isKnown = connection.map { connections.contains(HostConfiguration.connectionKey($0)) } ?? true
    return isKnown ? brokers[.queue("", connection: connection)] : nil
  }

  /// Where the consumer groups of a hub keep what they know, for what operators do.
  /// - Returns: nil where there is no store, or the hub's connection is not configured.
  public func store(of hub: Address) -> (any Store)? {
    broker(hub.connection) == nil ? nil : brokers.store(of: hub)
  }

  /// The trouble that a function of events had in this process since its start; nil for other functions.
  /// - Parameter function: its name.
  public func eventCounts(of function: String) -> EventCounts? {
    let runner = runners.first { $0.plan.function.name.lowercased() == function.lowercased() } as? HubRunner
    return runner?.hub.counts.withLock { $0 }
  }

  /// The same of a function that reads a queue; nil for other functions.
  /// - Parameter function: its name.
  public func messageCounts(of function: String) -> MessageCounts? {
    let runner = runners.first { $0.plan.function.name.lowercased() == function.lowercased() } as? FunctionRunner
    return runner?.counts.withLock { $0 }
  }

  // MARK: Stop

  /// How long the work of `withHost` has to heed its cancellation before the drain begins.
  private static let patience = Duration.seconds(2)

  /// Waits for work that was cancelled, but not for long: what it waits for may be what the drain ends.
  func wait(forCancelled work: Signal) async { await work.wait(atMost: Self.patience, on: executor) }

  /// What a drain keeps of its time for those who have to be told: half of it to heed that, half to give back the rest.
  private static let drainReserve = Duration.seconds(4)

  /// Calls `action` when the host cannot go on: then `drain` is due, and the process should end with 1.
  func whenStarved(_ action: @escaping @Sendable () -> Void) { starvation.whenFired(action) }

  /// Stops the intake, lets what runs finish and commit, gives up all leases, all within `drainTimeout` (or the second
  /// that the last step may take where that is shorter). Call it once.
  /// - Returns: whether everything finished. What did not was cancelled, and is delivered again, elsewhere or later.
  public func drain() async -> Bool {
    let deadline = ContinuousClock.now + configuration.drainTimeout
    let reserve = min(Self.drainReserve, configuration.drainTimeout / 2)
    logger.information("\(name) drains")
    stopping.fire()
    for task in startups.withLock({ $0 }) { task.cancel() }
    for runner in runners { runner.beginDrain() }
    var isClean = await waitUntilDrained(deadline - reserve)
    if !isClean {
      logger.warning(
        "the drain has taken \(configuration.drainTimeout - reserve) of \(configuration.drainTimeout): what still runs is "
          + "cancelled")
      for runner in runners { runner.cancelAll() }
      _ = await waitUntilDrained(deadline - reserve / 2)
    }
    let closing = max(deadline, .now + .seconds(1))
    if !isClean {
      for runner in runners { runner.abandon() }
      _ = await waitUntilDrained(closing)
    }
    // Side by side: one whose broker is away waits until the deadline.
    await withTaskGroup { group in
      for runner in runners { group.addTask(executorPreference: executor) { await runner.close(deadline: closing) } }
    }
    await brokers.close(deadline: closing)
    watchdog.stop()
    executor.stop()
    isClean = isClean && !starvation.hasFired
    logger.information(isClean ? "\(name) has stopped" : "\(name) has stopped with work left")
    return isClean
  }

  private func waitUntilDrained(_ deadline: ContinuousClock.Instant) async -> Bool {
    let all = Signal()
    Task.detached(executorPreference: executor) { [runners] in
      for runner in runners { await runner.waitUntilDrained() }
      all.fire()
    }
    return await all.wait(atMost: deadline - .now, on: executor)
  }
}
