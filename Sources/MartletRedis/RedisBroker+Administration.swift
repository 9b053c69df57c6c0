import Foundation
public import MartletCore

extension RedisBroker: BrokerAdministration {
  public func counts(of queue: String) async throws(BrokerError) -> QueueCounts {
    let keys = QueueKeys(queue)
    let answers = try await ask(
      ["XLEN", keys.stream], ["XPENDING", keys.stream, QueueKeys.group], ["ZCARD", keys.delayed], ["XLEN", keys.dead],
      by: nil)
    for answer in answers where answer.isError && !answer.texts[0].hasPrefix("NOGROUP") {
      throw BrokerError(redis: answer.texts[0], at: url)
    }
    func number(_ index: Int) -> Int { answers[index].isError ? 0 : Int(answers[index].texts.first ?? "0") ?? 0 }
    let unsettled = number(1)
    return QueueCounts(
      ready: max(0, number(0) - unsettled), delayed: number(2), unsettled: unsettled, dead: number(3))
  }

  public func deadLetters(of queue: String, limit: Int) async throws(BrokerError) -> [DeadLetter] {
    let dead = QueueKeys(queue).dead
    let (messages, failure) = await withCheckedContinuation {
      (continuation: CheckedContinuation<([Message], BrokerError?), Never>) in
      request(
        [["XRANGE", dead, "-", "+", "COUNT", String(limit)]], by: nil,
        read: { [url] reply in
          if let error = reply.error { return ([], BrokerError(redis: error, at: url)) }
          var decoder = EntryDecoder(queue: queue)
          var position = 1
          var messages: [Message] = []
          while position < reply.nodes.count {
            if let entry = decoder.next(reply, &position) { messages.append(entry.message) }
          }
          return (messages, nil)
        },
        completion: { (results: [([Message], BrokerError?)]?) in
          continuation.resume(returning: results?.first ?? ([], Self.closed))
        })
    }
    if let failure { throw failure }
    return messages.compactMap { message in
      DeadLetterReason(headers: message.headers, source: .queue(queue)).map { DeadLetter(message: message, reason: $0) }
    }
  }

  public func delete(queue: String) async throws(BrokerError) {
    let answers = try await ask(["UNLINK"] + QueueKeys(queue).all, by: nil)
    if answers[0].isError { throw BrokerError(redis: answers[0].texts[0], at: url) }
  }

  /// A reply as texts, arrays flattened.
  struct Answer: Sendable {
    let isError: Bool
    let texts: [String]
  }

  /// Asks one or more commands, and waits for a broker that is away, until the deadline if there is one.
  func ask(_ commands: [String]..., by deadline: ContinuousClock.Instant?) async throws(BrokerError) -> [Answer] {
    let result: Result<[Answer], BrokerError> = await withCheckedContinuation { continuation in
      request(
        commands, by: deadline,
        read: { reply in
          Answer(
            isError: reply.error != nil,
            texts: reply.nodes.compactMap { node in
              switch node.kind {
              case .string, .status, .error: reply.text(node)
              case .integer: String(node.number)
              case .array, .null: nil
              }
            })
        },
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

  /// - Parameters:
  ///   - read: takes what is needed of a reply, on the broker's thread.
  ///   - completion: gets all of it; nil when the broker was closed before.
  ///   - onDeadline: called instead of `completion` when the time is over.
  private func request<Part: Sendable>(
    _ commands: [[String]], by deadline: ContinuousClock.Instant?, read: @escaping @Sendable (Reply) -> Part,
    completion: @escaping @Sendable ([Part]?) -> Void, onDeadline: (@Sendable (BrokerError?) -> Void)? = nil
  ) {
    let isTaken = mailbox.send { loop in
      var parts: [Part] = []
      var isOver = false
      loop.request(
        PendingRequest(
          write: { buffer, _ in
            parts = []
            for command in commands {
              buffer.begin(arguments: command.count)
              for word in command { buffer.append(word) }
            }
            return commands.count
          },
          onReply: { reply, _ in
            parts.append(read(reply))
            if parts.count == commands.count, !isOver {
              isOver = true
              completion(parts)
            }
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
