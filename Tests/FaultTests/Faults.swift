import Martlet
import MartletTestKit
import TestServers

/// Faults by seed: each kind as often as it must be seen, in a random order, then by chance.
actor Faults {
  enum Kind: CaseIterable {
    /// A worker is killed, and another one started.
    case kill
    /// A worker stands still for longer than its lease, and wakes up as the process it was.
    case freeze
    /// Connections are reset.
    case cut
    /// Replies are lost, then connections are reset.
    case loseReplies
    /// The broker is killed and started again.
    case restart
  }

  private var random: SeededGenerator
  private let workers: Workers
  private let lease: Duration
  private let servers: [TestServer]
  private let proxies: [TCPProxy]
  private let longest: Duration
  private let hasRecovered: @Sendable () async throws -> Void
  private let required: [Kind: Int]
  /// How often each kind has come about in full.
  private(set) var counts: [Kind: Int] = [:]
  private var frozen: Set<Int> = []
  private var restartsEnded = 0

  /// - Parameters:
  ///   - seed: decides which fault comes when.
  ///   - workers: who is killed and frozen.
  ///   - lease: a worker is frozen for longer than that.
  ///   - servers: the brokers that are restarted.
  ///   - proxies: what stands between workers and brokers.
  ///   - longest: when faults end although messages flow. Each costs time, and a slow machine would have more of them
  ///     for it.
  ///   - hasRecovered: returns when work goes on after a restart: before, other faults would find none under way.
  init(
    seed: UInt64, workers: Workers, lease: Duration, servers: [TestServer] = [], proxies: [TCPProxy] = [],
    longest: Duration = .seconds(40), hasRecovered: @escaping @Sendable () async throws -> Void = {}
  ) {
    random = SeededGenerator(state: seed)
    self.workers = workers
    self.lease = lease
    self.servers = servers
    self.proxies = proxies
    self.longest = longest
    self.hasRecovered = hasRecovered
    var required: [Kind: Int] = [.kill: 3, .freeze: 1]
    if !proxies.isEmpty { (required[.cut], required[.loseReplies]) = (1, 1) }
    if !servers.isEmpty { required[.restart] = servers.count }
    self.required = required
  }

  /// How many restarts have begun and how many of them have ended: the same numbers mean that no server was away.
  var restarts: [Int] { [counts[.restart, default: 0], restartsEnded] }

  /// Whether every kind was seen and something came back for it: without that, a clean ledger proves nothing.
  var isEnough: Bool {
    get async { missing.isEmpty ? await workers.proofs > 0 : false }
  }

  /// The kinds that were not seen often enough.
  var missing: [Kind] { Kind.allCases.filter { counts[$0, default: 0] < required[$0, default: 0] } }

  /// One fault after another until it is over and enough. A frozen worker stands beside them.
  func go(until isOver: @Sendable () -> Bool) async throws {
    let end = ContinuousClock.now + longest
    try await withThrowingTaskGroup { beside in
      while true {
        if isOver() || ContinuousClock.now > end, await isEnough { break }
        try await pause(.milliseconds(Int.random(in: 200...900, using: &random)))
        switch next() {
        case .kill: try await kill()
        case .freeze:
          let number = Int.random(in: 0..<Workers.count, using: &random)
          guard frozen.insert(number).inserted else { continue }
          beside.addTask { try await self.freeze(number) }
        case .cut: cut()
        case .loseReplies: try await cutAfterLostReplies()
        case .restart: try await restart()
        }
      }
      try await beside.waitForAll()
    }
  }

  private func next() -> Kind {
    let owed = missing.filter { $0 != .freeze || frozen.isEmpty }
    if let kind = owed.randomElement(using: &random) { return kind }
    return switch Int.random(in: 0..<10, using: &random) {
    case 0..<5: .kill
    case 5..<7: .freeze
    case 7: .cut
    case 8: .loseReplies
    default: .restart
    }
  }

  private func kill() async throws {
    var candidates = Set(0..<Workers.count)
    // Until one has woken up a frozen one is spared; then a kill may hit it, too.
    if counts[.freeze] == nil { candidates.subtract(frozen) }
    guard let number = candidates.sorted().randomElement(using: &random) else { return }
    try await workers.kill(number)
    note(.kill)
  }

  private func freeze(_ number: Int) async throws {
    defer { frozen.remove(number) }
    if try await workers.freeze(number, for: lease + .seconds(1.5)) { note(.freeze) }
  }

  private func cut() {
    guard !proxies.isEmpty else { return }
    for proxy in proxies { proxy.cut() }
    note(.cut)
  }

  /// Replies are lost on the way: what was committed is committed again under its number.
  private func cutAfterLostReplies() async throws {
    guard !proxies.isEmpty else { return }
    for proxy in proxies { proxy.set(.dropReplies) }
    try await pause(.milliseconds(200))
    for proxy in proxies {
      proxy.cut()
      proxy.set(.forward)
    }
    note(.loseReplies)
  }

  private func restart() async throws {
    let number = counts[.restart, default: 0]
    guard number < 2 * servers.count else { return }
    note(.restart)
    try await servers[number % servers.count].restart()
    restartsEnded += 1
    try await hasRecovered()
  }

  /// What has come about: `kill 7, freeze 2, …`.
  var text: String { Kind.allCases.map { "\($0) \(counts[$0, default: 0])" }.joined(separator: ", ") }

  private func note(_ kind: Kind) { counts[kind, default: 0] += 1 }
}

/// SplitMix64: the same faults for the same seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// The rhythm of the faults: what is waited for is an event, when a fault comes is chance.
func pause(_ time: Duration) async throws { try await Task.sleep(for: time, clock: .continuous) }
