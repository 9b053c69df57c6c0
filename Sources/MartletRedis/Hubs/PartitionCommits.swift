import MartletCore

/// The commits of partitions' owners that have no answer yet, on the broker's thread. Those of several partitions leave
/// in one write.
final class PartitionCommits {
  private final class InFlight {
    let commit: PartitionCommit
    let completion: (CommitResult) -> Void
    /// Where its events go to, once that is known: the same whenever it is sent again.
    var partitions: [Int] = []

    init(_ commit: PartitionCommit, _ completion: @escaping (CommitResult) -> Void) {
      self.commit = commit
      self.completion = completion
    }
  }

  private unowned let loop: RedisLoop
  /// Those whose hubs are being asked for, and those behind them.
  private var unplaced: [InFlight] = []
  /// All, by partition, in the order of the calls.
  private var open: [GroupPartition: [InFlight]] = [:]
  private var reported: String?

  /// What one script can take.
  private static let mostArguments = 900_000
  private static let mostBytes = 512 << 20

  init(loop: RedisLoop) { self.loop = loop }

  var isEmpty: Bool { open.isEmpty }

  func commit(_ commit: PartitionCommit, completion: @escaping (CommitResult) -> Void) {
    let problems = problems(of: commit)
    guard problems.isEmpty else { return completion(.refused(problems)) }
    let inFlight = InFlight(commit, completion)
    open[commit.partition, default: []].append(inFlight)
    unplaced.append(inFlight)
    turn()
  }

  /// Sends on what waited for an answer about its hubs.
  func turn() {
    var count = 0
    for inFlight in unplaced {
      guard let placement = loop.catalog.place(inFlight.commit.outputs) else { break }
      count += 1
      if placement.refused.isEmpty {
        inFlight.partitions = placement.partitions
        ask(inFlight)
      } else {
        end(inFlight, .refused(placement.refused))
      }
    }
    unplaced.removeFirst(count)
  }

  func abandon() {
    let lost = open.values.flatMap(\.self)
    open = [:]
    unplaced = []
    for inFlight in lost { inFlight.completion(.ownershipLost) }
  }

  private func problems(of commit: PartitionCommit) -> [Int: BrokerError] {
    var problems: [Int: BrokerError] = [:]
    var (arguments, bytes) = (2 * commit.values.count, 0)
    for (index, output) in commit.outputs.enumerated() {
      if let problem = EntryEncoder.problem(of: output, limit: loop.environment.maxMessageBytes) {
        problems[index] = problem
        continue
      }
      arguments += 4 + EntryEncoder.argumentCount(output)
      bytes += output.body.count
      if arguments > Self.mostArguments || bytes > Self.mostBytes {
        problems[index] = BrokerError(
          .tooLarge, "the commit of \(commit.partition) has more outputs than one script can take; use smaller batches",
          isRetriable: false)
      }
    }
    return problems
  }

  // MARK: On the wire

  private func ask(_ inFlight: InFlight) {
    let encoder = PartitionCommitEncoder(inFlight.commit, partitions: inFlight.partitions)
    loop.request(
      PendingRequest(
        write: { buffer, scripts in
          encoder.write(to: &buffer, digest: scripts.commitPartition.digest ?? "")
          return 1
        },
        onReply: { [unowned self] reply, _ in answered(inFlight, encoder, reply) },
        // All at once, when the broker stops.
        onAbandon: {}))
  }

  private func answered(_ inFlight: InFlight, _ encoder: PartitionCommitEncoder, _ reply: Reply)
    -> PendingRequest.Outcome
  {
    switch reply.rootText {
    case "OK", "DONE": end(inFlight, .applied)
    case "FENCED": end(inFlight, .ownershipLost)
    case "GAP":
      // One before it comes again, and this one behind it. Unless there is none.
      if open[inFlight.commit.partition]?.first !== inFlight { return .again }
      end(inFlight, .ownershipLost)
    default:
      if let refused = encoder.refused(by: reply) {
        end(inFlight, .refused(refused))
        return .done
      }
      let text = reply.error ?? "no answer to a commit"
      let error = BrokerError(redis: text, at: loop.url)
      if error.code == .permission, !inFlight.commit.outputs.isEmpty {
        findForbidden(inFlight, encoder, error)
        return .done
      }
      report(error, of: inFlight.commit.partition)
      return .again
    }
    return .done
  }

  /// Redis does not say which key the user may not write, so each is asked for. If it is none of the outputs', the owner
  /// itself may not commit, and waits for the right.
  private func findForbidden(_ inFlight: InFlight, _ encoder: PartitionCommitEncoder, _ error: BrokerError) {
    var forbidden: [String] = []
    let keys = encoder.outputKeys
    var next = 0
    loop.request(
      PendingRequest(
        write: { buffer, scripts in
          (forbidden, next) = ([], 0)
          for key in keys { RedisCall.script(\.probe, keys: [key], []).write(to: &buffer, scripts) }
          return keys.count
        },
        onReply: { [unowned self] reply, loop in
          defer { next += 1 }
          if let text = reply.error {
            let found = BrokerError(redis: text, at: loop.url)
            guard found.code == .permission else { return .again }
            forbidden.append(keys[next])
          }
          guard next == keys.count - 1 else { return .done }
          if forbidden.isEmpty {
            report(error, of: inFlight.commit.partition)
            loop.at(.now + .seconds(1)) { [weak self] in self?.ask(inFlight) }
          } else {
            end(inFlight, .refused(encoder.errors(for: forbidden) { _ in error }))
          }
          return .done
        },
        onAbandon: {}))
  }

  private func end(_ inFlight: InFlight, _ result: CommitResult) {
    let partition = inFlight.commit.partition
    open[partition]?.removeAll { $0 === inFlight }
    if open[partition]?.isEmpty == true { open[partition] = nil }
    if case .applied = result { reported = nil }
    inFlight.completion(result)
  }

  private func report(_ error: BrokerError, of partition: GroupPartition) {
    guard error.code != .unavailable, reported != error.message else { return }
    reported = error.message
    loop.environment.logger.error("redis: the commit of \(partition) is tried again: \(error.message)")
  }
}
