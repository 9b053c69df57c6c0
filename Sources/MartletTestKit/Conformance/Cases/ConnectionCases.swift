import Martlet

extension BrokerConformance.Case {
  static let connections = [cutPublisher, cutReader, lostReply, lostRequest, blackHole, awayAtStart]

  static let cutPublisher = Self("a publisher that is cut off repeats until all is confirmed", needs: [.proxy]) {
    trial in
    let (proxy, url) = try trial.proxy()
    let (broker, queue) = (try await trial.broker("cut", at: url), trial.queue())
    let direct = try await trial.broker("direct")
    try await direct.declare(QueueDeclaration(name: queue))
    for round in 0..<20 {
      if round % 4 == 1 { proxy.cut() }
      async let sent: Void = broker.publish((0..<10).map { .text("m\(round)-\($0)", to: queue) })
      if round % 4 == 3 { proxy.cut() }
      try await sent
    }
    let ids = (0..<20).flatMap { round in (0..<10).map { "m\(round)-\($0)" } }
    // A publish is repeated, so messages may come twice, under the same ids.
    try await trial.expectOutputs(ids, in: queue, of: direct, exactlyOnce: false)
  }

  static let cutReader = Self("a reader that is cut off resumes; nothing is lost", needs: [.proxy]) { trial in
    let (proxy, url) = try trial.proxy()
    let (input, output) = (trial.queue("in"), trial.queue("out"))
    let (broker, direct) = (try await trial.broker("cut", at: url), try await trial.broker("direct"))
    try await direct.publish((0..<300).map { .text("m\($0)", to: input) })
    let receiver = try await trial.receiver(broker, on: input, prefetch: 10)
    let pipe = Pipe(receiver, to: output)
    for threshold in [50, 100, 150, 200] {
      try await trial.eventually("\(threshold) outputs are there") {
        try await direct.counts(of: output).ready >= threshold
      }
      proxy.cut()
    }
    let ids = (0..<300).map { "out-m\($0)" }
    try await trial.expectOutputs(ids, in: output, of: direct, from: pipe, emptying: input)
  }

  static let lostReply = Self("a commit whose answer was lost is sent again and applied once", needs: [.proxy]) {
    trial in
    try await trial.loseInCommit(.dropReplies)
  }

  static let lostRequest = Self("a commit that was lost on its way is sent again", needs: [.proxy]) { trial in
    try await trial.loseInCommit(.dropRequests)
  }

  static let blackHole = Self("a silent network past the lease is survived", needs: [.proxy]) { trial in
    let (proxy, url) = try trial.proxy()
    let (input, output) = (trial.queue("in"), trial.queue("out"))
    let (broker, direct) = (try await trial.broker("cut", at: url), try await trial.broker("direct"))
    try await direct.publish((0..<20).map { .text("m\($0)", to: input) })
    let receiver = try await trial.receiver(broker, on: input, prefetch: 10)
    let held = try await receiver.next(10)
    proxy.set(.stall)
    try receiver.begin(.piping(held, to: output)) { _ in }
    await receiver.hold(trial.suite.lease * 2)
    proxy.set(.forward)
    let pipe = Pipe(receiver, to: output)
    let ids = (0..<20).map { "out-m\($0)" }
    try await trial.expectOutputs(ids, in: output, of: direct, from: pipe, emptying: input)
  }

  static let awayAtStart = Self("a broker that is away at the start is waited for", needs: [.proxy]) { trial in
    let (proxy, url) = try trial.proxy()
    let queue = trial.queue()
    for mode in [TCPProxy.Mode.refuse, .stall] {
      proxy.set(mode)
      let broker = try trial.unstartedBroker("\(mode)", at: url)
      let start = ContinuousClock.now
      do {
        try await broker.start(deadline: start + .milliseconds(500))
        throw ConformanceFailure("the start should say why the broker has not answered")
      } catch let error as BrokerError {
        try expect(error.isRetriable, "a broker that is away may come back; the error should be retriable: \(error)")
      }
      let time = ContinuousClock.now - start
      try expect(time < .milliseconds(500) + trial.suite.promptness, "the deadline was 500 ms; it took \(time)")
      proxy.set(.forward)
      proxy.cut()
      try await broker.publish([.text("m-\(mode)", to: queue)])
      let receiver = try await trial.receiver(broker, on: queue, prefetch: 1)
      try await receiver.settle(.complete(try await receiver.one().receipt))
      await receiver.close()
    }
  }
}

extension Trial {
  /// Commits while one direction of the connection loses everything, then cuts the connection.
  func loseInCommit(_ mode: TCPProxy.Mode) async throws {
    let (proxy, url) = try proxy()
    let (input, output) = (queue("in"), queue("out"))
    let (broker, direct) = (try await broker("cut", at: url), try await broker("direct"))
    try await direct.declare(QueueDeclaration(name: output))
    try await direct.publish((0..<5).map { .text("m\($0)", to: input) })
    let receiver = try await receiver(broker, on: input, prefetch: 5)
    let group = CommitGroup.piping(try await receiver.next(5), to: output)
    proxy.set(mode)
    let answer = Observed<CommitResult?>(nil)
    try receiver.begin(group) { result in answer.update { $0 = result } }
    if mode == .dropReplies {
      try await eventually("the broker has the outputs") { try await direct.counts(of: output).ready == 5 }
    } else {
      await receiver.hold(.milliseconds(100))
    }
    proxy.set(.forward)
    proxy.cut()
    guard let result = await answer.wait(until: deadline, { $0 }) else {
      throw ConformanceFailure("the commit was not answered after the connection came back")
    }
    if features.hasAtomicCommit {
      guard case .applied = result else {
        throw ConformanceFailure("the commit that was sent again should be applied; the answer was \(result)")
      }
    }
    // Where the settlements were void the inputs come again.
    let pipe = Pipe(receiver, to: output)
    let ids = (0..<5).map { "out-m\($0)" }
    try await expectOutputs(ids, in: output, of: direct, from: pipe, emptying: input)
  }
}
