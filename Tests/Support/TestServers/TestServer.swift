import Foundation
import MartletTestKit

/// A Redis or RabbitMQ of a test's own, to restart, kill and pause. It ends with the last reference to it, or with the
/// test process, however that ends.
public final class TestServer: Sendable {
  /// Which server.
  public enum Kind: String, Sendable {
    case redis
    case rabbitMQ = "rabbitmq"

    /// The executable that must be installed.
    var executable: String {
      switch self {
      case .redis: "/usr/bin/redis-server"
      case .rabbitMQ: "/usr/lib/rabbitmq/bin/rabbitmq-server"
      }
    }

    /// Whether it is installed.
    public var isInstalled: Bool { access(executable, X_OK) == 0 }
  }

  /// Where it is, for as long as it lives: a restart keeps the port and the data.
  public let url: String
  private let script: WorkerProcess
  private let turn = Turn()

  /// Starts a server with no data, on a free port.
  /// - Parameters:
  ///   - kind: which server.
  ///   - isSafeFromKills: whether a Redis writes its file before it answers (`appendfsync always`), as it must where a
  ///     test kills it and counts what is left: with the default `everysec` an answer may be ahead of the file. RabbitMQ
  ///     always does. Default false.
  /// - Throws: `ConformanceFailure` with the last lines of its log where it does not start.
  public init(_ kind: Kind, isSafeFromKills: Bool = false) async throws {
    guard kind.isInstalled else {
      throw ConformanceFailure("\(kind.executable) is missing: apt-get install \(kind.rawValue)-server")
    }
    let port = try freePort()
    let directory = FileManager.default.temporaryDirectory.path + "/martlet-\(kind.rawValue)-\(getpid())-\(port)"
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
    script = try WorkerProcess(
      "/bin/bash",
      arguments: ["\(path)/server.sh", kind.rawValue, directory, String(port)]
        + (kind == .redis && isSafeFromKills ? ["--appendfsync", "always"] : []), isKilledAtTheEnd: false)
    url = kind == .redis ? "redis://127.0.0.1:\(port)" : "amqp://guest:guest@127.0.0.1:\(port)"
    try await start()
  }

  /// Starts it again after `stop` or `kill`; returns when it answers.
  public func start() async throws { try await tell("start", expecting: "ready") }
  /// Ends it in good order.
  public func stop() async throws { try await tell("stop", expecting: "stopped") }
  /// Ends it with `SIGKILL`.
  public func kill() async throws { try await tell("kill", expecting: "killed") }
  /// Stops it with `SIGSTOP`: connections stay open, nobody answers.
  public func pause() async throws { try await tell("pause", expecting: "paused") }
  /// Goes on after `pause`.
  public func resume() async throws { try await tell("resume", expecting: "resumed") }

  /// Has a RabbitMQ compute an expression in Erlang: what `rabbitmqctl eval` is given, without the final dot.
  public func control(_ expression: String) async throws {
    try await tell("control \(expression).", expecting: "done")
  }

  /// Has a RabbitMQ close the connections of all clients.
  public func closeConnections() async throws {
    try await control(
      "[rabbit_networking:close_connection(Pid, <<\"testing\">>) || Pid <- rabbit_networking:connections()]")
  }

  /// Kills it and starts it again.
  public func restart() async throws {
    try await kill()
    try await start()
  }

  private func tell(_ word: String, expecting expected: String) async throws {
    let number = await turn.take()
    script.tell(word)
    let isAnswered = await script.next(number, where: { _ in true }, until: .now + .seconds(90))
    await turn.give()
    let answer = isAnswered ? script.said[number - 1] : "nothing"
    guard answer == expected else {
      throw ConformanceFailure("the server should be \(expected) after \"\(word)\"; it says: \(answer)")
    }
  }
}

/// One word at a time; each is answered by one line.
private actor Turn {
  private var number = 0
  private var isTaken = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func take() async -> Int {
    while isTaken { await withCheckedContinuation { waiting.append($0) } }
    isTaken = true
    number += 1
    return number
  }

  func give() {
    isTaken = false
    if !waiting.isEmpty { waiting.removeFirst().resume() }
  }
}
