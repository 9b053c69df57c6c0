import MartletCore

extension RedisBroker {
  /// A reply as texts, arrays flattened.
  struct Answer: Sendable {
    let isError: Bool
    let texts: [String]

    init(_ reply: Reply) {
      isError = reply.error != nil
      texts = reply.nodes.compactMap { node in
        switch node.kind {
        case .string, .status, .error: reply.text(node)
        case .integer: String(node.number)
        case .array, .null: nil
        }
      }
    }
  }

  /// Asks one or more commands, and waits for a broker that is away, until the deadline if there is one.
  func ask(_ commands: [String]..., by deadline: ContinuousClock.Instant?) async throws(BrokerError) -> [Answer] {
    let result: Result<[Answer], BrokerError> = await withCheckedContinuation { continuation in
      request(
        commands.map { .command($0) }, by: deadline, isPatient: false, read: Answer.init,
        completion: { answers in
          continuation.resume(returning: answers.map { .success($0) } ?? .failure(Self.closed))
        },
        onDeadline: { problem in
          continuation.resume(
            returning: .failure(
              problem ?? BrokerError(.unavailable, "Redis does not answer", isRetriable: true)))
        })
    }
    return try result.get()
  }

  /// Asks until Redis can answer all of it: waits while it is away, busy or full.
  /// - Parameter read: takes what is needed of a reply, on the broker's thread.
  /// - Throws: the first refusal.
  func ask<Part: Sendable>(_ calls: [RedisCall], read: @escaping @Sendable (Reply) -> Part)
    async throws(BrokerError) -> [Part]
  {
    let results: [Result<Part, BrokerError>]? = await withCheckedContinuation { continuation in
      request(
        calls, by: nil, isPatient: true,
        read: { [url] reply in
          reply.error.map { .failure(BrokerError(redis: $0, at: url)) } ?? .success(read(reply))
        }, completion: { continuation.resume(returning: $0) })
    }
    guard let results else { throw Self.closed }
    var parts: [Part] = []
    for result in results { parts.append(try result.get()) }
    return parts
  }

  func ask<Part: Sendable>(_ call: RedisCall, read: @escaping @Sendable (Reply) -> Part) async throws(BrokerError)
    -> Part
  {
    try await ask([call], read: read)[0]
  }

  /// - Parameters:
  ///   - isPatient: whether all of it is asked again while Redis cannot answer for now.
  ///   - read: takes what is needed of a reply, on the broker's thread.
  ///   - completion: gets all of it; nil when the broker was closed before.
  ///   - onDeadline: called instead of `completion` when the time is over.
  private func request<Part: Sendable>(
    _ calls: [RedisCall], by deadline: ContinuousClock.Instant?, isPatient: Bool,
    read: @escaping @Sendable (Reply) -> Part, completion: @escaping @Sendable ([Part]?) -> Void,
    onDeadline: (@Sendable (BrokerError?) -> Void)? = nil
  ) {
    if calls.isEmpty { return completion([]) }
    let isTaken = mailbox.send { loop in
      var parts: [Part] = []
      var isOver = false
      var mustRepeat = false
      loop.request(
        PendingRequest(
          write: { buffer, scripts in
            parts = []
            mustRepeat = false
            for call in calls { call.write(to: &buffer, scripts) }
            return calls.count
          },
          onReply: { reply, loop in
            if isPatient, let text = reply.error {
              let error = BrokerError(redis: text, at: loop.url)
              mustRepeat = mustRepeat || (error.isRetriable && error.code != .permission)
            }
            parts.append(read(reply))
            guard parts.count == calls.count, !isOver else { return .done }
            if mustRepeat { return .again }
            isOver = true
            completion(parts)
            return .done
          },
          onAbandon: {
            if !isOver { completion(nil) }
            isOver = true
          }))
      if let deadline, let onDeadline {
        loop.at(deadline) { [unowned loop] in
          if !isOver { onDeadline(loop.problem) }
          isOver = true
        }
      }
    }
    if !isTaken { completion(nil) }
  }
}
