import MartletCore

extension QueueReader {
  func commit(_ group: CommitGroup, completion: @escaping (CommitResult) -> Void) {
    guard case .active = phase else { return completion(.ownershipLost) }
    guard group.settlements.allSatisfy({ $0.receipt.generation == generation }) else {
      return commitRest(of: group, completion)
    }
    let impossible = impossibleOutputs(of: group)
    guard impossible.isEmpty else { return commitEach(group, refused: impossible, completion) }
    add(group, completion)
  }

  private func add(_ group: CommitGroup, _ completion: @escaping (CommitResult) -> Void) {
    lastNumber += 1
    groups.append(GroupInFlight(group, number: lastNumber, generation: generation, completion: completion))
  }

  /// Some of the group's deliveries are no longer ours. The others are, and would never be settled if they fell with
  /// them.
  private func commitRest(of group: CommitGroup, _ completion: @escaping (CommitResult) -> Void) {
    let kept = group.entries.indices.filter { index in
      group.settlements[group.entries[index].settlements].allSatisfy { $0.receipt.generation == generation }
    }
    let rest = group.filtered(entries: kept)
    if rest.isEmpty { return completion(.ownershipLost) }
    commit(rest) { completion(Self.lost(of: $0, kept)) }
  }

  /// The result of a group of which a part was lost. A refused entry has to be heard of before a lost one: its deliveries
  /// wait for another settlement.
  private static func lost(of rest: CommitResult, _ kept: [Int]) -> CommitResult {
    guard case .refused(let errors) = rest else { return .ownershipLost }
    return .refused(errors.reduce(into: [:]) { $0[kept[$1.key]] = $1.value })
  }

  private func impossibleOutputs(of group: CommitGroup) -> [Int: BrokerError] {
    if group.hasPlainOutputs, group.largestOutputBytes <= loop.environment.maxMessageBytes { return [:] }
    var refused: [Int: BrokerError] = [:]
    for (index, entry) in group.entries.enumerated() {
      for output in group.outputs[entry.outputs] {
        if let problem = EntryEncoder.problem(of: output, limit: loop.environment.maxMessageBytes) {
          refused[index] = problem
        }
      }
    }
    return refused
  }

  /// Applies a refused group commit by commit, so that an innocent never pays for a neighbour.
  private func commitEach(
    _ group: CommitGroup, refused: [Int: BrokerError], _ completion: @escaping (CommitResult) -> Void
  ) {
    let kept = group.entries.indices.filter { refused[$0] == nil }
    var open = kept.count
    var refused = refused
    var isLost = false
    // The refused entry's deliveries stay with this consumer; the runtime settles them another way.
    guard open > 0 else { return completion(.refused(refused)) }
    for index in kept {
      add(group.entry(at: index)) { result in
        switch result {
        case .applied: break
        case .ownershipLost: isLost = true
        case .refused(let errors): refused[index] = errors[0]
        }
        open -= 1
        if open == 0 { completion(!refused.isEmpty ? .refused(refused) : isLost ? .ownershipLost : .applied) }
      }
    }
  }

  func sendGroups(_ now: ContinuousClock.Instant) {
    if let retryCommitsAt, now < retryCommitsAt { return }
    retryCommitsAt = nil
    while let group = groups.first(where: { !$0.isSent }) {
      // Hubs are asked for before the first events go to them. The loop turns when the answer is there.
      guard
        let placement = group.placement
          ?? (group.group.hasPlainOutputs ? HubCatalog.Placement() : loop.catalog.place(group.group.outputs))
      else { return }
      group.placement = placement
      if let first = placement.refused.min(by: { $0.key < $1.key }) {
        refused(group, first.value, isNumberTaken: false)
        continue
      }
      group.isSent = true
      CommitEncoder(keys: keys, consumer: consumer).write(
        group.group, partitions: placement.partitions, number: group.number, suspects: group.suspects,
        digest: loop.scripts.commit.digest ?? "", to: &loop.commands.requests)
      loop.commands.expect { [weak self] reply in self?.answered(group, reply) }
    }
  }

  private func answered(_ group: GroupInFlight, _ reply: Reply) {
    guard groups.contains(where: { $0 === group }) else { return }
    switch reply.rootText {
    case "OK", "DONE": return settled(group)
    case "FENCED": return fenced("its commit was refused")
    case "GAP":
      // One before it comes again, and this one behind it. Unless there is none: then the server has forgotten numbers
      // that it had confirmed, and nobody can say which.
      if groups.first === group { return fenced("the server has forgotten confirmed commits") }
      group.isSent = false
      return
    default: break
    }
    let text = reply.error ?? "no answer to a commit"
    if text.hasPrefix("REPEATED ") { return repeated(group, text) }
    if text.hasPrefix("FORGOTTEN ") { return forgotten(group, text) }
    let error = BrokerError(redis: text, at: loop.url)
    let isNumberTaken = text.hasPrefix("REFUSED")
    // Without outputs a commit names only this queue's own keys: then the queue is in trouble, not the commit.
    let isTransient = error.isRetriable && error.code != .permission || group.group.outputs.isEmpty
    guard isNumberTaken || !isTransient else {
      group.isSent = false
      if text.hasPrefix("NOSCRIPT") { return loop.scriptsLost() }
      retryCommitsAt = .now + .milliseconds(200)
      return failed(error)
    }
    refused(group, error, isNumberTaken: isNumberTaken)
  }

  /// Some of its entries were not pending: the server has lost that they were handed out, or somebody acknowledged them.
  /// Those that have no outcome come again; nothing was sent.
  private func forgotten(_ group: GroupInFlight, _ text: String) {
    log("a commit of \(keys.stream) is void: \(text.dropFirst(10)) were pending no longer; they come again")
    remove(group, isNumberTaken: true)
    release(group)
    group.completion(.ownershipLost)
  }

  /// Messages of some entries came to their end before. The other entries go again, under another number.
  private func repeated(_ group: GroupInFlight, _ text: String) {
    remove(group, isNumberTaken: false)
    var refused: [Int: BrokerError] = [:]
    for index in text.split(separator: " ").compactMap({ Int($0) }) where group.group.entries.indices.contains(index) {
      let id = group.group.rememberedIDs(ofEntry: index).first { !$0.isEmpty }
      refused[index] = .repeated(id ?? "", in: keys.stream)
    }
    let kept = group.group.entries.indices.filter { refused[$0] == nil }
    guard !kept.isEmpty else { return group.completion(.refused(refused)) }
    add(group.group.filtered(entries: kept)) { result in
      switch result {
      case .applied, .ownershipLost: group.completion(.refused(refused))
      case .refused(let errors):
        group.completion(.refused(errors.reduce(into: refused) { $0[kept[$1.key]] = $1.value }))
      }
    }
  }

  private func refused(_ group: GroupInFlight, _ error: BrokerError, isNumberTaken: Bool) {
    remove(group, isNumberTaken: isNumberTaken)
    if group.group.entries.count > 1 {
      commitEach(group.group, refused: [:], group.completion)
    } else {
      group.completion(.refused([0: error]))
    }
  }

  private func remove(_ group: GroupInFlight, isNumberTaken: Bool) {
    guard let place = groups.firstIndex(where: { $0 === group }) else { return }
    groups.remove(at: place)
    guard !isNumberTaken else { return }
    // Those behind it wait for its number, and it must not mean something else one day: an empty commit takes it.
    let empty = GroupInFlight(CommitGroup(), number: group.number, generation: group.generation) { _ in }
    groups.insert(empty, at: place)
  }

  private func settled(_ group: GroupInFlight) {
    groups.removeAll { $0 === group }
    release(group)
    for case .retry(_, let delay) in group.group.settlements where delay > .zero {
      let due = ContinuousClock.now + min(delay, .seconds(3600))
      nextMove = min(nextMove ?? due, due)
    }
    group.completion(.applied)
  }

  /// What it settled is no longer in hand.
  private func release(_ group: GroupInFlight) {
    guard group.generation == generation else { return }
    outstanding -= group.group.settlements.count
    if !group.suspects.isEmpty {
      releaseSuspect()
      waitingSuspects = max(waitingSuspects, 1)
    }
  }
}
