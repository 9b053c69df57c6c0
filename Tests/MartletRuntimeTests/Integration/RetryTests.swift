import Foundation
import MartletCore
import MartletRuntime
import Testing

@testable import MartletTestKit

/// When a failed message comes back.
struct RetryTests {
  private typealias Runs = Observed<[(attempt: Int, time: ContinuousClock.Instant)]>

  private static func waits(_ runs: [(attempt: Int, time: ContinuousClock.Instant)]) -> [Duration] {
    zip(runs, runs.dropFirst()).map { $1.time - $0.time }
  }

  @Test func `fixed delays, immediate tries first`() async throws {
    let runs = Runs([])
    try await TestApp.run {
      Function(
        "f", on: .queue(.input),
        retry: .fixedDelay(maxRetryCount: 4, delayInterval: .milliseconds(300), immediateRetryCount: 2)
      ) { message, context in
        runs.add((message.attempt, .now))
        throw Scripted()
      }
    } body: { app in
      try await app.send(["x"], to: .input)
      let all = try await runs.wait(count: 5)
      #expect(all.map(\.attempt) == [1, 2, 3, 4, 5])
      let waits = Self.waits(all)
      #expect(waits[0] < .milliseconds(300) && waits[1] < .milliseconds(300))
      #expect(waits[2] >= .milliseconds(295) && waits[3] >= .milliseconds(295))
      #expect(try await app.deadLetters(of: .input, count: 1).first?.reason.attempts == 5)
    }
  }

  @Test func `exponential delays grow`() async throws {
    let runs = Runs([])
    try await TestApp.run {
      Function(
        "f", on: .queue(.input),
        retry: .exponentialBackoff(
          maxRetryCount: 4, minimumInterval: .milliseconds(50), maximumInterval: .milliseconds(200))
      ) { message, context in
        runs.add((message.attempt, .now))
        throw Scripted()
      }
    } body: { app in
      try await app.send(["x"], to: .input)
      let waits = Self.waits(try await runs.wait(count: 5))
      for (wait, least) in zip(waits, [50, 90, 130, 200]) { #expect(wait >= .milliseconds(least - 3)) }
    }
  }

  @Test func `maxDequeueCount and visibilityTimeout where no policy is given`() async throws {
    let runs = Runs([])
    try await TestApp.run {
      Function("f", on: .queue(.input, maxDequeueCount: 3, visibilityTimeout: .milliseconds(100))) { message, context in
        runs.add((message.attempt, .now))
        throw Scripted()
      }
    } body: { app in
      try await app.send(["x"], to: .input)
      let all = try await runs.wait(count: 3)
      #expect(Self.waits(all).allSatisfy { $0 >= .milliseconds(97) })
      #expect(try await app.deadLetters(of: .input, count: 1).first?.reason.attempts == 3)
      #expect(runs.value.count == 3)
    }
  }

  @Test func `a thrown outcome sets the delay, and counts`() async throws {
    let runs = Runs([])
    try await TestApp.run {
      Function("f", on: .queue(.input, maxDequeueCount: 2)) { message, context in
        runs.add((message.attempt, .now))
        throw Outcome.retry(after: .milliseconds(200))
      }
    } body: { app in
      try await app.send(["x"], to: .input)
      let all = try await runs.wait(count: 2)
      #expect(Self.waits(all)[0] >= .milliseconds(195))
      #expect(try await app.deadLetters(of: .input, count: 1).first?.reason.attempts == 2)
    }
  }

  @Test func `a message that waits for its retry holds no worker and no place`() async throws {
    let seen = Observed<[String]>([])
    try await TestApp.run {
      Function(
        "f", on: .queue(.input, maxConcurrentCalls: 1, prefetchCount: 1),
        retry: .fixedDelay(maxRetryCount: 1, delayInterval: .seconds(2))
      ) { message, context in
        seen.add("\(message.body) \(message.attempt)")
        if message.body.hasPrefix("bad"), message.attempt == 1 { throw Scripted() }
      }
    } body: { app in
      try await app.send(["bad 1", "bad 2", "bad 3"] + (0..<50).map { "good \($0)" }, to: .input)
      let all = try await seen.wait(count: 56)
      #expect(Set(all.suffix(3)) == ["bad 1 2", "bad 2 2", "bad 3 2"])
    }
  }

  @Test func `messages of a batch have outcomes of their own`() async throws {
    let seen = Observed<[String]>([])
    let sent = Observed<[String]>([])
    try await TestApp.run {
      Function(
        "f", on: .queue(.input, maxMessageBatchSize: 10, maxDequeueCount: 3), to: .queue(.output)
      ) { batch, context in
        try context.send("by hand", to: .output)
        return await batch.results { message in
          seen.add("\(message.body) \(message.attempt)")
          switch message.body {
          case "dead": return .deadLetter("wrong")
          case "again": return message.attempt == 1 ? .retry() : .success("done \(message.body)")
          case "throws": throw Scripted()
          default: return .success("done \(message.body)")
          }
        }
      }
      Function("read", on: .queue(.output)) { message, context in sent.add("\(message.body) \(message.id)") }
    } body: { app in
      let bodies = ["good", "dead", "again", "throws", "fine"]
      try await app.host.send(bodies.map { Outgoing($0, messageID: $0) }, to: .input)
      let letters = try await app.deadLetters(of: .input, count: 2)
      #expect(
        Set(letters.map { "\($0.message.id) \($0.reason.code) \($0.reason.attempts)" }) == [
          "dead Rejected 1", "throws MaxDeliveryCountExceeded 3",
        ])
      try await app.waitUntilEmpty(.input)
      try await app.waitUntilEmpty(.output)
      #expect(
        Set(seen.value) == [
          "good 1", "dead 1", "again 1", "throws 1", "fine 1", "again 2", "throws 2", "throws 3",
        ])
      let own = Set(sent.value.filter { $0.hasPrefix("done") })
      #expect(own == ["done good good/f.0.0", "done again again/f.0.0", "done fine fine/f.0.0"])
      #expect(sent.value.contains { $0.hasPrefix("by hand") })
    }
  }

  @Test func `a batch that fails fails as a whole`() async throws {
    let sizes = Observed<[Int]>([])
    try await TestApp.run {
      Function(
        "f", on: .queue(.numbers, maxMessageBatchSize: 10, minMessageBatchSize: 3, maxBatchWaitTime: .seconds(20))
      ) {
        batch, context in
        sizes.add(batch.count)
        if batch.first?.attempt == 1 { throw Scripted() }
      }
    } body: { app in
      try await app.send([1, 2, 3], to: .numbers)
      #expect(try await sizes.wait(count: 2) == [3, 3])
      try await app.waitUntilEmpty(.numbers)
    }
  }
}
