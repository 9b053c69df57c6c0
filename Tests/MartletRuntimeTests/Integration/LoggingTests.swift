import MartletCore
import MartletRuntime
import Testing

@testable import MartletTestKit

struct LoggingTests {
  @Test func `what a function logs, and what is logged of it, says which run it was`() async throws {
    let records = Observed<[LogRecord]>([])
    let configuration = HostConfiguration(
      broker: "embedded:", logger: Logger(sink: LogSink { record in records.add(record) }))
    try await TestApp.run(configuration) {
      Function("bill", on: .queue(.input, maxDequeueCount: 1)) { message, context in
        context.logger.information("here")
        throw Scripted()
      }
    } body: { app in
      try await app.host.send(Outgoing("x", messageID: "m1"), to: .input)
      _ = try await app.deadLetters(of: .input, count: 1)
      for text in ["here", "dead-lettered"] {
        let record = try await records.wait("the line") { $0.first { $0.message.hasPrefix(text) } }
        let fields = Dictionary(uniqueKeysWithValues: record.fields.map { ($0.name, $0.value) })
        #expect(Set(fields.keys) == ["function", "invocation", "messageID", "attempt", "trace"], "\(text)")
        #expect(fields["function"] == "bill" && fields["messageID"] == "m1" && fields["attempt"] == "1")
        #expect(fields["trace"]?.count == 32 && fields["invocation"]?.hasSuffix("-bill-1") == true)
      }
    }
  }
}
