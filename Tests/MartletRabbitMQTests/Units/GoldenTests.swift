import CRabbitMQ
import Foundation
import MartletCore
import Testing

@testable import MartletRabbitMQ

/// What lies on brokers already: queues with these arguments, messages of these bytes.
@Suite struct GoldenTests {
  private func golden(_ name: String) throws -> String { try String(contentsOf: file(name), encoding: .utf8) }

  private func file(_ name: String) -> URL {
    let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return directory.appending(path: "Golden/\(name)")
  }

  /// Compares. A new file is written when it is missing; delete one only to break with what is on brokers.
  private func expect(_ lines: [String], in name: String) throws {
    let text = lines.joined(separator: "\n") + "\n"
    guard FileManager.default.fileExists(atPath: file(name).path) else {
      try text.write(to: file(name), atomically: true, encoding: .utf8)
      Issue.record("\(name) was missing and is written now")
      return
    }
    #expect(text == (try golden(name)))
  }

  private func text(_ arguments: [Header]) -> String {
    arguments.map { header in
      switch header.value {
      case .string(let text): "  \(header.name) = \"\(text)\""
      default: "  \(header.name) = \(header.value.text ?? "?")"
      }
    }.joined(separator: "\n")
  }

  @Test func declarations() throws {
    var lines: [String] = []
    for queue in ["orders", "orders.suspects", "orders.dead"] {
      lines += ["queue \(queue)", text(QueueLayout.arguments(of: queue))]
    }
    lines += ["bind queue orders to \(DelayLadder.delivery)", "  " + DelayLadder.pattern(of: "orders")]
    lines += ["queue \(DelayLadder.unroutable)", text(QueueLayout.unroutableArguments)]
    for level in 0..<DelayLadder.levels {
      let name = DelayLadder.name(ofLevel: level)
      lines += ["queue \(name)", text(QueueLayout.arguments(ofLevel: level))]
      lines += ["bind queue \(name) to \(name)", "  " + DelayLadder.pattern(ofLevel: level, digit: 1)]
      lines += [
        "bind exchange \(DelayLadder.exchange(below: level)) to \(name)",
        "  " + DelayLadder.pattern(ofLevel: level, digit: 0),
      ]
    }
    try expect(lines, in: "declarations.txt")
  }

  @Test func hubs() throws {
    let group = ConsumerGroup(hub: "readings", name: "detect")
    let store = StoreIdentity(uuid: String(repeating: "5", count: 32), place: "embedded:/data/martlet.db on web-2")
    let partition = HubPartition(hub: "readings", number: 0)
    try expect(
      [
        "exchange \(HubLayout.exchange(of: "readings"))", text(HubLayout.marker(16)),
        "stream \(HubLayout.stream(of: partition))",
        text(HubLayout.arguments(HubRetention(age: .seconds(3600), bytes: 40 << 20))),
        "exchange \(StoreMarker.exchange(of: group))", text(StoreMarker.arguments(store)),
      ], in: "hubs.txt")
  }

  private static func message() -> OutgoingMessage {
    OutgoingMessage(
      to: .queue("orders"), body: "{}".bytes, id: "m-1", contentType: .json, key: "k",
      headers: ["color": "red", "CC": "x", "amqp-type": "order"],
      trace: TraceContext(traceID: 1, spanID: 2, flags: 1, state: "a=1"))
  }

  @Test func bytes() throws {
    let output = FrameBuffer()
    let extras = MessageEncoder.Extras(
      attempts: 2, expiresAt: 1_800_000_000_000, expiration: 60_000,
      deliverAt: 1_900_000_000_000, reason: [Header(WireField.deadLetterReason, "Rejected")])
    #expect(
      MessageEncoder.encode(
        [Self.message()], at: 0, to: Route(exchange: "martlet.delay.3", routingKey: "0.1.orders"), extras,
        sentAt: 1_700_000_000, channel: 1, into: output))
    let hex = output.pending.map { byte in
      let text = String(byte, radix: 16)
      return byte < 16 ? "0" + text : text
    }.joined()
    try expect(stride(from: 0, to: hex.count, by: 100).map { String(hex.dropFirst($0).prefix(100)) }, in: "message.hex")
  }

  @Test func bytesOfEarlierReleasesAreRead() throws {
    let hex = try golden("message.hex").filter { !$0.isWhitespace }.utf8.map { $0 }
    let bytes = stride(from: 0, to: hex.count, by: 2).compactMap {
      UInt8(String(decoding: hex[$0..<$0 + 2], as: UTF8.self), radix: 16)
    }
    // The method frame first; the header frame behind it.
    let size = 7 + bytes[3..<7].reduce(0) { $0 << 8 | Int($1) } + 1
    let length = bytes[(size + 3)..<(size + 7)].reduce(0) { $0 << 8 | Int($1) }
    let received = bytes[(size + 7)..<(size + 7 + length)].withUnsafeBytes { payload in
      let pool = DecodePool()
      var decoder = MessageDecoder()
      return decoder.message(pool.properties(of: Frame(type: Frame.header, channel: 1, payload: payload)))
    }
    let sent = Self.message()
    #expect(received.message.id == "m-1")
    #expect(received.message.contentType == .json)
    #expect(received.message.key == "k")
    #expect(received.message.trace == sent.trace)
    #expect(Set(received.message.headers) == Set(sent.headers))
    #expect(received.message.enqueuedAt == Date(timeIntervalSince1970: 1_700_000_000))
    #expect(received.message.expiresAt == Date(timeIntervalSince1970: 1_800_000_000))
    #expect(received.deliverAt == Date(timeIntervalSince1970: 1_900_000_000))
    #expect(received.attempts == 2)
    #expect(received.reason == [Header(WireField.deadLetterReason, "Rejected")])
  }
}
