import Foundation
import MartletCore
import MartletRuntime
import Testing

@testable import MartletTestKit

/// Functions that take too long. One at a time: they keep processors busy.
@Suite(.serialized)
struct TimeoutTests {
  @Test func `a function that heeds its cancellation is a failed attempt`() async throws {
    let attempts = Observed<[Int]>([])
    try await TestApp.run {
      Function("f", on: .queue(.input, maxDequeueCount: 2), functionTimeout: .milliseconds(100)) { message, context in
        attempts.add(message.attempt)
        #expect(context.deadline != nil)
        await untilCancelled()
        throw CancellationError()
      }
    } body: { app in
      try await app.send(["x"], to: .input)
      let letter = try await app.deadLetters(of: .input, count: 1).first
      #expect(letter?.reason.errorType == "MartletRuntime.FunctionTimeout")
      #expect(letter?.reason.errorText == "the function took longer than its functionTimeout of 0.1 seconds")
      #expect(letter?.reason.attempts == 2)
      #expect(attempts.value == [1, 2])
    }
  }

  @Test func `two functions in endless loops on all cores are given up; others go on and the host lives`() async throws
  {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let seen = Observed<[Int]>([])
    let isOver = Observed(false)
    let spinning = Observed<[String]>([])
    @Sendable func spin(_ name: String) {
      spinning.add(name)
      while !isOver.value {}
      spinning.add("\(name) ended")
    }
    let app = try await TestApp.start {
      Function(
        "loop-1", on: .queue(.input, maxConcurrentCalls: cores, maxDequeueCount: 1), functionTimeout: .milliseconds(300)
      ) {
        message, context in spin("one")
      }
      Function(
        "loop-2", on: .queue(.output, maxConcurrentCalls: cores, maxDequeueCount: 1),
        functionTimeout: .milliseconds(300)
      ) {
        message, context in spin("two")
      }
      Function("served", on: .queue(.numbers)) { number, context in seen.add(number.body) }
    }
    try await app.send(Array(repeating: "x", count: cores), to: .input)
    try await app.send(Array(repeating: "x", count: cores), to: .output)
    try await spinning.wait(count: 2)
    // More than enough for every core is busy for ever; the third function is served all the same.
    for number in 0..<20 { try await app.send([number], to: .numbers) }
    #expect(try await seen.wait(count: 20).sorted() == Array(0..<20))
    for queue in [QueueName<String>.input, .output] {
      let letters = try await app.deadLetters(of: queue, count: cores)
      #expect(letters.allSatisfy { $0.reason.errorType == "MartletRuntime.FunctionTimeout" })
    }
    // The host lives on: new messages of the loops' own functions would run, and the drain is clean.
    try await app.send([99], to: .numbers)
    try await seen.wait(count: 21)
    #expect(await app.host.drain())
    isOver.update { $0 = true }
    try await spinning.wait(count: 4 * cores)
  }
}
