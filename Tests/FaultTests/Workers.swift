import Foundation
import MartletTestKit
import TestServers

/// The worker processes of a run, and what befalls them.
actor Workers {
  private let arguments: [String]
  private var running: [WorkerProcess] = []
  private(set) var kills = 0
  private(set) var pauses = 0

  init(broker: String, run: String, lease: Int, count: Int) throws {
    arguments = [broker, run, String(lease)]
    for _ in 0..<count { running.append(try Self.start(arguments)) }
  }

  private static func start(_ arguments: [String]) throws -> WorkerProcess {
    try WorkerProcess(BuiltProducts.executable("fault-worker"), arguments: arguments)
  }

  /// Kills one and starts another in its place.
  func kill(_ number: Int) throws {
    running[number % running.count].kill()
    running[number % running.count] = try Self.start(arguments)
    kills += 1
  }

  /// Stops one for longer than its lease: when it wakes up its messages are somebody else's.
  func freeze(_ number: Int, for time: Duration) async throws {
    let worker = running[number % running.count]
    guard worker.isRunning else { return }
    try await worker.pause()
    try await FaultTests.pause(time)
    worker.resume()
    pauses += 1
  }

  /// Ends all with SIGTERM.
  /// - Returns: the exit codes.
  func drain() async -> [Int32?] {
    for worker in running { worker.signal(15) }
    var codes: [Int32?] = []
    for worker in running { codes.append(await worker.end(until: .now + .seconds(60))) }
    return codes
  }
}
