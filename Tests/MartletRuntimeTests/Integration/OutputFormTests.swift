import Foundation
import MartletCore
import MartletRuntime
import Testing

@testable import MartletTestKit

/// What functions return, seen by who reads it.
struct OutputFormTests {
  @Test func `three outputs, each with all that an outgoing message can have`() async throws {
    let seen = Observed<[String]>([])
    let (text, bytes, data) = (QueueName<String>("text"), QueueName<[UInt8]>("bytes"), QueueName<Data>("data"))
    let due = Date() + 0.5
    try await TestApp.run {
      Function("f", on: .queue(.input), to: .queue(text), .queue(bytes), .queue(data)) { message, _ in
        (
          Outgoing(
            message.body, key: "k", messageID: "mine", deliverAt: due, timeToLive: .seconds(60),
            headers: ["severity": "high", "count": 3]),
          [[1, 2], [], [255]] as [[UInt8]],
          message.body == "a" ? Data([7]) : nil
        )
      }
      Function("text", on: .queue(text)) { message, _ in
        let left = message.expiresAt.map { $0.timeIntervalSince(due) } ?? 0
        let isInTime = Date() >= due && left > 59 && left < 600
        let headers = "\(message.headers["severity"]?.text ?? "-") \(message.headers["count"]?.text ?? "-")"
        seen.add("\(message.body) \(message.key ?? "-") \(message.id) \(headers) \(isInTime)")
      }
      Function("bytes", on: .queue(bytes)) { message, _ in seen.add("\(message.body)") }
      Function("data", on: .queue(data)) { message, _ in seen.add("data \(Array(message.body))") }
    } body: { app in
      try await app.send(["a", "b"], to: .input)
      let all = try await seen.wait(count: 9)
      #expect(
        all.sorted() == [
          "[1, 2]", "[1, 2]", "[255]", "[255]", "[]", "[]", "a k mine high 3 true", "b k mine high 3 true", "data [7]",
        ])
    }
  }
}
