import Foundation
import MartletCore
import MartletRedis
import Testing

/// What lies on servers already: these keys, with these fields.
@Suite struct GoldenTests {
  private func golden(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name)")
  }

  /// Compares. A new file is written when it is missing; delete one only to break with what is on servers.
  private func expect(_ text: String, in name: String) throws {
    guard FileManager.default.fileExists(atPath: golden(name).path) else {
      try text.write(to: golden(name), atomically: true, encoding: .utf8)
      Issue.record("\(name) was missing and is written now")
      return
    }
    #expect(text == (try String(contentsOf: golden(name), encoding: .utf8)))
  }

  /// Everything under a key, as text.
  private static let dump = """
    local key, kind = KEYS[1], redis.call('TYPE', KEYS[1]).ok
    local lines = { key .. ' ' .. kind }
    if kind == 'stream' then
      for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do lines[#lines + 1] = '  group ' .. group[2] end
      for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
        lines[#lines + 1] = '  entry ' .. entry[1]
        for f = 1, #entry[2], 2 do lines[#lines + 1] = '    ' .. entry[2][f] .. ' = ' .. entry[2][f + 1] end
      end
    elseif kind == 'hash' then
      local fields = redis.call('HKEYS', key)
      table.sort(fields)
      for _, field in ipairs(fields) do lines[#lines + 1] = '  ' .. field .. ' = ' .. redis.call('HGET', key, field) end
    elseif kind == 'zset' then
      local members = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
      for m = 1, #members, 2 do
        local isPacked, parts = pcall(cmsgpack.unpack, members[m])
        if isPacked and type(parts) == 'table' then
          lines[#lines + 1] = '  at ' .. members[m + 1]
          for _, part in ipairs(parts) do lines[#lines + 1] = '    ' .. part end
        else
          lines[#lines + 1] = '  ' .. members[m] .. ' at ' .. members[m + 1]
        end
      end
    end
    return table.concat(lines, string.char(10))
    """

  /// All keys whose name holds one of the names, which are replaced by others.
  private func layout(_ redis: RedisCommand, _ names: [(String, String)]) throws -> String {
    var keys: Set<String> = []
    for (name, _) in names { keys.formUnion(try redis.lines("KEYS", "*\(name)*")) }
    var blocks: [String] = []
    for key in keys {
      var text = try redis.lines("EVAL", Self.dump, "1", key).joined(separator: "\n")
      for (name, word) in names { text = text.replacing(name, with: word) }
      text = text.replacing(/worker-[0-9a-f]{16}/, with: "worker-<random>")
      text = text.replacing(/\b(?!00000000)[0-9a-f]{32}\b/, with: "<random>")
      text = text.replacing(/\b\d{13}-\d+\b/, with: "<id>").replacing(/\b\d{13}\b/, with: "<ms>")
      blocks.append(text)
    }
    return blocks.sorted().joined(separator: "\n") + "\n"
  }

  private static func message(to address: Address, id: String) -> OutgoingMessage {
    OutgoingMessage(
      to: address, body: Bytes("{}"), id: id, contentType: .json, key: "k", headers: ["color": "red"],
      trace: TraceContext(traceID: 1, spanID: 2, flags: 1, state: "a=1"), timeToLive: .seconds(3600))
  }

  private static func reason(_ source: Address) -> DeadLetterReason {
    DeadLetterReason(
      code: .attemptsExhausted, function: "bill", errorType: "Declined", errorText: "no money", attempts: 5,
      source: source, time: Date(timeIntervalSince1970: 1_700_000_000), traceID: String(repeating: "0", count: 31) + "1"
    )
  }

  @Test func aQueue() async throws {
    let lab = try await Lab.open(instance: "worker", lease: .seconds(10), queue: "g" + UUID().uuidString)
    let names = [(lab.queue, "orders")]
    let inbox = Inbox()
    try await lab.broker.declare(QueueDeclaration(name: lab.queue))
    // What a consumer that died had in hand.
    try await lab.broker.publish([Self.message(to: .queue(lab.queue), id: "suspect")])
    try lab.redis("XREADGROUP", "GROUP", "martlet", "gone/0", "STREAMS", lab.queue, ">")
    var delayed = Self.message(to: .queue(lab.queue), id: "delayed")
    delayed.deliverAt = Date(timeIntervalSince1970: 9_000_000_000)
    // Without a consumer nobody has to be woken for it.
    try await lab.broker.publish([delayed])
    let consumer = try await lab.consume(inbox)
    var output = delayed
    output.id = "delayed output"
    var messages = (1...4).map { Self.message(to: .queue(lab.queue), id: "m\($0)") }
    messages[3] = OutgoingMessage(to: .queue(lab.queue), body: Bytes("plain"), id: "m4", contentType: .text)
    try await lab.broker.publish(messages)
    let deliveries = try await inbox.first(4)
    let done = await consumer.settle(
      .complete(deliveries[0].receipt), .deadLetter(deliveries[1], Self.reason(.queue(lab.queue))),
      .retry(deliveries[2], after: .seconds(8_000_000)), outputs: [output])
    #expect(done.isApplied)
    // Nobody takes over within the first lease time; a stranger's hand is quicker.
    try lab.redis(
      "XCLAIM", lab.queue, "martlet", "suspects", "0", try lab.redis.lines("XRANGE", lab.queue, "-", "+")[0])
    let suspect = try await inbox.first(5)[4]
    #expect(suspect.isSuspect)
    try expect(try layout(lab.redis, names), in: "queue.txt")
    await lab.close()
  }

  @Test func aHub() async throws {
    let lab = try await HubLab.open(
      partitions: 2, retention: HubRetention(age: .seconds(86_400), bytes: 5, count: 1_000),
      hub: "g" + UUID().uuidString)
    let names = [(lab.hub, "readings")]
    try await lab.broker.publish([1, 2, 3, 4].map { Self.message(to: .hub(lab.hub), id: "e\($0)") })
    let partition = PartitionChoice.partition(of: "k", count: 2)
    let inbox = EventInbox()
    _ = try await lab.read(inbox, partition: partition)
    let events = try await inbox.first(4)
    _ = try await lab.broker.attend(lab.group, as: "member", expiration: .seconds(10))
    _ = try await lab.broker.claim(lab.owned(partition), as: "member", expecting: 0, afterDeath: true)
    var position = events[0].position
    position.finished = [events[2].offset]
    var reason = Self.reason(Address(.hub, lab.group.description))
    (reason.partition, reason.offset) = (partition, events[1].offset)
    let dead = OutgoingMessage(
      to: lab.group.deadLetters, body: Bytes("{}"), id: "dead",
      headers: Headers(reason.headers))
    var commit = PartitionCommit(
      partition: lab.owned(partition), epoch: 1, number: 1, position: position, outputs: [dead],
      values: ["k": Bytes("state")])
    commit.deaths = 1
    commit.suspect = SuspectEvent(offset: events[1].offset, attempt: 2)
    #expect(await lab.broker.commit(commit).isApplied)
    try await lab.broker.move(
      GroupPartition(group: ConsumerGroup(hub: lab.hub, name: "by-hand"), number: partition), to: position)
    _ = try await lab.broker.trim(lab.partition(partition))
    // How many milliseconds lie between two events differs.
    let text = try layout(lab.redis, names).replacing(/finished = \d+-\d+/, with: "finished = <step>")
    try expect(text, in: "hub.txt")
    await lab.close()
  }

  // MARK: What earlier releases wrote is read

  /// The lines below a key in a golden file, with times that make sense.
  private func lines(_ name: String, below key: String) throws -> [String] {
    let text = try String(contentsOf: golden(name), encoding: .utf8)
    let all = text.replacing("<id>", with: "1700000000000-3").replacing("<ms>", with: "9000000000000")
      .replacing("<step>", with: "5-7").replacing("<random>", with: "r").split(separator: "\n").map { String($0) }
    let first = try #require(all.firstIndex { $0.hasPrefix(key + " ") })
    return all[(first + 1)...].prefix { $0.hasPrefix(" ") }.map { String($0.trimmingPrefix { $0 == " " }) }
  }

  private func fields(_ lines: some Sequence<String>) -> [String] {
    lines.flatMap { line in
      let parts = line.split(separator: " = ", maxSplits: 1).map { String($0) }
      return [parts[0], parts.count > 1 ? parts[1] : ""]
    }
  }

  @Test func entriesOfEarlierReleasesAreRead() async throws {
    let lab = try await HubLab.open()
    let entry = try lines("hub.txt", below: "readings:1").drop { !$0.hasPrefix("entry ") }.dropFirst()
    try lab.redis.run(["XADD", lab.partition().description, "*"] + fields(entry.prefix { !$0.hasPrefix("entry ") }))
    let inbox = EventInbox()
    _ = try await lab.read(inbox)
    let message = try await inbox.first(1)[0].message
    let sent = Self.message(to: .hub("readings"), id: "e4")
    #expect(message.id == "e4")
    #expect(message.body == sent.body)
    #expect(message.contentType == .json)
    #expect(message.key == "k")
    #expect(message.trace == sent.trace)
    #expect(message.headers == sent.headers)
    #expect(message.expiresAt == Date(timeIntervalSince1970: 9_000_000_000))
    await lab.close()
  }

  @Test func recordsOfEarlierReleasesAreRead() async throws {
    let lab = try await HubLab.open()
    let record = try lines("hub.txt", below: "{readings:1}:detect:record")
    try lab.redis.run(["HSET", "{\(lab.hub):0}:detect:record"] + fields(record))
    let checkpoint = EventOffset(high: 1_700_000_000_000, low: 3)
    let position = PartitionPosition(
      checkpoint: checkpoint, sequenceNumber: 0, eventID: "e1", enqueuedAt: Date(timeIntervalSince1970: 9_000_000_000),
      finished: [EventOffset(high: 1_700_000_000_005, low: 7)])
    let expected = PartitionRecord(
      partition: 0, owner: "member", epoch: 1, lastCommit: 1, position: position, deaths: 1,
      suspect: SuspectEvent(offset: checkpoint, attempt: 2))
    #expect(try await lab.record() == expected)
    await lab.close()
  }
}
