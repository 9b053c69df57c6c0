import MartletCore
import Testing

@testable import MartletRuntime

/// A commit whose outputs go to more than one broker.
struct CommitterTests {
  /// A broker that answers at once and notes what it was asked, in the order of all of them.
  private final class Recorder: BrokerStandIn {
    let system: String
    let journal: Journal
    let answer: CommitResult

    init(_ system: String, _ journal: Journal, answer: CommitResult = .applied) {
      self.system = system
      self.journal = journal
      self.answer = answer
    }

    func commitDomain(for address: Address) -> CommitDomain { CommitDomain(system) }
    func publish(_ messages: [OutgoingMessage], completion: @escaping @Sendable (CommitResult) -> Void) {
      journal.add("\(system) publishes \(messages.map(\.id).joined(separator: " "))")
      completion(answer)
    }
    func commit(_ group: CommitGroup, completion: @escaping @Sendable (CommitResult) -> Void) {
      let entries = group.entries.map { entry in
        group.settlements[entry.settlements].map(\.text) + group.outputs[entry.outputs].map { "+\($0.id)" }
      }
      journal.add("\(system) commits \(entries.map { $0.joined(separator: " ") }.joined(separator: ", "))")
      completion(answer)
    }
  }

  private final class Journal: Sendable {
    private let state = Locked<[String]>([])
    func add(_ line: String) { state.withLock { $0.append(line) } }
    var lines: [String] { state.withLock { $0 } }
  }

  private static let refusal = BrokerError(.tooLarge, "too large", isRetriable: false)

  /// Commits two invocations, the first with an output here and one elsewhere, the second with one elsewhere.
  private static func run(
    here: CommitResult = .applied, elsewhere: CommitResult = .applied, outputsElsewhere: Bool = true
  ) -> (journal: [String], result: String) {
    let journal = Journal()
    let own = Recorder("own", journal, answer: here)
    let other = Recorder("other", journal, answer: elsewhere)
    let committer = Committer(consumer: own, input: .queue("in")) { $0.connection == nil ? own : other }
    var group = CommitGroup()
    let connection = outputsElsewhere ? "other" : nil
    group.append(
      settlement: .complete(Receipt(generation: 1, low: 1)),
      outputs: [.sample("a"), .sample("b", connection: connection)])
    group.append(
      settlement: .complete(Receipt(generation: 1, low: 2)), outputs: [.sample("c", connection: connection)])
    let result = Locked<[CommitResult]>([])
    committer.commit(group) { answer, _ in result.withLock { $0.append(answer) } }
    let answers = result.withLock { $0 }.map { answer in
      switch answer {
      case .applied: "applied"
      case .ownershipLost: "lost"
      case .refused(let errors): "refused \(errors.keys.sorted().map(String.init).joined(separator: " "))"
      }
    }
    return (journal.lines, answers.joined(separator: "; "))
  }

  @Test func `one domain is one commit`() {
    let (journal, result) = Self.run(outputsElsewhere: false)
    #expect(journal == ["own commits complete 1 +a +b, complete 2 +c"])
    #expect(result == "applied")
  }

  @Test func `outputs of another domain leave first, confirmed, the input's own last`() {
    let (journal, result) = Self.run()
    #expect(journal == ["other publishes b c", "own commits complete 1 +a, complete 2"])
    #expect(result == "applied")
  }

  @Test func `what was refused elsewhere is not settled, its neighbour is`() {
    let (journal, result) = Self.run(elsewhere: .refused([0: Self.refusal]))
    #expect(journal == ["other publishes b c", "own commits complete 2"])
    #expect(result == "refused 0")
  }

  @Test func `all refused elsewhere settles nothing`() {
    let (journal, result) = Self.run(elsewhere: .refused([0: Self.refusal, 1: Self.refusal]))
    #expect(journal == ["other publishes b c"])
    #expect(result == "refused 0 1")
  }

  @Test func `refusals of both domains name the entries of the whole group`() {
    let (_, result) = Self.run(here: .refused([0: Self.refusal]), elsewhere: .refused([0: Self.refusal]))
    #expect(result == "refused 0 1", "entry 0 elsewhere; the rest's entry 0 is the group's 1")
  }

  @Test func `nothing is settled when the other broker was closed before it confirmed`() {
    let (journal, result) = Self.run(elsewhere: .ownershipLost)
    #expect(journal == ["other publishes b c"])
    #expect(result == "lost")
  }

  @Test func `a refused settlement is told from refused outputs`() {
    let journal = Journal()
    let own = Recorder("own", journal, answer: .refused([0: Self.refusal, 1: Self.refusal]))
    let other = Recorder("other", journal)
    let committer = Committer(consumer: own, input: .queue("in")) { $0.connection == nil ? own : other }
    var group = CommitGroup()
    group.append(settlement: .complete(Receipt(generation: 1, low: 1)), outputs: [.sample("a")])
    group.append(
      settlement: .complete(Receipt(generation: 1, low: 2)), outputs: [.sample("b", connection: "other")])
    committer.commit(group) { _, sent in journal.add("outputs left: \(sent)") }
    #expect(journal.lines.last == "outputs left: [1]")
  }

  @Test func `a lost input is lost`() {
    #expect(Self.run(here: .ownershipLost).result == "lost")
    // What was refused is heard of all the same: its input may still be held.
    #expect(Self.run(here: .ownershipLost, elsewhere: .refused([1: Self.refusal])).result == "refused 1")
  }

  @Test func `two other brokers are both waited for`() {
    let journal = Journal()
    let own = Recorder("own", journal)
    let others = ["a": Recorder("a", journal), "b": Recorder("b", journal, answer: .refused([0: Self.refusal]))]
    let committer = Committer(consumer: own, input: .queue("in")) { $0.connection.flatMap { others[$0] } ?? own }
    var group = CommitGroup()
    group.append(
      settlement: .complete(Receipt(generation: 1, low: 1)),
      outputs: [.sample("x", connection: "a"), .sample("y", connection: "b")])
    group.append(settlement: .complete(Receipt(generation: 1, low: 2)), outputs: [.sample("z", connection: "a")])
    committer.commit(group) { result, _ in
      guard case .refused(let errors) = result else { return journal.add("not refused") }
      journal.add("refused \(errors.keys.sorted())")
    }
    #expect(journal.lines.count == 4)
    #expect(Set(journal.lines.prefix(2)) == ["a publishes x z", "b publishes y"])
    #expect(journal.lines.suffix(2) == ["own commits complete 2", "refused [0]"])
  }
}
