import MartletCore

/// A queue with all that belongs to it, and the delay ladder.
extension TopologyChannel {
  /// Makes sure that a queue and its helpers are as their mode says.
  func prepare(_ queue: QueueDeclaration) throws(BrokerError) {
    switch queue.mode {
    case .create:
      // Helpers first: a queue that others can see is complete.
      for name in [QueueLayout.dead(of: queue.name), QueueLayout.suspects(of: queue.name), queue.name] {
        try declare(name, QueueLayout.arguments(of: name))
      }
      try declareDelivery()
      try bind(queue.name, to: DelayLadder.delivery, key: DelayLadder.pattern(of: queue.name))
    case .verify:
      for name in [queue.name, QueueLayout.dead(of: queue.name), QueueLayout.suspects(of: queue.name)] {
        try verify(name)
      }
    case .never: break
    }
  }

  /// A queue must exist and have our arguments.
  private func verify(_ name: String) throws(BrokerError) {
    guard try count(name) != nil else {
      throw BrokerError(
        .notFound, "the queue '\(name)' does not exist, and its declare mode is 'verify'; create it, or use 'create'",
        isRetriable: true)
    }
    do throws(BrokerError) {
      try compare(name, QueueLayout.arguments(of: name))
    } catch  where error.code == .permission && isConnected {
      // A user who may not configure cannot compare; that it exists is all that can be known.
    }
  }

  /// Makes a queue that an output found missing.
  func create(_ name: String, mode: DeclareMode) throws(BrokerError) {
    guard mode == .create else {
      throw BrokerError(
        .notFound, "the queue '\(name)' does not exist, and its declare mode is '\(mode.rawValue)'", isRetriable: true)
    }
    if name.hasSuffix(QueueLayout.deadSuffix) || name.hasSuffix(QueueLayout.suspectsSuffix) {
      return try declare(name, QueueLayout.arguments(of: name))
    }
    try prepare(QueueDeclaration(name: name))
  }

  /// Makes sure that messages for a queue can be delayed: the ladder, and the queue below it.
  func prepareDelay(for queue: String, mode: DeclareMode) throws(BrokerError) {
    while try declareNextLevel() {}
    do throws(BrokerError) {
      try bind(queue, to: DelayLadder.delivery, key: DelayLadder.pattern(of: queue))
    } catch  where error.code == .notFound && isConnected {
      try create(queue, mode: mode)
      try bind(queue, to: DelayLadder.delivery, key: DelayLadder.pattern(of: queue))
    }
  }

  /// Makes sure of the delay ladder, a level at a time, so that other questions have a turn in between. Answers whether
  /// there is more to do.
  func declareNextLevel() throws(BrokerError) -> Bool {
    let (height, top) = (ladderHeight, DelayLadder.levels - 1)
    guard height <= top else { return false }
    // It is built from below, so where the top is, all is.
    if height == 0, !mustRebuildLadder, try count(DelayLadder.name(ofLevel: top)) != nil {
      ladderHeight = DelayLadder.levels
      return false
    }
    try declareDelivery()
    let name = DelayLadder.name(ofLevel: height)
    try declare(exchange: name, type: "topic")
    try bind(
      exchange: DelayLadder.exchange(below: height), to: name, key: DelayLadder.pattern(ofLevel: height, digit: 0))
    try declare(name, QueueLayout.arguments(ofLevel: height))
    try bind(name, to: name, key: DelayLadder.pattern(ofLevel: height, digit: 1))
    ladderHeight += 1
    if height == top { mustRebuildLadder = false }
    return height < top
  }

  /// Somebody deleted a part: all of it is declared again with the next delay.
  func forgetLadder() { (knowsDelivery, ladderHeight, mustRebuildLadder) = (false, 0, true) }

  private func declareDelivery() throws(BrokerError) {
    guard !knowsDelivery else { return }
    try declare(exchange: DelayLadder.unroutable, type: "fanout")
    try declare(DelayLadder.unroutable, QueueLayout.unroutableArguments)
    try bind(DelayLadder.unroutable, to: DelayLadder.unroutable, key: "")
    try declare(
      exchange: DelayLadder.delivery, type: "topic",
      [Header("alternate-exchange", .string(DelayLadder.unroutable))])
    knowsDelivery = true
  }
}
