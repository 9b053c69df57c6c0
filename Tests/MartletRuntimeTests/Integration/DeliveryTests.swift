import Foundation
import MartletCore
import MartletRuntime
import Testing

@testable import MartletTestKit

/// What becomes of messages and outputs, from queue to queue.
struct DeliveryTests {
  @Test func `outputs of every shape arrive`() async throws {
    let seen = Observed<[String]>([])
    try await TestApp.run {
      Function("split", on: .queue(.input), to: .queue(.output), .queue(.numbers)) { line, context in
        try context.send("by hand", to: .output)
        return ([Outgoing(line.body, key: "k", headers: ["n": 7])], line.body == "a" ? 1 : nil as Int?)
      }
      Function("read", on: .queue(.output)) { message, context in
        seen.add("\(message.body) \(message.key ?? "-") \(message.headers["n"]?.text ?? "-") \(message.id)")
      }
      Function("count", on: .queue(.numbers)) { message, context in
        seen.add("\(message.body) \(message.contentType?.description ?? "")")
      }
    } body: { app in
      try await app.host.send(Outgoing("a", messageID: "m1"), to: .input)
      try await app.host.send(Outgoing("b", messageID: "m2"), to: .input)
      let all = try await seen.wait(count: 5)
      #expect(
        Set(all) == [
          "a k 7 m1/split.0.0", "b k 7 m2/split.0.0", "1 application/json", "by hand - - m1/split.2.0",
          "by hand - - m2/split.2.0",
        ])
    }
  }

  @Test func `a failed invocation sends nothing`() async throws {
    let seen = Observed<[String]>([])
    try await TestApp.run {
      Function("f", on: .queue(.input), to: .queue(.output)) { message, context -> String in
        try context.send("by hand \(message.attempt)", to: .output)
        if message.attempt < 3 { throw Scripted() }
        return "returned \(message.attempt)"
      }
      Function("read", on: .queue(.output)) { message, context in seen.add(message.body) }
    } body: { app in
      try await app.send(["x"], to: .input)
      #expect(Set(try await seen.wait(count: 2)) == ["by hand 3", "returned 3"])
      try await app.waitUntilEmpty(.output)
      #expect(seen.value.count == 2)
    }
  }

  @Test func `what cannot be decoded goes straight to the dead letters, its neighbours run`() async throws {
    let seen = Observed<[Int]>([])
    try await TestApp.run {
      Function("f", on: .queue(.numbers)) { number, context in seen.add(number.body) }
      Function("batch", on: .queue(.others, maxMessageBatchSize: 10)) { batch, context in
        for number in batch { seen.add(number.body) }
      }
    } body: { app in
      for queue in [QueueName<String>("numbers"), "others"] {
        try await app.send(["1", "one", "2", "{", "", "3"], to: queue)
      }
      #expect(try await seen.wait(count: 6).sorted() == [1, 1, 2, 2, 3, 3])
      for queue in [QueueName<Int>.numbers, .others] {
        let letters = try await app.deadLetters(of: queue, count: 3)
        #expect(Set(letters.map(\.message.body.string)) == ["one", "{", ""])
        #expect(letters.allSatisfy { $0.reason.code == .undecodable && $0.reason.attempts == 1 })
        #expect(letters.allSatisfy { !$0.reason.errorText.isEmpty })
      }
    }
  }

  @Test func `a dead letter says where it comes from and why`() async throws {
    try await TestApp.run {
      Function("f", on: .queue(.input, maxDequeueCount: 2)) { message, context in
        if message.body == "reject" { throw Outcome.deadLetter("no such customer") }
        throw Scripted()
      }
    } body: { app in
      try await app.host.send(Outgoing("fail", key: "k", messageID: "m1", headers: ["a": "b"]), to: .input)
      try await app.host.send(Outgoing("reject", messageID: "m2"), to: .input)
      let letters = try await app.deadLetters(of: .input, count: 2).sorted { $0.message.id < $1.message.id }
      let (failed, rejected) = (letters[0], letters[1])
      #expect(failed.message.id == "m1")
      #expect(failed.message.key == "k")
      #expect(failed.message.headers["a"]?.text == "b")
      #expect(failed.reason.code == .attemptsExhausted)
      #expect(failed.reason.function == "f")
      #expect(failed.reason.errorText == "scripted")
      #expect(failed.reason.errorType?.hasSuffix("Scripted") == true)
      #expect(failed.reason.attempts == 2)
      #expect(failed.reason.source == .queue("in"))
      #expect(failed.reason.traceID == failed.message.trace?.traceIDText)
      #expect(rejected.reason.code == .rejected)
      #expect(rejected.reason.errorText == "no such customer")
      #expect(rejected.reason.attempts == 1)
    }
  }

  @Test func `the trace goes on from input to output`() async throws {
    let traces = Observed<[TraceContext?]>([])
    try await TestApp.run {
      Function("f", on: .queue(.input), to: .queue(.output)) { message, context in
        traces.add(message.trace)
        traces.add(context.trace)
        return message.body
      }
      Function("g", on: .queue(.output)) { message, context in traces.add(message.trace) }
    } body: { app in
      try await app.send(["x"], to: .input)
      let all = try await traces.wait(count: 3)
      #expect(Set(all.map { $0?.traceID }).count == 1)
      #expect(all[0]?.traceID != nil)
      #expect(all[0]?.spanID != all[1]?.spanID)
      #expect(all[1] == all[2])
    }
  }

  @Test func `a message may wait for its time`() async throws {
    let seen = Observed<[ContinuousClock.Instant]>([])
    try await TestApp.run {
      Function("f", on: .queue(.input), to: .queue(.output)) { message, context in
        Outgoing("later", deliverAt: Date() + 0.3)
      }
      Function("g", on: .queue(.output)) { message, context in seen.add(.now) }
    } body: { app in
      let start = ContinuousClock.now
      try await app.send(["x"], to: .input)
      #expect(try await seen.wait(count: 1)[0] - start >= .milliseconds(290))
    }
  }

  @Test func `what has become too old while it waited does not run`() async throws {
    let (seen, isLater) = (Observed<[String]>([]), Observed(false))
    try await TestApp.run {
      Function("f", on: .queue(.input, maxConcurrentCalls: 1)) { message, context in
        if message.body == "slow" { try await isLater.until("the time behind the end") { $0 } }
        seen.add(message.body)
      }
      Function("clock", on: .queue(.output)) { message, context in isLater.update { $0 = true } }
    } body: { app in
      try await app.host.send(
        [Outgoing("slow"), Outgoing("short-lived", timeToLive: .milliseconds(50)), Outgoing("last")], to: .input)
      try await app.host.send(Outgoing("later", deliverAt: Date() + 0.1), to: .output)
      #expect(try await seen.wait(count: 2) == ["slow", "last"])
      let letters = try await app.deadLetters(of: .input, count: 1)
      #expect(letters.map(\.reason.code) == [.expired])
      #expect(letters.map(\.message.body.string) == ["short-lived"])
    }
  }

  @Test func `an output that no broker takes fails the invocation, and no neighbour`() async throws {
    let seen = Observed<[Int]>([])
    var configuration = HostConfiguration(broker: "embedded:", logger: Logger(sink: .discard))
    configuration.maxMessageBytes = 1024
    try await TestApp.run(configuration) {
      Function("f", on: .queue(.numbers, maxDequeueCount: 2), to: .queue(.output)) { number, context in
        String(repeating: "x", count: number.body)
      }
      Function("read", on: .queue(.output)) { message, context in seen.add(message.body.count) }
    } body: { app in
      try await app.send([10, 5000, 20, 5001, 30], to: .numbers)
      #expect(try await seen.wait(count: 3).sorted() == [10, 20, 30])
      let letters = try await app.deadLetters(of: .numbers, count: 2)
      #expect(Set(letters.map(\.message.body.string)) == ["5000", "5001"])
      #expect(letters.allSatisfy { $0.reason.attempts == 2 && $0.reason.code == .attemptsExhausted })
      #expect(letters.allSatisfy { $0.reason.errorType == "MartletCore.BrokerError" })
    }
  }

  @Test func `impossible sends by hand fail the invocation`() async throws {
    try await TestApp.run {
      Function("f", on: .queue(.input, maxDequeueCount: 1)) { message, context in
        try context.send("x", to: message.body == "name" ? "a b" : QueueName("a", connection: "nowhere"))
      }
    } body: { app in
      try await app.send(["name", "connection"], to: .input)
      let letters = try await app.deadLetters(of: .input, count: 2)
      #expect(
        Set(letters.map(\.reason.errorText)) == [
          "cannot send to queue:a b: the name may hold letters, digits and - _ . / : only",
          "cannot send to queue:a: the connection \"nowhere\" is not configured",
        ])
    }
  }

  @Test func `input on one broker, output on another`() async throws {
    let seen = Observed<[String]>([])
    let configuration = HostConfiguration(
      broker: "embedded:memory/1", connections: ["second": "embedded:memory/2"], logger: Logger(sink: .discard))
    try await TestApp.run(configuration) {
      Function("f", on: .queue(.input), to: .queue(.elsewhere), .queue(.output)) { message, context in
        (message.body + " there", message.body + " here")
      }
      Function("there", on: .queue(.elsewhere)) { message, context in seen.add(message.body) }
      Function("here", on: .queue(.output)) { message, context in seen.add(message.body) }
    } body: { app in
      try await app.send((0..<500).map { "\($0)" }, to: .input)
      let all = try await seen.wait(count: 1000)
      #expect(Set(all) == Set((0..<500).flatMap { ["\($0) there", "\($0) here"] }))
      try await app.waitUntilEmpty(.input)
      try await app.waitUntilEmpty(.elsewhere)
      #expect(seen.value.count == 1000)
    }
  }

  @Test func `an output that the other broker refuses fails its invocation alone`() async throws {
    let seen = Observed<[String]>([])
    var configuration = HostConfiguration(
      broker: "embedded:memory/1", connections: ["second": "embedded:memory/2"], logger: Logger(sink: .discard))
    configuration.maxMessageBytes = 1024
    try await TestApp.run(configuration) {
      Function("f", on: .queue(.numbers, maxDequeueCount: 2), to: .queue(.elsewhere), .queue(.output)) {
        number, context in
        (String(repeating: "x", count: number.body), "\(number.body)")
      }
      Function("there", on: .queue(.elsewhere)) { message, context in seen.add("there \(message.body.count)") }
      Function("here", on: .queue(.output)) { message, context in seen.add("here \(message.body)") }
    } body: { app in
      try await app.send([1, 2000, 3], to: .numbers)
      #expect(Set(try await seen.wait(count: 4)) == ["there 1", "here 1", "there 3", "here 3"])
      let letters = try await app.deadLetters(of: .numbers, count: 1)
      #expect(letters.map(\.message.body.string) == ["2000"])
      try await app.waitUntilEmpty(.output)
      #expect(seen.value.count == 4, "the refused one sent nothing to its own broker either")
    }
  }
}
