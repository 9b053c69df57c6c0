import MartletCore

/// The commits of partitions' owners that have no answer yet, on the broker's thread. Those of several partitions leave
/// in one write, and so do those of one partition, in their order: where one has to be sent again, those behind it are.
final class PartitionCommits {
  private final class InFlight {
    let commit: PartitionCommit
    let completion: (CommitResult) -> Void
    /// Made when its hubs are known, and the same whenever it is sent again.
    var encoder: PartitionCommitEncoder?
    var isSent = false

    init(_ commit: PartitionCommit, _ completion: @escaping (CommitResult) -> Void) {
      self.commit = commit
      self.completion = completion
    }
  }

  private final class Lane {
    var commits: [InFlight] = []
    var unsent = 0
    var retryAt: ContinuousClock.Instant?
    var backoff = Backoff(first: .milliseconds(50), longest: .seconds(1))
    /// Nothing is sent while it is asked what the user may write.
    var isHeld = false
  }

  private unowned let loop: RedisLoop
  private var lanes: [GroupPartition: Lane] = [:]
  /// How many commits of all lanes are not sent.
  private var unsent = 0
  private var reported: String?

  init(loop: RedisLoop) { self.loop = loop }

  var isEmpty: Bool { lanes.isEmpty }

  func commit(_ commit: PartitionCommit, completion: @escaping (CommitResult) -> Void) {
    let problems = PartitionCommitEncoder.problems(of: commit, limit: loop.environment.maxMessageBytes)
    guard problems.isEmpty else { return completion(.refused(problems)) }
    let lane = lanes[commit.partition] ?? Lane()
    lanes[commit.partition] = lane
    lane.commits.append(InFlight(commit, completion))
    lane.unsent += 1
    unsent += 1
  }

  // MARK: The loop's calls

  var nextTurn: ContinuousClock.Instant? {
    guard unsent > 0, loop.isReady else { return nil }
    return lanes.values.lazy.filter { $0.unsent > 0 && !$0.isHeld }.compactMap(\.retryAt).min()
  }

  func turn(_ now: ContinuousClock.Instant) {
    guard unsent > 0, loop.isReady else { return }
    for lane in lanes.values where lane.unsent > 0 && !lane.isHeld {
      if let retryAt = lane.retryAt, now < retryAt { continue }
      lane.retryAt = nil
      send(lane)
    }
  }

  func commandsLost() {
    for lane in lanes.values {
      lane.retryAt = nil
      for inFlight in lane.commits { unsend(inFlight, lane) }
    }
  }

  func abandon() {
    let lost = lanes.values.flatMap(\.commits)
    (lanes, unsent) = ([:], 0)
    for inFlight in lost { inFlight.completion(.ownershipLost) }
  }

  // MARK: Sending

  private func send(_ lane: Lane) {
    for inFlight in lane.commits where !inFlight.isSent {
      if inFlight.encoder == nil {
        // Hubs are asked for before the first events go to them. The loop turns when the answer is there.
        guard let placement = loop.catalog.place(inFlight.commit.outputs) else { return }
        guard placement.refused.isEmpty else {
          end(inFlight, lane, .refused(placement.refused))
          continue
        }
        inFlight.encoder = PartitionCommitEncoder(inFlight.commit, partitions: placement.partitions)
      }
      guard let encoder = inFlight.encoder else { return }
      inFlight.isSent = true
      lane.unsent -= 1
      unsent -= 1
      encoder.write(to: &loop.commands.requests, digest: loop.scripts.commitPartition.digest ?? "")
      loop.commands.expect { [unowned self] reply in answered(inFlight, lane, encoder, reply) }
    }
  }

  private func unsend(_ inFlight: InFlight, _ lane: Lane) {
    guard inFlight.isSent else { return }
    inFlight.isSent = false
    lane.unsent += 1
    unsent += 1
  }

  private func answered(_ inFlight: InFlight, _ lane: Lane, _ encoder: PartitionCommitEncoder, _ reply: Reply) {
    guard lane.commits.contains(where: { $0 === inFlight }) else { return }
    switch reply.rootText {
    case "OK", "DONE":
      reported = nil
      lane.backoff.reset()
      return end(inFlight, lane, .applied)
    case "FENCED": return end(inFlight, lane, .ownershipLost)
    case "GAP":
      // One before it comes again, and this one behind it. Unless there is none.
      if lane.commits.first === inFlight { return end(inFlight, lane, .ownershipLost) }
      return unsend(inFlight, lane)
    default: break
    }
    if let refused = encoder.refused(by: reply) { return end(inFlight, lane, .refused(refused)) }
    let text = reply.error ?? "no answer to a commit"
    if text.hasPrefix("NOSCRIPT") {
      unsend(inFlight, lane)
      return loop.scriptsLost()
    }
    let error = BrokerError(redis: text, at: loop.url)
    if error.code == .permission, !inFlight.commit.outputs.isEmpty {
      return findForbidden(inFlight, lane, encoder, error)
    }
    again(inFlight, lane, error)
  }

  /// The server, or the owner's own keys, are in trouble: it waits for better times.
  private func again(_ inFlight: InFlight, _ lane: Lane, _ error: BrokerError) {
    unsend(inFlight, lane)
    lane.retryAt = .now + lane.backoff.next()
    guard error.code != .unavailable, reported != error.message else { return }
    reported = error.message
    loop.environment.logger.error(
      "redis: the commit of \(inFlight.commit.partition) is tried again: \(error.message)")
  }

  /// Redis does not say which key the user may not write, so each is asked for. If it is none of the outputs', the owner
  /// itself may not commit, and waits for the right.
  private func findForbidden(
    _ inFlight: InFlight, _ lane: Lane, _ encoder: PartitionCommitEncoder, _ error: BrokerError
  ) {
    lane.isHeld = true
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
            guard BrokerError(redis: text, at: loop.url).code == .permission else { return .again }
            forbidden.append(keys[next])
          }
          guard next == keys.count - 1 else { return .done }
          lane.isHeld = false
          if forbidden.isEmpty {
            again(inFlight, lane, error)
          } else {
            end(inFlight, lane, .refused(encoder.errors(for: forbidden) { _ in error }))
          }
          return .done
        },
        onAbandon: {}))
  }

  private func end(_ inFlight: InFlight, _ lane: Lane, _ result: CommitResult) {
    guard let place = lane.commits.firstIndex(where: { $0 === inFlight }) else { return }
    lane.commits.remove(at: place)
    if !inFlight.isSent {
      lane.unsent -= 1
      unsent -= 1
    }
    let partition = inFlight.commit.partition
    if lane.commits.isEmpty, lanes[partition] === lane { lanes[partition] = nil }
    inFlight.completion(result)
  }
}
