import Foundation
import Martlet
import TestServers
import Testing

@testable import MartletTestKit

/// Repeats are dropped although workers are killed: a sender gives every message two or three times, and every event
/// twice.
///
/// `MARTLET_TEST_SEED` repeats a run's kills. Sends for 3 s on each broker; in the full run for 60 s.
struct RepeatTests {
  private static let variables = ProcessInfo.processInfo.environment
  private static let isFull = variables["MARTLET_TEST_FULL"] != nil
  private static let keys = 16
  private static let partitions = 4
  private let seed = variables["MARTLET_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
  private let steps = isFull ? 240 : 14
  private static let perStep = 60

  @Test(arguments: HubPlace.installed.filter { isFull || $0 != .rabbitMQAndRedis })
  func everyIDHasItsEffectsOnce(on place: HubPlace) async throws {
    try await withTemporaryFolder { folder in try await run(place, at: place.shared(folder)) }
  }

  private func run(_ place: HubPlace, at urls: HubPlace.URLs) async throws {
    let run = "repeats-\(UUID().uuidString.prefix(8))"
    let brokers = try await urls.open()
    let log = brokers.log
    for queue in ["in", "mid", "out"] { try await log.declare(QueueDeclaration(name: "\(run)-\(queue)")) }
    for hub in ["events", "copies"] {
      _ = try await log.declare(HubDeclaration(name: "\(run)-\(hub)", partitionCount: Self.partitions))
    }
    let copies = try await HubTape("\(run)-copies", partitions: Self.partitions, of: log)
    let startWorkers = { try Workers(["repeats"] + urls.arguments + [run, "2000"]) { $0.hasPrefix("again") } }
    let workers = try startWorkers()

    let isOver = Locked(false)
    let killing = Task {
      var random = SeededGenerator(state: seed)
      var kills = 0
      while !isOver.withLock({ $0 }) {
        // Where commits are quick a kill hits less, and more of them are needed to hit anything.
        let wait = place.isAtomic ? 100...400 : 300...900
        try await pause(.milliseconds(Int.random(in: wait, using: &random)))
        try await workers.kill(Int.random(in: 0..<Workers.count, using: &random))
        kills += 1
      }
      return kills
    }
    defer { killing.cancel() }
    try await send(run, to: log)
    isOver.withLock { $0 = true }
    let kills = try await killing.value
    try expect(kills >= 3, "only \(kills) workers were killed")
    let ids = Set((0..<steps * Self.perStep).map { "m\($0)" })

    let groups = ["events/copy", "copies/count"].map { $0.split(separator: "/") }.map {
      ConsumerGroup(hub: "\(run)-\($0[0])", name: String($0[1]))
    }
    let isEmpty = {
      for queue in ["in", "mid"] {
        let counts = try await log.counts(of: "\(run)-\(queue)")
        if counts.ready + counts.unsettled + counts.delayed > 0 { return false }
      }
      return true
    }
    let isDone = {
      guard try await isEmpty() else { return false }
      for group in groups {
        let tails = try await log.bounds(of: group.hub).map(\.tail.sequenceNumber)
        let records = try await brokers.store.records(of: group, partitionCount: Self.partitions)
        if records.map({ $0.position?.sequenceNumber ?? -1 }) != tails { return false }
      }
      return true
    }
    var last = workers
    while true {
      try await eventually("all has come to its end", within: .seconds(300), isDone)
      #expect(await last.drain() == [0, 0, 0], "seed \(seed)")
      // What the workers had in hand is in none of RabbitMQ's numbers, and a drain gives back what has not begun to run.
      if try await isEmpty() { break }
      last = try startWorkers()
    }

    let output = try await QueueDump.read("\(run)-out", of: log)
    #expect(Set(output.map(\.body)) == ids, "seed \(seed)")
    let repeats = output.count - ids.count
    // Between the outputs and the ids a kill repeats what was in the commits under way, with equal ids; and so do two
    // processes at the same moment. Without `deduplicate` there would be more repeats than messages.
    #expect(repeats <= (place.isAtomic ? 0 : ids.count / 10), "\(repeats) repeats, seed \(seed)")
    #expect(Set(output.map(\.id)).count == ids.count, "equal ids, seed \(seed)")

    try await copies.finish()
    let copied = copies.events.joined().count
    #expect(copied >= 2 * ids.count, "seed \(seed)")
    // State and ids are one commit of the store, whatever the broker.
    var total = 0
    for partition in 0..<Self.partitions {
      let values = try await brokers.store.values(
        of: (0..<Self.keys).map { "k\($0)" }, in: GroupPartition(group: groups[1], number: partition))
      total += values.values.reduce(0) { $0 + (Int($1.string ?? "") ?? 0) }
    }
    #expect(total == ids.count, "seed \(seed)")
    // Kills that hit nothing prove nothing.
    #expect(await workers.proofs > 0, "seed \(seed)")
    print(
      "repeats on \(place.rawValue): seed \(seed), \(ids.count) ids, \(kills) kills,",
      "\(await workers.proofs) messages again; \(repeats) repeats left of",
      "\(ids.count + ids.count / 3), \(copied - 2 * ids.count) events copied again")
    for queue in ["in", "mid", "out"] { try await log.delete(queue: "\(run)-\(queue)") }
    for hub in ["events", "copies"] { try await log.delete(hub: "\(run)-\(hub)") }
    await brokers.close(deadline: .now + .seconds(10))
  }

  /// Each message two times, every third one three times; each event twice. A step apart.
  private func send(_ run: String, to log: any EventLog) async throws {
    for step in 0..<steps + 2 {
      func numbers(_ step: Int) -> Range<Int> { step * Self.perStep..<(step + 1) * Self.perStep }
      func inRange(_ step: Int) -> Range<Int> { (0..<steps).contains(step) ? numbers(step) : 0..<0 }
      let numbers = Array(inRange(step)) + inRange(step - 1)
      let messages = numbers + inRange(step - 2).filter { $0.isMultiple(of: 3) }
      try await log.publish(
        messages.map {
          OutgoingMessage(to: .queue("\(run)-in"), body: Bytes("m\($0)"), id: "m\($0)", contentType: .text)
        })
      try await log.publish(
        numbers.map { number in
          OutgoingMessage(
            to: .hub("\(run)-events"), body: Bytes("m\(number)"), id: "m\(number)", contentType: .text,
            key: "k\(number % Self.keys)")
        })
      try await pause(.milliseconds(250))
    }
  }
}
