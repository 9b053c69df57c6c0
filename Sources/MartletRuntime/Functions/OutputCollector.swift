public import MartletCore

public import struct Foundation.Date

/// Gathers an invocation's outputs, encoded and with their ids.
@usableFromInline
struct OutputCollector: Sendable {
  private(set) var outputs = Outputs.nothing
  private let inputID: Message.Identifier
  private let function: String
  /// What the next ones belong to.
  var trace: TraceContext?
  private var output: Int
  private var index = 0

  init(inputID: Message.Identifier, function: String, trace: TraceContext?, output: Int = 0) {
    self.inputID = inputID
    self.function = function
    self.trace = trace
    self.output = output
  }

  /// Begins the output binding of that number.
  mutating func begin(output: Int) {
    self.output = output
    index = 0
  }

  mutating func add<Body>(_ body: Body, to name: QueueName<Body>) throws {
    try add(body, to: name.address, name.codec)
  }

  mutating func add<Body>(_ outgoing: Outgoing<Body>, to name: QueueName<Body>) throws {
    try add(outgoing, to: name.address, name.codec)
  }

  mutating func add<Body>(_ body: Body, to name: HubName<Body>) throws {
    try add(body, to: name.address, name.codec)
  }

  mutating func add<Body>(_ event: Outgoing<Body>, to name: HubName<Body>) throws {
    try checkTimes(event.deliverAt, event.timeToLive, name.address)
    try add(event, to: name.address, name.codec)
  }

  /// An event whose body is encoded already.
  @usableFromInline
  mutating func add(
    event body: Bytes, _ contentType: ContentType, key: String?, partition: Int?, messageID: String?, headers: Headers,
    to address: Address
  ) throws {
    if messageID != nil || !headers.isEmpty { try check(messageID, headers) }
    var message = OutgoingMessage(
      to: address, body: body, id: messageID ?? nextID(), contentType: contentType, key: key, headers: headers,
      trace: trace)
    if let partition { message.partition = partition }
    outputs.append(message)
    index += 1
  }

  /// So many more will be added.
  @usableFromInline
  mutating func reserve(_ count: Int) { outputs.reserve(count) }

  /// Hands over what was gathered.
  mutating func take() -> Outputs { outputs.take() }

  /// Events have neither.
  @usableFromInline
  func checkTimes(_ deliverAt: Date?, _ timeToLive: Duration?, _ address: Address) throws {
    guard deliverAt != nil || timeToLive != nil else { return }
    throw InvalidOutput(problem: "events have neither deliverAt nor timeToLive: \(address) is a log")
  }

  private func check(_ messageID: String?, _ headers: Headers) throws {
    if let id = messageID, id.isEmpty || id.utf8.count > 200 {
      throw InvalidOutput(problem: "messageID has \(id.utf8.count) bytes; 1 to 200 are possible")
    }
    if let header = headers.first(where: { $0.name.hasPrefix("martlet-") || $0.name.isEmpty }) {
      throw InvalidOutput(
        problem: "the header \"\(header.name)\" is reserved: names that begin with martlet- are Martlet's")
    }
  }

  private mutating func add<Body>(_ body: Body, to address: Address, _ codec: PayloadCodec<Body>) throws {
    outputs.append(
      OutgoingMessage(
        to: address, body: try codec.encode(body), id: nextID(), contentType: codec.contentType, trace: trace))
    index += 1
  }

  private mutating func add<Body>(
    _ outgoing: Outgoing<Body>, to address: Address, _ codec: PayloadCodec<Body>
  ) throws {
    try check(outgoing.messageID, outgoing.headers)
    if let timeToLive = outgoing.timeToLive, timeToLive <= .zero {
      throw InvalidOutput(problem: "timeToLive is \(timeToLive); it must be more than 0")
    }
    var message = OutgoingMessage(
      to: address, body: try codec.encode(outgoing.body), id: outgoing.messageID ?? nextID(),
      contentType: codec.contentType, key: outgoing.key, headers: outgoing.headers, trace: trace,
      deliverAt: outgoing.deliverAt, timeToLive: outgoing.timeToLive)
    if let partition = outgoing.partition { message.partition = partition }
    outputs.append(message)
    index += 1
  }

  private func nextID() -> String {
    MessageIdentifier.derived(from: inputID, function: function, output: output, index: index)
  }
}

/// An output that no broker can carry.
struct InvalidOutput: Error, CustomStringConvertible {
  let problem: String
  static let resultsOfAnotherBatch = InvalidOutput(problem: "the results that were returned belong to another batch")
  var description: String { problem }
}
