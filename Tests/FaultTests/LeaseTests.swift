import Foundation
import Martlet
import TestServers
import Testing

@testable import MartletTestKit

/// The lease tests of Azure's durabletask and of its `PartitionLoadBalancer`, with worker processes, on every store. The
/// name of each is that of its model. In all of them events flow from begin to end, and each must have its effect once
/// and under the epoch of its owner: `LeaseGroup.run` holds that.
struct LeaseTests {
  /// What a place has in common with others is shown there too, by default.
  private static let places = HubPlace.installed.filter {
    ProcessInfo.processInfo.environment["MARTLET_TEST_FULL"] != nil || $0 != .rabbitMQAndRedis
  }
  /// So many at a time: each has some processes.
  private static let turns = Turns(6)

  /// durabletask's `TestUnhealthyWorker`: a worker that stood still past its lease comes back, must not go on with what
  /// it had, and gets its share anew.
  @Test(arguments: HubPlace.installed) func unhealthyWorker(on place: HubPlace) async throws {
    try await run(on: place, expiration: .seconds(2)) { group in
      let sick = try group.start()
      let before = try await group.balanced(1)
      try await group.flows()
      try await sick.pause()
      let healthy = try group.start()
      try await eventually("the other one takes all over") {
        try await group.shares().keys.allSatisfy { before[$0] == nil }
      }
      try await group.flows()
      let epochs = try await group.records().map(\.epoch)
      let said = sick.said.count
      sick.resume()
      try await group.balanced(2)
      try await group.flows()
      let stale = sick.said.dropFirst(said).filter { line in
        guard line.hasPrefix("ran ") else { return false }
        let words = line.split(separator: " ")
        return UInt64(words[2]) ?? 0 <= epochs[Int(words[1]) ?? 0]
      }
      // What a thread was in the middle of goes on, and the store refuses its commit. Nothing else begins.
      try expect(
        stale.count <= ProcessInfo.processInfo.activeProcessorCount,
        "the worker that came back \(stale), which is not its own")
      return [sick, healthy]
    }
  }

  /// durabletask's `EnsureOwnedQueueExclusive`: four workers, every partition has one owner, and no other commits to it.
  @Test(arguments: HubPlace.installed) func ensureOwnedQueueExclusive(on place: HubPlace) async throws {
    try await run(on: place, expiration: .seconds(60)) { group in
      let workers = try (0..<4).map { _ in try group.start() }
      try await group.balanced(4)
      // What came out first may be from before they were balanced.
      try await eventually("each of the workers runs something") {
        workers.allSatisfy { $0.said.contains { $0.hasPrefix("ran ") } }
      }
      try await group.flows()
      // Who says that it runs a partition under an epoch is the only one.
      var owners: [String: Int] = [:]
      for (number, worker) in workers.enumerated() {
        for line in worker.said where line.hasPrefix("ran ") {
          let place = line.split(separator: " ")[1...2].joined(separator: " ")
          try expect(owners[place] ?? number == number, "two workers ran the partition and epoch \(place)")
          owners[place] = number
        }
      }
      try expectEqual(Set(owners.values), [0, 1, 2, 3], "the workers that ran something")
      return workers
    }
  }

  /// durabletask's `TestKillOneWorker` and `TestKillThreeWorker`: the shares of the dead are taken over.
  @Test(arguments: HubPlace.installed) func killOneWorkerThenTwoMore(on place: HubPlace) async throws {
    try await run(on: place, expiration: .seconds(2)) { group in
      let workers = try (0..<4).map { _ in try group.start() }
      try await group.balanced(4)
      try await group.flows()
      workers[0].kill()
      // The store still shows the dead: it must be noticed within the expiration, and some looks.
      try await group.balanced(3, within: .seconds(40))
      try await group.flows()
      workers[1].kill()
      workers[2].kill()
      try await group.balanced(1, within: .seconds(40))
      try await group.flows()
      return [workers[3]]
    }
  }

  /// With the intervals that an app has by itself, what a killed worker owned is at work again within ten seconds.
  @Test(arguments: places) func killedWorkerIsReplacedInTimeByDefault(on place: HubPlace) async throws {
    try await run(on: place, expiration: .zero) { group in
      let workers = try (0..<2).map { _ in try group.start() }
      try await group.balanced(2)
      try await group.flows()
      let epochs = try await group.records().map(\.epoch)
      workers[0].kill()
      let death = ContinuousClock.now
      for (partition, epoch) in epochs.enumerated() {
        guard workers[0].said.contains(where: { $0.hasPrefix("ran \(partition) \(epoch) ") }) else { continue }
        let first = await workers[1].next(
          where: { line in
            let words = line.split(separator: " ")
            return words.count > 2 && words[0] == "ran" && Int(words[1]) == partition
              && UInt64(words[2]) ?? 0 > epoch
          }, until: .now + .seconds(30))
        try expect(first != nil, "the partition \(partition) should be taken over")
      }
      let time = ContinuousClock.now - death
      try expect(time < .seconds(10), "the other worker should have begun within 10 s, not \(time)")
      try expect(time > .seconds(5), "a worker that was not silent for long was taken for dead, after \(time)")
      return [workers[1]]
    }
  }

  /// durabletask's `TestWorkerRestartBeforeLeaseExpired`: a killed worker's successor is there before the lease is over.
  @Test(arguments: HubPlace.installed) func workerRestartBeforeLeaseExpired(on place: HubPlace) async throws {
    try await run(on: place, expiration: .seconds(3)) { group in
      let first = try group.start()
      let before = try await group.balanced(1)
      try await group.flows()
      first.kill()
      let second = try group.start()
      try await eventually("the successor has everything", within: .seconds(40)) {
        let shares = try await group.shares()
        return shares.count == 1 && shares.keys.allSatisfy { before[$0] == nil }
      }
      try await group.flows()
      return [second]
    }
  }

  /// durabletask's `MultiWorkerLeaseMovement`: 1, 2, 3, 4, and back to 1 worker, balanced at every step. And Azure's
  /// `RelinquishesPartitionOwnershipOtherClientsConsiderThemClaimableImmediately`: nobody expires in this time, so
  /// partitions move only because their owner gives them up.
  @Test(arguments: HubPlace.installed) func multiWorkerLeaseMovement(on place: HubPlace) async throws {
    try await run(on: place, expiration: .seconds(120)) { group in
      var workers: [WorkerProcess] = []
      var known: Set<String> = []
      for count in 1...4 {
        workers.append(try group.start())
        let shares = try await group.balanced(count)
        try expect(known.isSubset(of: shares.keys), "the members that were there have a share still")
        known = Set(shares.keys)
        try await group.flows()
      }
      for count in (1...3).reversed() {
        try await group.end(workers.removeFirst())
        let leaving = ContinuousClock.now
        let shares = try await group.balanced(count, within: .seconds(60))
        try expect(known.isSuperset(of: shares.keys), "the members are those that were there")
        // At once, not when the one that left has been silent for long enough.
        let time = ContinuousClock.now - leaving
        try expect(time < .seconds(20), "what was given up was free; it was claimed after \(time)")
        try await group.flows()
      }
      try await group.end(workers[0])
      try expectEqual(try await group.records().compactMap(\.owner), [], "the owners when the last one has left")
      let deaths = try await group.records().map(\.deaths)
      try expectEqual(deaths, Array(repeating: 0, count: LeaseGroup.partitions), "the deaths")
      workers = [try group.start()]
      try await group.balanced(1, within: .seconds(60))
      try await group.flows()
      return workers
    }
  }

  /// A member that must give partitions to another one, and does not come to an end with them, loses them when the time
  /// for the hand-over is up, long before it could be taken for dead. What it still does with them does not count.
  @Test(arguments: places) func handOverPastItsDeadlineIsFenced(on place: HubPlace) async throws {
    try await run(on: place, expiration: .seconds(60)) { group in
      let slow = try group.start()
      let before = try await group.balanced(1)
      try await group.flows()
      slow.tell("hold")
      for partition in 0..<LeaseGroup.partitions {
        let held = await slow.next(where: { $0.hasPrefix("held \(partition) ") }, until: .now + .seconds(30))
        try expect(held != nil, "the partition \(partition) should be held: \(slow.said.suffix(5))")
      }
      let epochs = try await group.records().map(\.epoch)
      let start = ContinuousClock.now
      let other = try group.start()
      // One at a time.
      try await group.balanced(2, within: .seconds(40))
      let time = ContinuousClock.now - start
      try expect(time < .seconds(30), "partitions were taken after \(time), half of the expiration")
      try expect(time > .seconds(3), "partitions were taken before the time was up, after \(time)")
      let records = try await group.records()
      let moved = records.filter { before[$0.owner ?? ""] == nil }.map(\.partition)
      try expectEqual(moved.count, LeaseGroup.partitions / 2, "the partitions that moved")
      for partition in moved {
        let isLost = "\(group.group):\(partition) is given up: another process owns it"
        let notice = await slow.next(where: { $0.contains(isLost) }, until: .now + .seconds(30))
        try expect(notice != nil, "the slow one should notice that \(partition) was taken: \(slow.said.suffix(5))")
        // The new owner begins with what the slow one has in hand.
        let prefix = "held \(partition) \(epochs[partition])"
        let run = slow.said.last { $0.hasPrefix("ran \(partition) \(epochs[partition]) ") }
        let first = run?.split(separator: " ").dropFirst(3).first.map(String.init) ?? "nothing"
        try expect(slow.said.contains(prefix), "\(partition) should have been held under \(epochs[partition])")
        let again = await other.next(
          where: { line in
            let words = line.split(separator: " ")
            return words.count > 3 && words[0] == "ran" && Int(words[1]) == partition
              && UInt64(words[2]) ?? 0 > epochs[partition] && words[3] == first
          }, until: .now + .seconds(30))
        try expect(again != nil, "\(first) should run again in \(partition), under a later epoch")
      }
      try expectEqual(records.map(\.deaths), Array(repeating: 0, count: LeaseGroup.partitions), "the deaths")
      slow.tell("go")
      try await group.balanced(2)
      try await group.flows()
      return [slow, other]
    }
  }

  /// durabletask's `PartitionLost_AbandonPrefetchedSession` and `MultipleWorkersAttemptingToCompleteSameWorkItem`: a
  /// partition is taken from a worker that is well and has events in hand. It runs no more of them, what it commits is
  /// refused, and it gets the partition back only under a new epoch.
  @Test(arguments: HubPlace.installed) func partitionLostAbandonsPrefetchedEvents(on place: HubPlace) async throws {
    try await run(on: place, expiration: .seconds(60)) { group in
      let worker = try group.start()
      let owner = try #require(try await group.balanced(1).keys.first)
      try await group.flows()
      let store = group.brokers.store
      // A member that lives, so that nobody takes its partitions.
      _ = try await store.attend(group.group, as: "thief", expiration: .seconds(60))
      var taken: [PartitionRecord] = []
      while taken.count < 3 {
        guard let old = try await group.records().first(where: { $0.owner == owner }) else { continue }
        let partition = GroupPartition(group: group.group, number: old.partition)
        guard let new = try await store.claim(partition, as: "thief", expecting: old.epoch, afterDeath: false) else {
          continue  // It was being given up, since there is another member now.
        }
        let isLost = "\(partition) is given up"
        let notice = await worker.next(
          where: { $0.contains(isLost) || $0.contains("gives \(partition) ") }, until: .now + .seconds(15))
        try expect(notice != nil, "the owner should notice that \(partition) was taken: \(worker.said.suffix(5))")
        taken.append(new)
        try await group.pass(.milliseconds(300))
        let said = worker.said
        let after = said[(said.firstIndex { $0.contains(isLost) } ?? said.endIndex)...]
        // A batch that begins in the very moment of the loss may say so after it; there is one at a time.
        let begun = after.filter { $0.hasPrefix("ran \(old.partition) \(old.epoch) ") }
        try expect(begun.count <= 1, "what was prefetched ran after the loss: \(begun)")
        let now = try await group.records()[old.partition]
        try expectEqual(now, new, "the record that the thief left")
      }
      for record in taken {
        try await store.release(GroupPartition(group: group.group, number: record.partition), epoch: record.epoch)
      }
      try await store.leave(group.group, as: "thief")
      try await group.balanced(1, within: .seconds(40))
      try await group.flows()
      return [worker]
    }
  }

  private func run(
    on place: HubPlace, expiration: Duration, _ body: (LeaseGroup) async throws -> [WorkerProcess]
  ) async throws {
    await Self.turns.take()
    defer { Self.turns.give() }
    try await LeaseGroup.run(on: place, expiration: expiration, body)
  }
}
