import Martlet

/// What was sent to the first hub of a chain and what came out behind each of its functions, and the verdict on it:
/// computed from what the hubs hold, without the runtime.
struct HubLedger {
  /// An event that a function of the chain sent.
  struct Entry {
    let key: String
    /// The id of the event that it began as.
    let origin: Substring
    /// Its number among the events of its key, from 1.
    let count: Int
    /// Where the function had read it,
    let partition: Int
    /// and under which epoch.
    let epoch: UInt64
    /// As the broker has it.
    let id: String
  }

  /// Ids that the broker has confirmed.
  let confirmed: Set<String>
  /// What the first hub holds: the ids of each key, in order. A publisher that was cut off may repeat.
  let input: [String: [String]]
  /// What the other hubs hold, by partition and in order.
  let middle: [[Entry]]
  let output: [[Entry]]
  /// What the queue at the end holds.
  let list: [(body: String, id: String)]

  init(
    confirmed: Set<String>, input: [[Event]], middle: [[Event]], output: [[Event]], list: [(body: String, id: String)]
  ) {
    self.confirmed = confirmed
    self.input = input.joined().reduce(into: [:]) { $0[$1.message.key ?? "", default: []].append($1.message.id) }
    self.middle = middle.map { $0.compactMap(Self.entry) }
    self.output = output.map { $0.compactMap(Self.entry) }
    self.list = list
  }

  private static func entry(_ event: Event) -> Entry? {
    let words = (event.message.body.string ?? "").split(separator: " ")
    guard words.count == 4, let count = Int(words[1]), let partition = Int(words[2]), let epoch = UInt64(words[3])
    else { return nil }
    return Entry(
      key: event.message.key ?? "", origin: words[0], count: count, partition: partition, epoch: epoch,
      id: event.message.id)
  }

  /// How many events the first hub took.
  var events: Int { input.values.reduce(0) { $0 + $1.count } }

  /// Confirmed, and not arrived behind the last function.
  var lost: [String] { confirmed.subtracting(output.joined().map { String($0.origin) }).sorted() }

  /// Arrived in the queue at the end other than the events of the first hub: never sent, or missing there.
  var unaccounted: [String] {
    var expected: Set<String> = []
    for ids in input.values { for (index, id) in ids.enumerated() { expected.insert("\(id) \(index + 1)") } }
    return expected.symmetricDifference(list.map(\.body)).sorted()
  }

  /// Effects beyond the first of their event: in both hubs and in the queue.
  var duplicates: Int {
    func repeats(_ entries: [[Entry]]) -> Int {
      entries.reduce(0) { $0 + $1.count } - Set(entries.joined().map { "\($0.key) \($0.count)" }).count
    }
    return repeats(middle) + repeats(output) + list.count - Set(list.map(\.body)).count
  }

  /// Repeats with another id than the first one's: a receiver could not tell that they are one.
  var foreignCopies: [String] {
    func foreign(_ pairs: [(name: String, id: String)]) -> [String] {
      Dictionary(grouping: pairs, by: \.name).filter { Set($0.value.map(\.id)).count > 1 }.keys.sorted()
    }
    func pairs(_ entries: [[Entry]]) -> [(name: String, id: String)] {
      entries.joined().map { ("\($0.key) \($0.count)", $0.id) }
    }
    return foreign(pairs(middle)) + foreign(pairs(output)) + foreign(list.map { ($0.body, $0.id) })
  }

  /// Keys whose events did not come out, for the first time each, in the order in which they went in.
  var disordered: [String] {
    func check(_ entries: [[Entry]], _ name: String) -> [String] {
      var found: [String: [Entry]] = [:]
      var seen: Set<String> = []
      for entry in entries.joined() where seen.insert("\(entry.key) \(entry.count)").inserted {
        found[entry.key, default: []].append(entry)
      }
      return input.keys.sorted().compactMap { key in
        let (expected, came) = (input[key] ?? [], found[key] ?? [])
        for (index, (want, have)) in zip(expected, came).enumerated()
        where want != have.origin || index + 1 != have.count {
          let all = entries.enumerated().flatMap { partition, entries in
            entries.filter { $0.key == key }.map { "\(partition):\($0.origin)#\($0.count)@\($0.partition).\($0.epoch)" }
          }
          return "\(name), \(key): \(want) \(index + 1) should come, \(have.origin) \(have.count) came; "
            + "partition:origin#count@from.epoch: \(all.prefix(index + 30))"
        }
        return expected.count == came.count ? nil : "\(name), \(key): \(came.count) of \(expected.count) came"
      }
    }
    return check(middle, "middle") + check(output, "output")
  }

  /// Outputs of an owner that came after those of the next owner of the partition.
  var stale: Int {
    (middle + output).reduce(0) { count, entries in
      var newest: [Int: UInt64] = [:]
      return entries.reduce(count) { count, entry in
        defer { newest[entry.partition] = max(newest[entry.partition] ?? 0, entry.epoch) }
        return entry.epoch < newest[entry.partition] ?? 0 ? count + 1 : count
      }
    }
  }
}
