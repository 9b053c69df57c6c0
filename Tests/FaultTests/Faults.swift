import Martlet
import MartletTestKit
import TestServers

/// Faults by chance, by seed.
actor Faults {
  private var random: SeededGenerator
  private let workers: Workers
  private let freeze: Duration
  private let server: TestServer?
  private let proxy: TCPProxy?
  private var restarts = 0
  private(set) var others = 0

  init(seed: UInt64, workers: Workers, freeze: Duration, server: TestServer?, proxy: TCPProxy?) {
    random = SeededGenerator(state: seed)
    self.workers = workers
    self.freeze = freeze
    self.server = server
    self.proxy = proxy
  }

  /// One fault after another until it is over. A frozen worker sleeps beside them.
  func go(until isOver: @Sendable () -> Bool) async throws {
    try await withThrowingTaskGroup { frozen in
      // Every kind once, whatever the seed; then by chance.
      var first = [0, 5, 7, 9, 8, 0].shuffled(using: &random)
      while !isOver() {
        try await pause(.milliseconds(Int.random(in: 200...900, using: &random)))
        let worker = Int.random(in: 0..<3, using: &random)
        switch first.popLast() ?? Int.random(in: 0..<10, using: &random) {
        case 0..<5: try await workers.kill(worker)
        case 5..<7: frozen.addTask { [workers, freeze] in try await workers.freeze(worker, for: freeze) }
        case 7: cut()
        case 8: try await cutAfterLostReplies()
        default: try await restart()
        }
      }
      try await frozen.waitForAll()
    }
  }

  private func cut() {
    guard let proxy else { return }
    proxy.cut()
    others += 1
  }

  /// Replies are lost on the way: what was committed is committed again under its number.
  private func cutAfterLostReplies() async throws {
    guard let proxy else { return }
    proxy.set(.dropReplies)
    try await pause(.milliseconds(200))
    proxy.cut()
    proxy.set(.forward)
    others += 1
  }

  private func restart() async throws {
    guard let server, restarts < 2 else { return }
    restarts += 1
    others += 1
    try await server.restart()
  }
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
