import Foundation
import TestServers
import Testing

@testable import MartletBench

/// Each scenario with few messages, as a user runs it: every side does its work, the queues are as they must be
/// afterwards, and the one line has its shape. How fast it is, a test cannot say.
@Suite struct BenchmarkRunTests {
  /// The line that is promised to programs.
  private struct Line: Decodable {
    struct Side: Decodable {
      var perSecond: Double
      var clientMicros: Double
      var peakRSSMegabytes: Double
    }

    var scenario: String
    var broker: String
    var payload: String
    var bodyBytes: Int
    var messages: Int
    var martlet: Side
    var baseline: Side
    var ratio: Double
    var brokerMicros: Double?
    var valid: Bool?
    var partitions: Int?
    var trigger: String?
    var store: String?
  }

  @Test(arguments: Scenario.allCases, Payload.allCases)
  func embedded(scenario: Scenario, payload: Payload) throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try check(scenario, payload, broker: "embedded:\(directory.path)/store", system: "embedded")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty, "it cleans up")
  }

  @Test(arguments: Scenario.allCases, Payload.allCases)
  func redis(scenario: Scenario, payload: Payload) async throws {
    try check(scenario, payload, broker: try await SharedServer.redisURL(), system: "redis")
  }

  @Test(arguments: [Scenario.publish, .consume, .pipe], Payload.allCases)
  func rabbitMQ(scenario: Scenario, payload: Payload) async throws {
    try check(scenario, payload, broker: try await SharedServer.rabbitMQURL(), system: "rabbitmq")
  }

  @Test(arguments: [Scenario.hubPublish, .hubConsume, .hubPipe])
  func hubsOfRabbitMQ(scenario: Scenario) async throws {
    try check(scenario, .json, broker: try await SharedServer.rabbitMQURL(), system: "rabbitmq")
  }

  @Test func eventByEvent() async throws {
    try check(.hubPipe, .json, broker: try await SharedServer.redisURL(), system: "redis", trigger: .event)
  }

  @Test func whatIsToBeDoneBeforeEachRunIsDone() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let broker = "embedded:\(directory.path)/store"
    let log = directory.appending(path: "log")
    let arguments = ["publish", "--messages", "100", "--rounds", "2", "-o", "json", "--before"]
    let run = try Self.run(arguments + ["echo said; echo run >> \(log.path)"], broker: broker)
    #expect(run.output.first == "{", "what it says is kept from the result")
    #expect(try String(contentsOf: log, encoding: .utf8) == "run\nrun\nrun\nrun\n", "two rounds of two sides")
    #expect(try Self.run(arguments + ["exit 3"], broker: broker).code == 1)
  }

  @Test func aWrongCommandLineIsExitCode64() throws {
    let run = try Self.run(["stroll"], broker: nil)
    #expect(run.code == 64)
    #expect(run.output.isEmpty)
  }

  private func check(
    _ scenario: Scenario, _ payload: Payload, broker: String, system: String, trigger: HubTrigger = .batch
  ) throws {
    let run = try Self.run(
      [
        scenario.rawValue, "--payload", payload.rawValue, "--messages", "1500", "--rounds", "1", "--partitions", "3",
        "--trigger", trigger.rawValue, "-o", "json",
      ], broker: broker)
    let line = try JSONDecoder().decode(Line.self, from: Data(run.output.utf8))
    #expect(run.code == (line.valid == false ? 1 : 0))
    #expect(line.scenario == scenario.rawValue)
    #expect(line.broker == system)
    #expect(line.payload == payload.rawValue)
    #expect(line.bodyBytes == 256)
    #expect(line.messages == 1500)
    #expect(line.partitions == (scenario.isOfHubs ? 3 : nil))
    #expect(line.trigger == (scenario.isOfHubs ? trigger.rawValue : nil))
    #expect(line.store == (scenario.isOfHubs ? (system == "rabbitmq" ? "embedded" : system) : nil))
    for side in [line.martlet, line.baseline] {
      #expect(side.perSecond > 0)
      #expect(side.clientMicros > 0)
      #expect(side.peakRSSMegabytes > 1)
    }
    #expect(line.ratio > 0)
  }

  /// Through the environment, where a password belongs.
  static func run(_ arguments: [String], broker: String?) throws -> (code: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: BuiltProducts.executable("martlet-bench"))
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
    if let broker { process.environment?["MARTLET_BROKER"] = broker }
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
