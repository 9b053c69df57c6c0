import Foundation
import Martlet

/// One function of a chain: what it read, what came of it, and the verdict on that, computed from what it read without
/// the runtime. An event has one effect: its outputs, or a dead letter.
struct HubChainStage {
  /// What a function keeps for a key; the same calculation as the worker's, written again.
  struct Tally: Codable, Equatable {
    var count = 0
    var digest = 0
  }

  /// An event that the function sent.
  struct Output {
    let key: String
    /// The event that it began as.
    let origin: Substring
    /// Its number among the events of its key that the function sent on, from 1.
    let count: Int
    /// Where the function had read it,
    let partition: Int
    /// and under which epoch.
    let epoch: UInt64
    /// As the broker has it.
    let id: String

    /// nil where it is none of the chain's.
    init?(_ event: Event) {
      let words = HubChainStage.text(of: event.message).split(separator: " ")
      guard words.count >= 4, let count = Int(words[1]), let partition = Int(words[2]), let epoch = UInt64(words[3])
      else { return nil }
      (key, origin, id) = (event.message.key ?? "", words[0], event.message.id)
      (self.count, self.partition, self.epoch) = (count, partition, epoch)
    }

    var name: String { "\(key) \(count)" }
  }

  let name: String
  let group: ConsumerGroup
  /// By partition, in order.
  let outputs: [[Output]]
  /// What the group keeps, by key.
  let states: [String: Tally]
  let letters: [DeadLetter]

  /// What must have been sent on: the origins of each key, in order.
  private(set) var expected: [String: [Substring]] = [:]
  private(set) var expectedStates: [String: Tally] = [:]
  private(set) var expectedLetters: Set<String> = []
  /// How many events the function must have run.
  private(set) var runs = 0

  init(
    _ group: ConsumerGroup, input: [[Event]], output: [[Event]], states: [String: Tally], letters: [DeadLetter]
  ) {
    name = group.name
    self.group = group
    outputs = output.map { $0.compactMap(Output.init) }
    self.states = states
    self.letters = letters
    for (partition, events) in input.enumerated() { for event in events { expect(event, of: partition) } }
  }

  private mutating func expect(_ event: Event, of partition: Int) {
    let key = event.message.key ?? ""
    func letter(_ code: DeadLetterReason.Code) -> String {
      "\(partition) \(event.offset) \(event.message.id) \(code) by \(name) from \(group.description)"
    }
    guard let words = event.message.body.string?.split(separator: " "), let origin = words.first else {
      expectedLetters.insert(letter(.undecodable))
      return
    }
    runs += 1
    guard words.last.map(String.init) != name else {
      expectedLetters.insert(letter(.rejected))
      return
    }
    expected[key, default: []].append(origin)
    let number = origin.split(separator: ".").last.flatMap { Int($0) } ?? 0
    let state = expectedStates[key] ?? Tally()
    expectedStates[key] = Tally(count: state.count + 1, digest: (state.digest &* 1_000_003) ^ number)
  }

  /// The body, without what makes it undecodable.
  static func text(of message: Message) -> String {
    String(decoding: message.body.drop { $0 == 0xff }, as: UTF8.self)
  }

  // MARK: The verdict

  /// The events that each dead letter began as.
  var setAside: [String] { letters.map { String(Self.text(of: $0.message).prefix { $0 != " " }) } }

  private var foundLetters: [String] {
    letters.map { letter in
      let (reason, source) = (letter.reason, letter.reason.source)
      let place = "\(reason.partition ?? -1) \(reason.offset?.description ?? "nowhere")"
      return "\(place) \(letter.message.id) \(reason.code) by \(reason.function ?? "nobody") from \(source.name)"
    }
  }

  /// Dead letters that are missing, or should not be there.
  var wrongLetters: [String] { expectedLetters.symmetricDifference(foundLetters).sorted() }

  /// Keys whose state is not what a recomputation gives.
  var wrongStates: [String] {
    Set(states.keys).union(expectedStates.keys).sorted().filter { states[$0] != expectedStates[$0] }
  }

  /// Effects beyond the first of their event.
  var duplicates: Int {
    outputs.joined().count - Set(outputs.joined().map(\.name)).count + letters.count - Set(foundLetters).count
  }

  /// Keys whose events did not come out, for the first time each, in the order in which they went in.
  var disordered: [String] {
    var found: [String: [Output]] = [:]
    var seen: Set<String> = []
    for output in outputs.joined() where seen.insert(output.name).inserted {
      found[output.key, default: []].append(output)
    }
    return Set(expected.keys).union(found.keys).sorted().compactMap { key in
      let (wanted, came) = (expected[key] ?? [], found[key] ?? [])
      for (index, (want, have)) in zip(wanted, came).enumerated() where want != have.origin || index + 1 != have.count {
        let all = outputs.enumerated().flatMap { partition, outputs in
          outputs.filter { $0.key == key }.map { "\(partition):\($0.origin)#\($0.count)@\($0.partition).\($0.epoch)" }
        }
        return "\(name), \(key): \(want) \(index + 1) should come, \(have.origin) \(have.count) came; "
          + "partition:origin#count@from.epoch: \(all.prefix(index + 30))"
      }
      return wanted.count == came.count ? nil : "\(name), \(key): \(came.count) of \(wanted.count) came"
    }
  }

  /// Outputs of an owner that came after those of the next owner of the partition.
  var stale: Int {
    outputs.reduce(0) { count, outputs in
      var newest: [Int: UInt64] = [:]
      return outputs.reduce(count) { count, output in
        defer { newest[output.partition] = max(newest[output.partition] ?? 0, output.epoch) }
        return output.epoch < newest[output.partition] ?? 0 ? count + 1 : count
      }
    }
  }
}
