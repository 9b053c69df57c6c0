import Foundation
import MartletCore
import Testing

@testable import MartletRuntime

/// Commits on a broker that cannot remember ids, beside a store that can.
struct CommitterRememberingTests {
  /// Broker and store in one journal, in the order of what they were asked.
  private final class Recorder: BrokerStandIn {
    struct State {
      var journal: [String] = []
      var remembered: Set<String> = []
      /// How often the store fails first.
      var failures = 0
    }

    let system = "recorder"
    let state = Locked(State())
    let publishing: CommitResult
    let committing: CommitResult

    init(publishing: CommitResult = .applied, committing: CommitResult = .applied) {
      (self.publishing, self.committing) = (publishing, committing)
    }

    func note(_ line: String) { state.withLock { $0.journal.append(line) } }
    func commitDomain(for address: Address) -> CommitDomain { CommitDomain("own") }
    func publish(_ messages: [OutgoingMessage], completion: @escaping @Sendable (CommitResult) -> Void) {
      note("publish \(messages.map(\.id).joined(separator: " "))")
      completion(publishing)
    }
    func commit(_ group: CommitGroup, completion: @escaping @Sendable (CommitResult) -> Void) {
      note("settle \(group.settlements.map(\.text).joined(separator: ", ")), \(group.outputs.count) outputs")
      completion(committing)
    }
  }

  private struct Memory: Store {
    let recorder: Recorder

    func remembered(of ids: [String], in scope: String) async throws(BrokerError) -> Set<String> {
      try recorder.state.withLock { state throws(BrokerError) in
        if state.failures > 0 {
          state.failures -= 1
          throw BrokerError(.unavailable, "away", isRetriable: true)
        }
        state.journal.append("look \(ids.joined(separator: " ")) in \(scope)")
        return state.remembered.intersection(ids)
      }
    }
    func remember(_ ids: [String], in scope: String, for window: Duration) async throws(BrokerError) {
      recorder.state.withLock { state in
        state.journal.append("remember \(ids.joined(separator: " ")) in \(scope) for \(window)")
        state.remembered.formUnion(ids)
      }
    }

    var storeDomain: CommitDomain { CommitDomain("store") }
    func identity() async throws(BrokerError) -> StoreIdentity { StoreIdentity(uuid: "memory", place: "here") }
    func attend(_ group: ConsumerGroup, as member: String, expiration: Duration) async throws(BrokerError)
      -> [GroupMember]
    { [] }
    func leave(_ group: ConsumerGroup, as member: String) async throws(BrokerError) {}
    func records(of group: ConsumerGroup, partitionCount: Int) async throws(BrokerError) -> [PartitionRecord] { [] }
    func claim(_ partition: GroupPartition, as member: String, expecting epoch: UInt64, afterDeath: Bool)
      async throws(BrokerError) -> PartitionRecord?
    { nil }
    func release(_ partition: GroupPartition, epoch: UInt64) async throws(BrokerError) {}
    func commit(_ commit: PartitionCommit, completion: @escaping @Sendable (CommitResult) -> Void) {}
    func values(of keys: [String], in partition: GroupPartition) async throws(BrokerError) -> [String: Bytes] { [:] }
    func move(_ partition: GroupPartition, to position: PartitionPosition) async throws(BrokerError) {}
    func groups(of hub: String) async throws(BrokerError) -> [String] { [] }
  }

  private static let reason = DeadLetterReason(
    code: .rejected, function: nil, errorType: nil, errorText: "", attempts: 1, source: .queue("in"),
    time: Date(timeIntervalSince1970: 0), traceID: nil)

  /// Commits m1 with an output, m2 without, m3 to the dead letters and m4 to be tried again.
  private static func run(_ recorder: Recorder) async -> (journal: [String], result: CommitResult) {
    let executor = FunctionExecutor(name: "test", threads: 1)
    defer { executor.stop() }
    let memory = RepeatMemory(
      store: Memory(recorder: recorder), scope: "in@", window: .seconds(60), isInCommits: false, executor: executor,
      logger: Logger(sink: .discard))
    let committer = Committer(consumer: recorder, input: .queue("in"), memory: memory) { _ in recorder }
    var commit = PendingCommit(deduplicate: .seconds(60))
    let deliveries = (1...4).map { DeliveryReference.sample($0) }
    commit.append(deliveries[0], .complete(deliveries[0].receipt), outputs: [.sample("a")])
    commit.append(deliveries[1], .complete(deliveries[1].receipt), outputs: [])
    commit.append(deliveries[2], .deadLetter(deliveries[2].value, reason), outputs: [])
    commit.append(deliveries[3], .retry(deliveries[3].value, after: .zero), outputs: [])
    let result = await withCheckedContinuation { continuation in
      committer.commit(commit.group) { result, _ in continuation.resume(returning: result) }
    }
    return (recorder.state.withLock { $0.journal }, result)
  }

  @Test func `outputs, then the ids, then the settlement, then the ids of dead letters`() async {
    let (journal, result) = await Self.run(Recorder())
    #expect(
      journal == [
        "look m1 m2 m3 in in@", "publish a", "remember m1 m2 in in@ for 60.0 seconds",
        "settle complete 1, complete 2, dead 3 Rejected, retry 4 after 0.0, 0 outputs",
        "remember m3 in in@ for 60.0 seconds",
      ])
    guard case .applied = result else {
      Issue.record("\(result)")
      return
    }
  }

  @Test func `what was remembered meanwhile is refused, and nothing of it leaves`() async throws {
    let recorder = Recorder()
    recorder.state.withLock { $0.remembered = ["m1", "m3"] }
    let (journal, result) = await Self.run(recorder)
    #expect(
      journal == [
        "look m1 m2 m3 in in@", "remember m2 in in@ for 60.0 seconds",
        "settle complete 2, retry 4 after 0.0, 0 outputs",
      ])
    guard case .refused(let errors) = result else {
      Issue.record("\(result)")
      return
    }
    #expect(errors.mapValues(\.code) == [0: .repeated, 2: .repeated])
  }

  @Test func `what could not be sent is not remembered`() async throws {
    let recorder = Recorder(publishing: .refused([0: BrokerError(.tooLarge, "too large", isRetriable: false)]))
    let (journal, result) = await Self.run(recorder)
    #expect(journal.contains("remember m2 in in@ for 60.0 seconds"))
    guard case .refused(let errors) = result else {
      Issue.record("\(result)")
      return
    }
    #expect(errors.mapValues(\.code) == [0: .tooLarge])
  }

  @Test func `a dead letter that was not settled is not remembered`() async throws {
    let (journal, _) = await Self.run(Recorder(committing: .ownershipLost))
    #expect(journal.last?.hasPrefix("settle") == true)
  }

  @Test func `a store that is away is waited for`() async {
    let recorder = Recorder()
    recorder.state.withLock { $0.failures = 2 }
    let (journal, _) = await Self.run(recorder)
    #expect(journal.count == 5)
  }
}
