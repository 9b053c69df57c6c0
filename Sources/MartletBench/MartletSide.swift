import Martlet

/// Martlet's side: a function app as anyone writes it, with the options that come by default.
struct MartletSide {
  let arguments: Arguments
  private let target: Target
  let messages: Int
  let meter: Meter

  init(_ arguments: Arguments, _ target: Target, messages: Int) {
    self.arguments = arguments
    self.target = target
    self.messages = messages
    meter = Meter(arguments, messages: messages)
  }

  func run() async throws -> SideCost {
    try await run { app, configuration in try await app.start(configuration) }
  }

  /// - Parameter start: starts the app; the runtime alone runs over a broker in memory.
  func run(start: (FunctionApp, HostConfiguration) async throws -> FunctionHost) async throws -> SideCost {
    let host = try await start(
      FunctionApp("martlet-bench") { arguments.payload == .json ? orders() : bytes() },
      HostConfiguration(
        broker: target.url, store: target.system == .rabbitmq ? arguments.store.map { "embedded:\($0)" } : nil,
        allowVolatile: true, logger: Logger(level: .warning)))
    if arguments.scenario == .publish { try await publish(host) }
    if arguments.scenario == .hubPublish { try await publishEvents(host) }
    let cost = try await meter.result()
    guard await host.drain() else { throw BenchmarkFailure("the app did not stop in time") }
    return cost
  }

  private func orders() -> Function {
    let (input, output) = (QueueName<Order>(arguments.input), QueueName<Bill>(arguments.output))
    return switch arguments.scenario {
    case .hubConsume, .hubPipe: reader(of: Order.self)
    case .publish, .hubPublish: idle()
    case .consume:
      Function("consume", on: .queue(input)) { [meter] order, _ in
        _ = order.body.bill
        meter.count()
      }
    case .pipe:
      Function("pipe", on: .queue(input), to: .queue(output)) { [meter] order, _ in
        defer { meter.count() }
        return order.body.bill
      }
    }
  }

  private func bytes() -> Function {
    let (input, output) = (QueueName<Bytes>(arguments.input), QueueName<Bytes>(arguments.output))
    return switch arguments.scenario {
    case .hubConsume, .hubPipe: reader(of: Bytes.self)
    case .publish, .hubPublish: idle()
    case .consume:
      Function("consume", on: .queue(input)) { [meter] message, _ in
        _ = message.body.bill
        meter.count()
      }
    case .pipe:
      Function("pipe", on: .queue(input), to: .queue(output)) { [meter] message, _ in
        defer { meter.count() }
        return message.body.bill
      }
    }
  }

  /// An app has at least one function; while it sends from outside, this one has nothing to do.
  private func idle() -> Function {
    Function("idle", on: .queue(QueueName<Bytes>(arguments.output))) { _, _ in }
  }

  /// Ten senders, each with 100 messages on their way.
  private func publish(_ host: FunctionHost) async throws {
    let (senders, batch) = (10, 100)
    let note = try Order.note(forBodyBytes: arguments.bodyBytes)
    meter.start()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for sender in 0..<senders {
        group.addTask {
          for start in stride(from: sender * batch, to: messages, by: senders * batch) {
            try await send(start..<min(start + batch, messages), note, host)
          }
        }
      }
      try await group.waitForAll()
    }
    meter.stop()
  }

  private func send(_ numbers: Range<Int>, _ note: String, _ host: FunctionHost) async throws {
    switch arguments.payload {
    case .json:
      try await host.send(
        numbers.map { Outgoing(Order(number: $0, note: note)) }, to: QueueName<Order>(arguments.input))
    case .raw:
      try await host.send(
        numbers.map { _ in Outgoing(Bytes([UInt8](repeating: UInt8(ascii: "-"), count: arguments.bodyBytes))) },
        to: QueueName<Bytes>(arguments.input))
    }
  }
}
