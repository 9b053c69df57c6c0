public import MartletCore

/// Where one of a function's returned values goes. `Result` is what the function returns for it: the payload itself,
/// an optional, an array, or `Outgoing`s of it.
public struct Output<Result: Sendable>: Sendable {
  let address: Address
  /// What the hub is like where it has to be made; nil for what is no hub.
  let hub: HubDeclaration?
  let emit: @Sendable (Result, inout OutputCollector) throws -> Void

  @usableFromInline
  init(
    address: Address, hub: HubDeclaration?, emit: @escaping @Sendable (Result, inout OutputCollector) throws -> Void
  ) {
    self.address = address
    self.hub = hub
    self.emit = emit
  }

  /// Adds what was returned for this output, the one of that number, and counts on.
  func add(_ result: Result, number: inout Int, into collector: inout OutputCollector) throws {
    collector.begin(output: number)
    try emit(result, &collector)
    number += 1
  }
}

extension Output {
  private init<Body>(
    _ name: QueueName<Body>, _ emit: @escaping @Sendable (Result, QueueName<Body>, inout OutputCollector) throws -> Void
  ) {
    address = name.address
    hub = nil
    self.emit = { try emit($0, name, &$1) }
  }

  /// Each returned value is a message.
  public static func queue(_ name: QueueName<Result>) -> Output {
    Output(name) { try $2.add($0, to: $1) }
  }

  /// A returned value is a message; nil is none.
  public static func queue<Body>(_ name: QueueName<Body>) -> Output where Result == Body? {
    Output(name) { if let body = $0 { try $2.add(body, to: $1) } }
  }

  /// Every element is a message.
  public static func queue<Body>(_ name: QueueName<Body>) -> Output where Result == [Body] {
    Output(name) { for body in $0 { try $2.add(body, to: $1) } }
  }

  /// Each returned value is a message.
  public static func queue<Body>(_ name: QueueName<Body>) -> Output where Result == Outgoing<Body> {
    Output(name) { try $2.add($0, to: $1) }
  }

  /// A returned value is a message; nil is none.
  public static func queue<Body>(_ name: QueueName<Body>) -> Output where Result == Outgoing<Body>? {
    Output(name) { if let message = $0 { try $2.add(message, to: $1) } }
  }

  /// Every element is a message.
  public static func queue<Body>(_ name: QueueName<Body>) -> Output where Result == [Outgoing<Body>] {
    Output(name) { for message in $0 { try $2.add(message, to: $1) } }
  }
}
