import Foundation
import Glibc

/// Runs both sides in turn.
struct Benchmark {
  private var arguments: Arguments
  private let target: Target
  /// How long a run of the baseline should take.
  private static let seconds = 6.0

  init(_ arguments: Arguments, _ target: Target) {
    self.arguments = arguments
    self.target = target
    let name = "martlet-bench-\(getpid())"
    self.arguments.input = "\(name)-in"
    self.arguments.output = "\(name)-out"
    if target.system == .embedded {
      self.arguments.brokerPID = nil
    } else {
      self.arguments.brokerPID =
        arguments.brokerPID ?? BrokerProcess.identifier(host: target.host, port: target.port)
    }
  }

  func run(sides: [Side] = [.martlet, .baseline]) async throws -> Comparison {
    let messages: Int
    if let given = arguments.messages { messages = given } else { messages = try await fittingCount() }
    var costs: [Side: [SideCost]] = [:]
    for round in 1...arguments.rounds {
      // In an order that is drawn: what a broker does every few runs must not meet the same side each time.
      for side in sides.shuffled() {
        let cost = try await run(side, messages: messages)
        costs[side, default: []].append(cost)
        progress("round \(round) of \(arguments.rounds), \(side): \(Int(cost.perSecond)) messages/s")
      }
    }
    return Comparison(
      arguments: arguments, system: target.system, messages: messages,
      martlet: SideCost(medianOf: costs[sides[0]] ?? []), baseline: SideCost(medianOf: costs[.baseline] ?? []))
  }

  /// One run: empty queues, a full input, the side in a process of its own, a look at what it left.
  private func run(_ side: Side, messages: Int) async throws -> SideCost {
    if let command = arguments.before { try Self.shell(command) }
    let target = target.target(of: side)
    if arguments.scenario.isOfHubs { return try await runHubs(side, target, messages: messages) }
    // The baseline has its own tables in its own file.
    if target.system == .embedded, side == .baseline {
      defer { removeFiles(target.space) }
      if arguments.scenario != .publish { Baseline.fill(arguments, target, messages: messages) }
      return try SideProcess.run(side, arguments, target, messages: messages)
    }
    let queues = try await BenchmarkQueues(target, input: arguments.input, output: arguments.output)
    try await queues.create()
    if arguments.scenario != .publish {
      if target.system == .embedded {
        try await queues.fill(arguments, messages: messages)
      } else {
        Baseline.fill(arguments, target, messages: messages)
      }
    }
    let result = Result { try SideProcess.run(side, arguments, target, messages: messages) }
    if case .success = result { try await queues.verify(side, arguments.scenario, messages: messages) }
    try await queues.remove()
    await queues.close()
    if target.system == .embedded { removeFiles(target.space) }
    return try result.get()
  }

  /// The same with hubs. The baseline of the embedded broker has its own tables in its own file.
  private func runHubs(_ side: Side, _ target: Target, messages: Int) async throws -> SideCost {
    guard side == .martlet || side == .baseline else { throw UsageError("\(side) has no scenarios of hubs") }
    var arguments = arguments
    if target.system == .rabbitmq { arguments.store = storeFile(of: side) }
    defer { for file in [arguments.store, target.system == .embedded ? target.space : nil] { removeFiles(file) } }
    if target.system == .embedded, side == .baseline {
      if arguments.scenario != .hubPublish { Baseline.fill(arguments, target, messages: messages) }
      let cost = try SideProcess.run(side, arguments, target, messages: messages)
      try HubVerification(arguments, target, messages: messages).verifyTables()
      return cost
    }
    let hubs = try await BenchmarkHubs(target, arguments)
    try await hubs.create()
    if arguments.scenario != .hubPublish {
      if target.system == .embedded {
        try await hubs.fill(messages: messages)
      } else {
        Baseline.fill(arguments, target, messages: messages)
      }
    }
    let result = Result { try SideProcess.run(side, arguments, target, messages: messages) }
    if case .success = result {
      try await HubVerification(arguments, target, messages: messages).verify(side, hubs.log)
    }
    try await hubs.remove()
    await hubs.close()
    return try result.get()
  }

  private static func shell(_ command: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    // Only the result belongs there.
    process.standardOutput = FileHandle.standardError
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw BenchmarkFailure("--before \"\(command)\" failed with exit code \(process.terminationStatus)")
    }
  }

  private func storeFile(of side: Side) -> String {
    let base = arguments.store ?? FileManager.default.temporaryDirectory.appending(path: arguments.input).path
    return "\(base).bench-\(side)"
  }

  /// As many messages as the baseline handles in some seconds.
  private func fittingCount() async throws -> Int {
    let probe = target.system == .redis || arguments.scenario.isOfHubs ? 100_000 : 20_000
    let rate = try await run(.baseline, messages: probe).perSecond
    return min(max(Int(rate * Self.seconds / 1000) * 1000, 1000), 2_000_000)
  }

  private func removeFiles(_ file: String?) {
    guard let file else { return }
    for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file + suffix) }
  }

  private func progress(_ line: String) {
    if isatty(STDERR_FILENO) == 1 { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
  }
}
