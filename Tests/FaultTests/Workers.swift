import Foundation
import MartletTestKit
import TestServers

/// The worker processes of a run, and what befalls them.
actor Workers {
  /// How many run at a time.
  static let count = 3

  private let arguments: [String]
  private var running: [WorkerProcess] = []
  private var killed: [WorkerProcess] = []

  init(broker: String, run: String, lease: Int) throws {
    arguments = [broker, run, String(lease)]
    for _ in 0..<Self.count { running.append(try Self.start(arguments)) }
  }

  private static func start(_ arguments: [String]) throws -> WorkerProcess {
    try WorkerProcess(BuiltProducts.executable("fault-worker"), arguments: arguments)
  }

  /// How often a worker was handed what an earlier delivery had not brought to its end.
  var redeliveries: Int {
    (running + killed).reduce(0) { count, worker in count + worker.said.count { $0.hasPrefix("again") } }
  }

  /// Kills one and starts another in its place.
  func kill(_ number: Int) throws {
    running[number].kill()
    killed.append(running[number])
    running[number] = try Self.start(arguments)
  }

  /// Stops one for longer than its lease: when it wakes up its messages are somebody else's.
  /// - Returns: whether it woke up; false where it was replaced meanwhile.
  func freeze(_ number: Int, for time: Duration) async throws -> Bool {
    let worker = running[number]
    guard worker.isRunning else { return false }
    try await worker.pause()
    try await FaultTests.pause(time)
    worker.resume()
    return running[number] === worker && worker.isRunning
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
