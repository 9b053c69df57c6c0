import Foundation
import MartletTestKit
import TestServers

/// The worker processes of a run, and what befalls them.
actor Workers {
  /// How many run at a time.
  static let count = 3

  private let arguments: [String]
  /// How a line begins that shows that a fault hit work: it was handed to somebody else.
  private let proof: @Sendable (String) -> Bool
  private var running: [WorkerProcess] = []
  private var killed: [WorkerProcess] = []

  /// - Parameters:
  ///   - arguments: those of the fault worker.
  ///   - proof: whether a line of a worker shows that a fault hit work.
  init(_ arguments: [String], proof: @escaping @Sendable (String) -> Bool) throws {
    self.arguments = arguments
    self.proof = proof
    for _ in 0..<Self.count { running.append(try Self.start(arguments)) }
  }

  static func start(_ arguments: [String]) throws -> WorkerProcess {
    try WorkerProcess(BuiltProducts.executable("fault-worker"), arguments: arguments)
  }

  /// What all of them said, those that were killed included.
  var said: [String] { (killed + running).flatMap(\.said) }

  /// What those that run have logged last: told where a run fails.
  var lastWords: String {
    running.map { worker in
      "worker \(worker.id):\n" + worker.said.filter { $0.hasPrefix("log ") }.suffix(12).joined(separator: "\n")
    }.joined(separator: "\n")
  }

  /// How often somebody was handed what another one had not brought to its end.
  var proofs: Int { (killed + running).reduce(0) { count, worker in count + worker.said.count(where: proof) } }

  /// Kills one and starts another in its place.
  func kill(_ number: Int) throws {
    running[number].kill()
    killed.append(running[number])
    running[number] = try Self.start(arguments)
  }

  /// Stops one for longer than its lease: when it wakes up its work is somebody else's.
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
