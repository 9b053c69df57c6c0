import Foundation
import MartletCore
import MartletRuntime
import Testing

@testable import MartletTestKit

/// What a drain finishes, gives back, and leaves to the next host.
struct DrainTests {
  /// A store that outlives a host.
  private struct Store {
    let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-drain-\(UUID().uuidString)")

    func configuration(drainTimeout: Duration = .seconds(20)) -> HostConfiguration {
      HostConfiguration(
        broker: "embedded:\(directory.path())", drainTimeout: drainTimeout, logger: Logger(sink: .discard))
    }

    func remove() { try? FileManager.default.removeItem(at: directory) }
  }

  /// Runs what the first host left, and tells bodies with attempts.
  private static func rest(_ store: Store, count: Int) async throws -> [String] {
    let seen = Observed<[String]>([])
    try await TestApp.run(store.configuration()) {
      Function("f", on: .queue(.numbers), to: .queue(.others)) { number, context in
        seen.add("\(number.body) attempt \(number.attempt)")
        return number.body
      }
    } body: { app in
      try await seen.wait(count: count)
      try await app.waitUntilEmpty(.numbers)
    }
    return seen.value.sorted()
  }

  @Test func `what runs finishes and commits, what waits goes back untouched`() async throws {
    let store = Store()
    defer { store.remove() }
    let gate = Observed((started: [Int](), isOpen: false))
    let app = try await TestApp.start(store.configuration()) {
      Function("f", on: .queue(.numbers, maxConcurrentCalls: 2, prefetchCount: 6), to: .queue(.others)) {
        number, context in
        gate.update { $0.started.append(number.body) }
        _ = await gate.wait(until: .now + .seconds(60)) { $0.isOpen ? true : nil }
        return number.body
      }
    }
    try await app.send(Array(0..<10), to: .numbers)
    let started = try await gate.wait("two runs") { $0.started.count == 2 ? $0.started : nil }
    let drain = Task { await app.host.drain() }
    try await eventually("what waited is back") { try await app.counts(of: .numbers).ready == 8 }
    gate.update { $0.isOpen = true }
    #expect(await drain.value)
    #expect(gate.value.started.count == 2, "nothing new began")
    let expected = Set(0..<10).subtracting(started).map { "\($0) attempt 1" }.sorted()
    #expect(try await Self.rest(store, count: 8) == expected)
  }

  @Test func `a drain that takes too long cancels, and a cancelled attempt does not count`() async throws {
    let store = Store()
    defer { store.remove() }
    let started = Observed<[Int]>([])
    let app = try await TestApp.start(store.configuration(drainTimeout: .milliseconds(200))) {
      Function("f", on: .queue(.numbers), to: .queue(.others)) { number, context in
        started.add(number.body)
        await untilCancelled()
        throw Scripted()
      }
    }
    try await app.send([1, 2], to: .numbers)
    try await started.wait(count: 2)
    #expect(await app.host.drain() == false)
    #expect(try await Self.rest(store, count: 2) == ["1 attempt 1", "2 attempt 1"])
  }

  @Test func `what ignores its cancellation is given back; its end counts for nothing`() async throws {
    let store = Store()
    defer { store.remove() }
    let gate = Observed((started: 0, isOpen: false, ended: 0))
    let app = try await TestApp.start(store.configuration(drainTimeout: .milliseconds(100))) {
      Function("f", on: .queue(.numbers), to: .queue(.others)) { number, context in
        gate.update { $0.started += 1 }
        _ = await gate.wait(until: .now + .seconds(60)) { $0.isOpen ? true : nil }
        gate.update { $0.ended += 1 }
        return number.body
      }
    }
    try await app.send([1], to: .numbers)
    try await gate.until("the run") { $0.started == 1 }
    let start = ContinuousClock.now
    #expect(await app.host.drain() == false)
    #expect(ContinuousClock.now - start < .seconds(15))
    gate.update { $0.isOpen = true }
    try await gate.until("the end") { $0.ended == 1 }
    #expect(try await Self.rest(store, count: 1) == ["1 attempt 1"])
    let others = try await TestApp.start(store.configuration()) { Function("none", on: .queue(.input)) { _, _ in } }
    #expect(try await others.counts(of: .others).ready == 1, "one output, of the second host")
    _ = await others.host.drain()
  }

  @Test func `a drain ends within its time, though nothing heeds it`() async throws {
    let store = Store()
    defer { store.remove() }
    let gate = Observed((started: 0, isOpen: false))
    let app = try await TestApp.start(store.configuration(drainTimeout: .seconds(2))) {
      Function("f", on: .queue(.numbers)) { _, _ in
        gate.update { $0.started += 1 }
        _ = await gate.wait(until: .now + .seconds(60)) { $0.isOpen ? true : nil }
      }
    }
    try await app.send([1], to: .numbers)
    try await gate.until("the run") { $0.started == 1 }
    let start = ContinuousClock.now
    #expect(await app.host.drain() == false)
    let time = ContinuousClock.now - start
    #expect(time >= .seconds(1) && time < .seconds(10), "\(time)")
    gate.update { $0.isOpen = true }
    #expect(try await Self.rest(store, count: 1) == ["1 attempt 1"])
  }

  @Test func `an idle host drains at once`() async throws {
    let app = try await TestApp.start { Function("f", on: .queue(.numbers)) { _, _ in } }
    let start = ContinuousClock.now
    #expect(await app.host.drain())
    #expect(ContinuousClock.now - start < .seconds(10))
  }
}
