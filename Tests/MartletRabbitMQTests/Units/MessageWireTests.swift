import CRabbitMQ
import Foundation
import MartletCore
import Testing

@testable import MartletRabbitMQ

/// From a message to frames and back, without a broker.
@Suite struct MessageWireTests {
  /// The content header of what was encoded, as a frame.
  private func header(of output: FrameBuffer) throws -> [UInt8] {
    var rest = Array(output.pending)[...]
    while rest.count > 8 {
      let size = rest[(rest.startIndex + 3)..<(rest.startIndex + 7)].reduce(0) { $0 << 8 | Int($1) }
      let payload = rest[(rest.startIndex + 7)..<(rest.startIndex + 7 + size)]
      if rest.first == Frame.header { return Array(payload) }
      rest = rest.dropFirst(size + 8)
    }
    throw TestFailure("no header frame")
  }

  private func decode(_ header: [UInt8]) -> ReceivedMessage {
    header.withUnsafeBytes { payload in
      let pool = DecodePool()
      var decoder = MessageDecoder()
      return decoder.message(pool.properties(of: Frame(type: Frame.header, channel: 1, payload: payload)))
    }
  }

  private func roundTrip(_ message: OutgoingMessage, _ extras: MessageEncoder.Extras = .init()) throws
    -> ReceivedMessage
  {
    let output = FrameBuffer()
    #expect(
      MessageEncoder.encode(
        [message], at: 0, to: Route(routingKey: "q"), extras, sentAt: 1, channel: 1, into: output))
    return decode(try header(of: output))
  }

  private static let everyType: [Header] = [
    Header("string", "grüße\n\u{0}"), Header("empty", ""), Header("int", .int(.min)), Header("double", 1.5),
    Header("true", true), Header("bytes", .bytes(Bytes([0, 255, 10]))),
    Header("timestamp", .timestamp(Date(timeIntervalSince1970: 1_700_000_000))),
    Header("array", .array(["a", 1, .null, .array([])])),
    Header("table", .table([Header("inner", .table([Header("x", 1)]))])), Header("null", .null), Header("", "no name"),
  ]

  @Test func everyTypeComesBack() throws {
    var message = OutgoingMessage(to: .queue("q"), body: "x".bytes, id: "id", contentType: .json, key: "k")
    message.headers = Headers(Self.everyType)
    message.trace = TraceContext(traceID: 1, spanID: 2, state: "s=1")
    let received = try roundTrip(
      message,
      MessageEncoder.Extras(
        attempts: 3, expiresAt: 1_800_000_000_500,
        deliverAt: 1_900_000_000_000))
    #expect(Array(received.message.headers) == Self.everyType)
    #expect(received.message.key == "k")
    #expect(received.message.trace == message.trace)
    #expect(received.attempts == 3)
    #expect(received.message.expiresAt == Date(timeIntervalSince1970: 1_800_000_000.5))
    #expect(received.deliverAt == Date(timeIntervalSince1970: 1_900_000_000))
  }

  @Test func namesThatMeanSomethingToOthersAreKeptApart() throws {
    var message = OutgoingMessage(to: .queue("q"), body: Bytes(), id: "id")
    message.headers = [
      "CC": .array(["other"]), "BCC": "x", "x-death": .array([]), "martlet-attempts": 9, "traceparent": "mine",
      "x-request-id": "7", "amqp-correlation-id": "c-1", "amqp-reply-to": "back",
    ]
    let output = FrameBuffer()
    #expect(
      MessageEncoder.encode([message], at: 0, to: Route(routingKey: "q"), .init(), sentAt: 1, channel: 1, into: output))
    let received = decode(try header(of: output))
    #expect(Set(received.message.headers) == Set(message.headers))
    #expect(received.attempts == 0)
    #expect(received.message.trace == nil)
    let text = String(decoding: output.pending, as: UTF8.self)
    #expect(text.contains("martlet-header-CC"))
    #expect(!text.contains("amqp-correlation-id"))
  }

  @Test func depthIsLimitedBothWays() throws {
    func nested(_ depth: Int) -> HeaderValue { depth <= 1 ? "end" : .array([nested(depth - 1)]) }
    var message = OutgoingMessage(to: .queue("q"), body: Bytes(), id: "id")
    message.headers = ["deep": nested(HeaderValue.deepest)]
    #expect(MessageEncoder.problem(with: [message], at: 0, limit: 10) == nil)
    #expect(try roundTrip(message).message.headers["deep"] == nested(HeaderValue.deepest))
    message.headers = ["deep": nested(HeaderValue.deepest + 1)]
    #expect(MessageEncoder.problem(with: [message], at: 0, limit: 10)?.code == .tooLarge)
    // Who sends it all the same is read as far as it goes.
    #expect(try roundTrip(message).message.headers["deep"]?.depth == HeaderValue.deepest)
  }

  @Test func theTypesOfStrangersAreUnderstood() {
    var fields: [UInt8] = []
    fields += Stranger.field("i8", "b", [0xff]) + Stranger.field("u8", "B", [0xff])
    fields += Stranger.field("i16", "s", [0xff, 0xfe]) + Stranger.field("u16", "u", [0xff, 0xfe])
    fields +=
      Stranger.field("i32", "I", [0xff, 0xff, 0xff, 0xff]) + Stranger.field("u32", "i", [0xff, 0xff, 0xff, 0xff])
    fields += Stranger.field("f", "f", [0x3f, 0xc0, 0, 0])
    fields += Stranger.field("decimal", "D", [2, 0, 0, 0, 5])
    fields += Stranger.field("u64", "L", Array(repeating: 0xff, count: 8))
    fields += Stranger.field("text", "S", Stranger.length(2) + [0xff, 0x41])
    fields += Stranger.field("martlet-attempts", "S", Stranger.length(3) + Array("abc".utf8))
    fields += Stranger.field("x-delivery-count", "V", [])
    let received = decode(header(flags: 1 << 13, Stranger.table(fields)))
    #expect(
      Array(received.message.headers) == [
        Header("i8", -1), Header("u8", 255), Header("i16", -2), Header("u16", 65_534), Header("i32", -1),
        Header("u32", 4_294_967_295), Header("f", 1.5), Header("decimal", "0.05"),
        Header("u64", "18446744073709551615"), Header("text", "\u{fffd}A"),
      ])
    #expect(received.attempts == 0)
    #expect(received.message.id.count == 32)
  }

  private func header(flags: UInt16, _ properties: [UInt8]) -> [UInt8] {
    [0, 0x3C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, UInt8(flags >> 8), UInt8(flags & 0xff)] + properties
  }

  @Test func whatCannotBeReadIsAMessageWithoutProperties() {
    for properties in [[], [0xff, 0xff, 0xff, 0xff], Stranger.table(Stranger.field("a", "?", [])), [0, 0, 0, 9, 1]] {
      let received = decode(header(flags: 1 << 13, properties))
      #expect(received.message.headers.isEmpty)
      #expect(!received.message.id.isEmpty)
    }
  }

  @Test func everyShortenedOrBrokenHeaderIsSurvived() throws {
    var message = OutgoingMessage(to: .queue("q"), body: Bytes(), id: "id", contentType: .json, key: "k")
    message.headers = Headers(Self.everyType)
    let output = FrameBuffer()
    #expect(
      MessageEncoder.encode([message], at: 0, to: Route(routingKey: "q"), .init(), sentAt: 1, channel: 1, into: output))
    let whole = try header(of: output)
    for length in 0..<whole.count { _ = decode(Array(whole[..<length])) }
    var random = SystemRandomNumberGenerator()
    for _ in 0..<5000 {
      var broken = whole
      for _ in 0..<3 {
        broken[Int.random(in: 12..<broken.count, using: &random)] = .random(in: 0...255, using: &random)
      }
      _ = decode(broken)
    }
  }

  @Test func nestingAsDeepAsAFrameAllowsDoesNotEndTheProcess() async {
    let depth = 26_000
    var all: [UInt8] = []
    for level in 0..<depth {
      all.append(UInt8(ascii: "A"))
      all += Stranger.length((depth - level - 1) * 5)
    }
    let header = header(flags: 1 << 13, Stranger.table([1, 0x61] + all))
    let count = await withCheckedContinuation { continuation in
      NamedThread.start("deep", stackBytes: ConnectionStack.bytes) {
        continuation.resume(returning: decode(header).message.headers.count)
      }.detach()
    }
    #expect(count == 1)
  }

  @Test func headersLargerThanAFrameAreRefusedAndLeaveNothingBehind() {
    var message = OutgoingMessage(to: .queue("q"), body: "x".bytes, id: "id")
    message.headers = ["large": .string(String(repeating: "x", count: 131_072))]
    let output = FrameBuffer()
    #expect(
      !MessageEncoder.encode([message], at: 0, to: Route(routingKey: "q"), .init(), sentAt: 1, channel: 1, into: output)
    )
    #expect(output.count == 0)
    message.headers = ["large": .string(String(repeating: "x", count: 120_000))]
    #expect(
      MessageEncoder.encode([message], at: 0, to: Route(routingKey: "q"), .init(), sentAt: 1, channel: 1, into: output))
  }

  @Test func aBodyIsSplitByTheFrameSize() throws {
    let output = FrameBuffer()
    output.frameMax = 4096
    let body = Bytes(Array(repeating: 7, count: 10_000))
    let message = OutgoingMessage(to: .queue("q"), body: body, id: "id")
    #expect(
      MessageEncoder.encode([message], at: 0, to: Route(routingKey: "q"), .init(), sentAt: 1, channel: 1, into: output))
    var rest = Array(output.pending)[...]
    var sizes: [Int] = []
    while rest.count >= 8 {
      let size = rest[(rest.startIndex + 3)..<(rest.startIndex + 7)].reduce(0) { $0 << 8 | Int($1) }
      if rest.first == Frame.body { sizes.append(size) }
      #expect(rest[rest.startIndex + 7 + size] == Frame.end)
      rest = rest.dropFirst(size + 8)
    }
    #expect(sizes == [4088, 4088, 1824])
  }
}
