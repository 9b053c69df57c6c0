import MartletCore

/// Writes the commit of a partition's owner as one call of `PartitionCommitScript`.
struct PartitionCommitEncoder {
  private let commit: PartitionCommit
  private let outputs: OutputEncoder
  private let fields: [String]

  init(_ commit: PartitionCommit, partitions: [Int]) {
    self.commit = commit
    let keys = GroupKeys(commit.partition.group).partition(commit.partition.number)
    outputs = OutputEncoder(commit.outputs, partitions: partitions, own: keys)
    let suspect = commit.suspect.map { "\($0.offset.streamID) \($0.attempt)" } ?? ""
    fields = ["deaths", String(commit.deaths), "suspect", suspect] + (commit.position?.fields ?? [])
  }

  /// What one script can take.
  private static let mostArguments = 900_000
  private static let mostBytes = 512 << 20

  /// The outputs that cannot be sent, whoever tries.
  static func problems(of commit: PartitionCommit, limit: Int) -> [Int: BrokerError] {
    var problems: [Int: BrokerError] = [:]
    var (arguments, bytes) = (2 * commit.values.count, 0)
    let outputs = commit.outputs
    for index in outputs.indices {
      let size = outputs[index].body.count
      let isSimple = outputs[index].isPlain || outputs[index].isPlainEvent
      if size > limit || !isSimple, let problem = EntryEncoder.problem(of: outputs[index], limit: limit) {
        problems[index] = problem
        continue
      }
      arguments += 5 + (isSimple ? 8 : EntryEncoder.argumentCount(outputs[index]))
      bytes += size
      if arguments > mostArguments || bytes > mostBytes {
        problems[index] = BrokerError(
          .tooLarge, "the commit of \(commit.partition) has more outputs than one script can take; use smaller batches",
          isRetriable: false)
      }
    }
    return problems
  }

  func write(to buffer: inout RequestBuffer, digest: String) {
    let kept = commit.values.filter { $0.value != nil }
    let removed = commit.values.filter { $0.value == nil }
    let arguments = 6 + fields.count + 2 * kept.count + removed.count + outputs.argumentCount
    buffer.begin(arguments: 3 + outputs.keys.count + arguments)
    buffer.append("EVALSHA")
    buffer.append(digest)
    buffer.append(outputs.keys.count)
    for key in outputs.keys { buffer.append(key) }
    buffer.append(String(commit.epoch))
    buffer.append(String(commit.number))
    buffer.append("\(commit.partition):\(commit.epoch):\(commit.number)")
    buffer.append(fields.count)
    for field in fields { buffer.append(field) }
    buffer.append(2 * kept.count)
    for (key, value) in kept {
      buffer.append(key)
      buffer.append(value ?? Bytes())
    }
    buffer.append(removed.count)
    for key in removed.keys { buffer.append(key) }
    outputs.write(to: &buffer)
  }

  /// The outputs that cannot be sent, if that was the answer.
  func refused(by reply: Reply) -> [Int: BrokerError]? {
    guard let root = reply.root, root.kind == .array, root.number > 2, reply.nodes.count == root.number + 1,
      reply.text(reply.nodes[1]) == "REFUSED"
    else { return nil }
    var kinds: [String: String] = [:]
    for place in stride(from: 2, to: root.number, by: 2) {
      guard let key = reply.integer(reply.nodes[place]), outputs.keys.indices.contains(key - 1) else { continue }
      kinds[outputs.keys[key - 1]] = reply.text(reply.nodes[place + 1])
    }
    return errors(for: kinds.keys) { key in
      BrokerError(
        .conflict, "the key \(key) is in use for something else: it holds a \(kinds[key] ?? "value")",
        isRetriable: false)
    }
  }

  var outputKeys: [String] { Array(outputs.keys[Self.ownKeys...]) }

  /// Of each output that goes to one of the keys, the error.
  func errors(for keys: some Collection<String>, _ error: (String) -> BrokerError) -> [Int: BrokerError] {
    var errors: [Int: BrokerError] = [:]
    for (index, places) in outputs.places.enumerated() {
      if let key = places.lazy.map({ outputs.keys[$0 - 1] }).first(where: keys.contains) { errors[index] = error(key) }
    }
    return errors
  }

  /// Record and values.
  private static let ownKeys = 2
}
