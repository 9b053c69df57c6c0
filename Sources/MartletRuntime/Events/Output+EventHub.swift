public import MartletCore

extension Output {
  private init<Body>(
    _ name: HubName<Body>, _ emit: @escaping @Sendable (Result, HubName<Body>, inout OutputCollector) throws -> Void
  ) {
    address = name.address
    hub = name.declaration
    self.emit = { try emit($0, name, &$1) }
  }

  /// Each returned value is an event.
  public static func eventHub(_ name: HubName<Result>) -> Output {
    Output(name) { try $2.add($0, to: $1) }
  }

  /// A returned value is an event; nil is none.
  public static func eventHub<Body>(_ name: HubName<Body>) -> Output where Result == Body? {
    Output(name) { if let body = $0 { try $2.add(body, to: $1) } }
  }

  /// Every element is an event.
  public static func eventHub<Body>(_ name: HubName<Body>) -> Output where Result == [Body] {
    Output(name) { for body in $0 { try $2.add(body, to: $1) } }
  }

  /// Each returned value is an event.
  public static func eventHub<Body>(_ name: HubName<Body>) -> Output where Result == Outgoing<Body> {
    Output(name) { try $2.add($0, to: $1) }
  }

  /// A returned value is an event; nil is none.
  public static func eventHub<Body>(_ name: HubName<Body>) -> Output where Result == Outgoing<Body>? {
    Output(name) { if let event = $0 { try $2.add(event, to: $1) } }
  }

  /// Every element is an event.
  public static func eventHub<Body>(_ name: HubName<Body>) -> Output where Result == [Outgoing<Body>] {
    Output(name) { for event in $0 { try $2.add(event, to: $1) } }
  }
}
