import Martlet

extension HubConformance.Case {
  static let connections = [lostCommitReply, lostCommitRequest, cutEventReader, cutEventPublisher, blackHole]
  static let restarts = [restartInMidStream]

  static let lostCommitReply = Self(
    "a commit whose answer was lost is sent again and applied once", needs: [.proxy, .ownStore]
  ) { trial in try await trial.loseCommits(.dropReplies) }

  static let lostCommitRequest = Self(
    "a commit that was lost on its way is sent again", needs: [.proxy, .ownStore]
  ) { trial in try await trial.loseCommits(.dropRequests) }

  static let cutEventReader = Self("a reader that is cut off resumes: each event once, in order", needs: [.proxy]) {
    trial in
    let (proxy, url) = try trial.proxy()
    let (cut, direct, hub) = (try await trial.brokers("cut", at: url), try await trial.brokers("direct"), trial.hub())
    _ = try await direct.log.declare(HubDeclaration(name: hub, partitionCount: 1))
    let reader = try await trial.reader(cut, of: hub, grant: 10)
    var received: [Event] = []
    for round in 0..<12 {
      try await direct.log.publish((0..<50).map { .event("\(round)-\($0)", to: hub) })
      if round % 3 == 1 { proxy.cut() }
      reader.grant(50)
      received += try await reader.next(50)
      if round % 3 == 2 { proxy.cut() }
    }
    let expected = (0..<12).flatMap { round in (0..<50).map { "\(round)-\($0)" } }
    try expectEqual(received.ids, expected, "the events")
    try await reader.nothing(for: .milliseconds(200), because: "all is read")
  }

  static let cutEventPublisher = Self("a publisher that is cut off repeats until all is confirmed", needs: [.proxy]) {
    trial in
    let (proxy, url) = try trial.proxy()
    let (cut, direct, hub) = (try await trial.brokers("cut", at: url), try await trial.brokers("direct"), trial.hub())
    _ = try await direct.log.declare(HubDeclaration(name: hub, partitionCount: 1))
    for round in 0..<20 {
      if round % 4 == 1 { proxy.cut() }
      async let sent: Void = cut.log.publish((0..<10).map { .event("\(round)-\($0)", to: hub) })
      if round % 4 == 3 { proxy.cut() }
      try await sent
    }
    let expected = (0..<20).flatMap { round in (0..<10).map { "\(round)-\($0)" } }
    try await trial.expectFirstOccurrences(expected, in: hub, of: direct)
  }

  static let blackHole = Self("a silent network is survived: each event once, in order", needs: [.proxy]) { trial in
    let (proxy, url) = try trial.proxy()
    let (cut, direct, hub) = (try await trial.brokers("cut", at: url), try await trial.brokers("direct"), trial.hub())
    try await trial.publish(100, to: hub, on: direct)
    let reader = try await trial.reader(cut, of: hub, grant: 10)
    var received = try await reader.next(10)
    proxy.set(.stall)
    reader.grant(200)
    await trial.pass(.seconds(2))
    try await direct.log.publish((0..<50).map { .event("late\($0)", to: hub, partition: 0) })
    proxy.set(.forward)
    proxy.cut()
    received += try await reader.next(140)
    let expected = (0..<100).map { "e\($0)" } + (0..<50).map { "late\($0)" }
    try expectEqual(received.ids, expected, "the events")
  }

  static let restartInMidStream = Self(
    "a restart of the broker in mid-stream loses nothing and is waited for", needs: [.restart]
  ) { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 1))
    let partition = GroupPartition(group: trial.group(of: hub), number: 0)
    let epoch = try await trial.claim(partition, on: brokers.store).epoch
    try await trial.publish(1000, to: hub, prefix: "early", on: brokers)
    let reader = try await trial.reader(brokers, of: hub, grant: 300)
    var received = try await reader.next(300)
    var commits: UInt64 = 0
    let answers = Observed<[CommitResult]>([])
    func commit(_ event: Event) {
      commits += 1
      let commit = PartitionCommit(partition: partition, epoch: epoch, number: commits, position: event.position)
      brokers.store.commit(commit) { result in answers.update { $0.append(result) } }
    }
    commit(received[299])
    async let restarted: Void? = trial.suite.restart?()
    for round in 0..<20 {
      try await brokers.log.publish([.event("late\(round)", to: hub)])
      reader.grant(30)
      received += try await reader.next(30)
      commit(received[received.count - 1])
    }
    _ = try await restarted
    try await brokers.log.publish([.event("behind", to: hub)])
    reader.grant(1000)
    while received.last?.message.id != "behind" {
      let events = try await reader.batch(until: trial.deadline)
      try expect(!events.isEmpty, "\(received.count) events came in time; the last one is missing")
      received += events
    }
    commit(received[received.count - 1])
    let expected =
      (0..<1000).map { "early\($0)" } + (0..<20).map { "late\($0)" } + ["behind"]
    // A publish that was cut off may have been repeated, under the same id.
    var seen: Set<String> = []
    try expectEqual(received.ids.filter { seen.insert($0).inserted }, expected, "the events")
    let count = commits
    let all = await answers.wait(until: trial.deadline) { $0.count == count ? $0 : nil }
    guard let all else { throw ConformanceFailure("of \(commits) commits \(answers.value.count) were answered") }
    for result in all {
      guard case .applied = result else { throw ConformanceFailure("a commit was not applied but \(result)") }
    }
    let record = try await trial.record(of: partition, in: brokers.store)
    try expectEqual(record.position, received.last?.position, "the position")
    try expectEqual(record.epoch, epoch, "the epoch")
  }
}

extension HubTrial {
  /// Holds that a partition has these events, in the order of their first occurrence; any may be there again.
  func expectFirstOccurrences(_ ids: [String], in hub: String, of brokers: Brokers) async throws {
    let reader = try await reader(brokers, of: hub, grant: ids.count * 10)
    var seen: Set<String> = []
    var found: [String] = []
    while found.count < ids.count {
      let events = try await reader.batch(until: deadline)
      try expect(!events.isEmpty, "of \(ids.count) events \(ids.count - found.count) are lost")
      found += events.ids.filter { seen.insert($0).inserted }
    }
    try expectEqual(found, ids, "the events in the order of their first occurrence")
    await reader.close()
  }

  /// Commits while one direction of the connection loses everything, then cuts the connection.
  func loseCommits(_ mode: TCPProxy.Mode) async throws {
    let (proxy, url) = try proxy()
    let (hub, queue) = (hub(), queue())
    let (cut, direct) = (try await brokers("cut", at: url), try await brokers("direct"))
    let partition = GroupPartition(group: group(of: hub), number: 0)
    let epoch = try await claim(partition, on: cut.store).epoch
    try await expectApplied(.numbered(1, of: partition, epoch: epoch, to: queue), on: cut.store)
    proxy.set(mode)
    let answers = Observed<[CommitResult]>([])
    for number: UInt64 in 2...6 {
      cut.store.commit(.numbered(number, of: partition, epoch: epoch, to: queue)) { result in
        answers.update { $0.append(result) }
      }
    }
    if mode == .dropReplies {
      try await eventually("the store has the commits") {
        try await self.record(of: partition, in: direct.store).lastCommit == 6
      }
    } else {
      await pass(.milliseconds(100))
    }
    proxy.set(.forward)
    proxy.cut()
    let all = await answers.wait(until: deadline) { $0.count == 5 ? $0 : nil }
    guard let all else { throw ConformanceFailure("the commits were not answered after the connection came back") }
    for result in all {
      guard case .applied = result else {
        throw ConformanceFailure("a commit that was sent again should be applied; the answer was \(result)")
      }
    }
    let record = try await self.record(of: partition, in: direct.store)
    try expectEqual(record.lastCommit, 6, "the number of the last commit")
    try expectEqual(record.position?.sequenceNumber, 6, "the position")
    try await expectMessages((1...6).map { "out-\($0)" }, in: queue, of: direct.store, "the outputs")
  }
}
