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
  @inlinable
  public static func eventHub<Body>(_ name: HubName<Body>) -> Output where Result == [Outgoing<Body>] {
    // Compiled where the payload's type is known: for each event, that is several times as fast.
    Output(address: name.address, hub: name.declaration) { events, collector in
      let (address, codec) = (name.address, name.codec)
      collector.reserve(events.count)
      for event in events {
        try collector.checkTimes(event.deliverAt, event.timeToLive, address)
        try collector.add(
          event: codec.encode(event.body), codec.contentType, key: event.key, partition: event.partition,
          messageID: event.messageID, headers: event.headers, to: address)
      }
    }
  }
}
