import Foundation
import Synchronization

/// The worker processes, and what they said of their work.
final class Workers: Sendable {
  /// What is reported of the work, apart from the result.
  struct Summary: Codable, Sendable {
    struct Worker: Codable, Sendable {
      var events: Int
      var partitions: [String]
      var wasKilled: Bool
    }
    /// The run: what the keys of its events begin with.
    var run: String
    var workers: [String: Worker]
    /// How many partitions were taken over from the dead.
    var takeovers: Int
  }

  private struct State: Sendable {
    var counts: [pid_t: Tally.Counts] = [:]
    var running: Set<pid_t> = []
    var killed: Set<pid_t> = []
    /// What each had done when it was looked at last.
    var seen: [pid_t: Int] = [:]
    var areSpared = false
  }

  private let arguments: [String]
  private let state = Mutex(State())

  init(arguments: [String]) { self.arguments = arguments }

  func start() throws {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["--worker"] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let id = process.processIdentifier
    state.withLock { _ = $0.running.insert(id) }
    Thread.detachNewThread { [self] in
      listen(to: output.fileHandleForReading, of: id)
      process.waitUntilExit()
      state.withLock { state in
        state.running.remove(id)
        if process.terminationReason == .uncaughtSignal { state.killed.insert(id) }
      }
    }
  }

  /// Reads a line at a time until the worker is gone.
  private func listen(to output: FileHandle, of id: pid_t) {
    var rest = Data()
    while true {
      let data = output.availableData
      if data.isEmpty { return }
      rest += data
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        if let counts = try? JSONDecoder().decode(Tally.Counts.self, from: rest[..<end]) {
          state.withLock { $0.counts[id] = counts }
        }
        rest = Data(rest[rest.index(after: end)...])
      }
    }
  }

  /// Kills whoever did most since the last time, in the middle of its work, and starts another one, again and again. Not
  /// before everybody has committed something, and not after `spareTheRest`.
  func killBusiest(every interval: Duration) async throws {
    while true {
      try await Task.sleep(for: interval)
      try await wait { state in state.running.allSatisfy { (state.counts[$0]?.events ?? 0) > 0 } }
      let (busiest, isOver) = state.withLock { state in
        let work = state.running.map { id in (id, (state.counts[id]?.events ?? 0) - (state.seen[id] ?? 0)) }
        for id in state.running { state.seen[id] = state.counts[id]?.events ?? 0 }
        return (work.max { $0.1 < $1.1 }, state.areSpared)
      }
      if isOver { return }
      guard let (busiest, most) = busiest, most > 0 else { continue }
      kill(busiest, SIGUSR1)
      try await wait { !$0.running.contains(busiest) }
      try start()
    }
  }

  /// Kills no more of them: whoever was started last shall have something to do, too.
  func spareTheRest() { state.withLock { $0.areSpared = true } }

  private func wait(until isSo: (State) -> Bool) async throws {
    while !state.withLock({ isSo($0) }) { try await Task.sleep(for: .milliseconds(20)) }
  }

  /// Lets all of them drain.
  func stop() async {
    for id in state.withLock({ $0.running }) { kill(id, SIGTERM) }
    let deadline = ContinuousClock.now + .seconds(30)
    while state.withLock({ !$0.running.isEmpty }), .now < deadline { try? await Task.sleep(for: .milliseconds(50)) }
    killAll()
  }

  func killAll() { for id in state.withLock({ $0.running }) { kill(id, SIGKILL) } }

  /// What this process did itself.
  func enter(_ counts: Tally.Counts) { state.withLock { $0.counts[getpid()] = counts } }

  func summary(of run: String) -> Summary {
    state.withLock { state in
      let workers = state.counts.map { id, counts in
        (
          "\(id)",
          Summary.Worker(
            events: counts.events, partitions: counts.partitions.sorted(), wasKilled: state.killed.contains(id))
        )
      }
      return Summary(
        run: run, workers: Dictionary(uniqueKeysWithValues: workers),
        takeovers: state.counts.values.reduce(0) { $0 + $1.takeovers })
    }
  }
}
