import Foundation
import MartletCore
import MartletRedis
import TestServers
import Testing

@testable import MartletTestKit

/// From hub to hub, every event has its effect exactly once and in order, whatever happens on the way.
@Suite struct HubFaultTests {
  @Test func cutConnections() async throws {
    try await pipe { lab, _ in try lab.redis("CLIENT", "KILL", "TYPE", "normal") }
  }

  @Test func forgottenScripts() async throws {
    try await pipe { lab, _ in try lab.redis("SCRIPT", "FLUSH") }
  }

  @Test func aServerThatIsKilled() async throws {
    try await pipe(times: 3) { _, server in try await server.restart() }
  }

  @Test func aFullServer() async throws {
    try await pipe(times: 10) { lab, _ in
      try lab.redis("CONFIG", "SET", "maxmemory", "1mb")
      try lab.redis("CONFIG", "SET", "maxmemory", "0")
    }
  }

  /// Publishes in the background, copies each partition to a queue, and brings the fault about again and again.
  private func pipe(times: Int = 20, _ fault: (HubLab, TestServer) async throws -> Void) async throws {
    let server = try await TestServer(.redis, isSafeFromKills: true)
    let lab = try await HubLab.open(url: server.url, partitions: 4)
    let output = lab.hub + ".out"
    var copiers: [Copier] = []
    for partition in 0..<4 {
      _ = try await lab.broker.claim(lab.owned(partition), as: "m", expecting: 0, afterDeath: false)
      let copier = Copier(lab.owned(partition), to: "\(output)-\(partition)", on: lab.broker)
      copier.begin(
        try await lab.broker.read(
          lab.partition(partition), after: PartitionPosition(), function: "copy", handler: copier))
      copiers.append(copier)
    }
    let total = 4_000
    @Sendable func events(_ range: Range<Int>) -> [OutgoingMessage] {
      range.map { lab.event("\($0)", id: "e\($0)", key: "k\($0 % 7)") }
    }
    let sender = Task {
      for start in stride(from: 0, to: total, by: 25) {
        // The second call does not wait for the first: they keep their order by themselves.
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
          lab.broker.publish(events(start..<start + 20)) { _ in }
          lab.broker.publish(events(start + 20..<start + 25)) { _ in continuation.resume() }
        }
      }
    }
    for _ in 0..<times {
      try await fault(lab, server)
      try await lab.lab.until("an answer") { (try? await lab.broker.counts(of: output)) != nil }
    }
    await sender.value
    for (partition, copier) in copiers.enumerated() {
      let tail = try await lab.broker.bounds(of: lab.hub)[partition].tail
      try await copier.wait(for: tail.sequenceNumber)
      // Written as it was read, neither more nor less.
      let written = try lab.redis("XRANGE", "\(output)-\(partition)", "-", "+").ids
      let published = try lab.redis("XRANGE", lab.partition(partition).description, "-", "+").ids
      let isSame = written == published
      #expect(isSame, "\(published.count) were published, \(written.count) written")
      // A publisher that is cut off may repeat, with the same ids; the first occurrences are in order.
      var seen: Set<String> = []
      let first = published.filter { seen.insert($0).inserted }.compactMap { Int($0.dropFirst()) }
      let disorder = zip(first, first.dropFirst()).first { $0 > $1 }
      #expect(disorder == nil)
      let expected = (0..<total).filter { PartitionChoice.partition(of: "k\($0 % 7)", count: 4) == partition }
      #expect(Set(expected).symmetricDifference(first).isEmpty)
      #expect(copier.trouble.isEmpty, "\(copier.trouble)")
    }
    await lab.close()
  }
}

extension String {
  /// The values behind the fields `id` in what `redis-cli` prints.
  fileprivate var ids: [String] {
    let words = split(separator: " ")
    return zip(words, words.dropFirst()).filter { $0.0 == "id" }.map { String($0.1) }
  }
}

/// An owner without the runtime: every event becomes an output, in the commit that moves the position.
private final class Copier: EventHandler {
  private struct State: Sendable {
    var reader: (any PartitionReader)?
    var number: UInt64 = 0
    var done: Int64 = -1
    var trouble: [String] = []
  }

  private let partition: GroupPartition
  private let queue: String
  private let broker: RedisBroker
  private let state = Observed(State())

  init(_ partition: GroupPartition, to queue: String, on broker: RedisBroker) {
    self.partition = partition
    self.queue = queue
    self.broker = broker
  }

  var trouble: [String] { state.value.trouble }

  func begin(_ reader: any PartitionReader) {
    state.update { $0.reader = reader }
    reader.grant(100)
  }

  func receive(_ events: [Event], tail: PartitionTail?) {
    let (number, reader) = state.update { state in
      state.number += 1
      return (state.number, state.reader)
    }
    let outputs = events.map {
      OutgoingMessage(to: .queue(queue), body: $0.message.body, id: $0.message.id, contentType: .text)
    }
    let last = events.last
    broker.commit(
      PartitionCommit(
        partition: partition, epoch: 1, number: number, position: last?.position, outputs: outputs)
    ) { result in
      if !result.isApplied { self.state.update { $0.trouble.append("\(result)") } }
      self.state.update { $0.done = last?.sequenceNumber ?? -1 }
    }
    reader?.grant(events.count)
  }

  func wait(for number: Int64) async throws {
    guard await state.wait(until: .now + .seconds(60), { $0.done >= number ? true : nil }) == nil else { return }
    throw TestFailure(text: "waited 60 s for \(number); it is at \(state.value.done)")
  }

  func receive(_ loss: EventLoss) { state.update { $0.trouble.append("\(loss)") } }
  func report(problem: BrokerError?) {}
}
