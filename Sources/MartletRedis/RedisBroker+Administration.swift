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
    let messages = try await ask(
      .command(["XRANGE", QueueKeys(queue).dead, "-", "+", "COUNT", String(limit)])
    ) { reply in
      let decoder = EntryDecoder(queue: queue)
      var position = 1
      var messages: [Message] = []
      var entry = EntryDecoder.Entry()
      while position < reply.nodes.count {
        if decoder.next(reply, &position, &entry) { messages.append(entry.takeMessage()) }
      }
      return messages
    }
    return messages.compactMap { message in
      guard let reason = DeadLetterReason(headers: message.headers, source: .queue(queue)) else { return nil }
      var message = message
      message.headers = Headers(message.headers.filter { !$0.name.hasPrefix(Self.reasonPrefix) })
      return DeadLetter(message: message, reason: reason)
    }
  }

  /// What the names of a reason's headers begin with.
  private static let reasonPrefix = "martlet-dead-letter-"

  public func delete(queue: String) async throws(BrokerError) {
    let keys = QueueKeys(queue)
    let answers = try await ask(["UNLINK"] + keys.all + [keys.remembered], by: nil)
    if answers[0].isError { throw BrokerError(redis: answers[0].texts[0], at: url) }
  }
}
