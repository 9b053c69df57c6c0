import Foundation
import Martlet
import MartletTestKit
import TestServers

/// The suite on the brokers that are built in, with what each of them promises.
extension BrokerConformance {
  /// `MARTLET_TEST_LOG=1` shows what the brokers log.
  private static let isLogging = ProcessInfo.processInfo.environment["MARTLET_TEST_LOG"] == "1"

  static let testLogger = Logger(level: .debug, sink: isLogging ? .standardError : .discard)

  /// How patient the suite is: on a machine that runs it twenty times at once, very.
  struct Pace {
    var lease = Duration.seconds(3)
    var patience = Duration.seconds(60)
    var promptness = Duration.seconds(5)
    var delayPrecision = Duration.milliseconds(500)

    static let alone = Pace()
    static let crowded = Pace(
      lease: .seconds(10), patience: .seconds(120), promptness: .seconds(30), delayPrecision: .seconds(30))
  }

  static func embedded(at url: String, pace: Pace = .alone) -> BrokerConformance {
    of(url, Features(isNetworked: false), pace: pace)
  }

  static let memory = of("embedded:", Features(isShared: false, isPersistent: false, isNetworked: false))

  static func redis(
    at url: String, pace: Pace = .alone, restart: (@Sendable () async throws -> Void)? = nil
  ) -> BrokerConformance {
    of(url, Features(expiresUnread: false, expiresUnreadDelayed: false), pace: pace, restart: restart)
  }

  static func rabbitMQ(
    at url: String, pace: Pace = .alone, restart: (@Sendable () async throws -> Void)? = nil
  ) -> BrokerConformance {
    of(
      url,
      Features(hasAtomicCommit: false, countsDelayed: false, expiresUnreadDelayed: false, remembersIDs: false),
      pace: pace, restart: restart)
  }

  private static func of(
    _ url: String, _ features: Features, pace: Pace = .alone, restart: (@Sendable () async throws -> Void)? = nil
  ) -> BrokerConformance {
    var features = features
    features.delayPrecision = pace.delayPrecision
    return BrokerConformance(
      url: url, features: features, worker: BuiltProducts.executable("conformance-worker"), restart: restart,
      lease: pace.lease, patience: pace.patience, promptness: pace.promptness,
      logger: testLogger
    ) { url, environment in try BrokerURL(url).open(environment) }
  }
}

/// A directory that is gone afterwards.
func withTemporaryDirectory(_ body: (String) async throws -> Void) async throws {
  let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: directory) }
  try await body(directory)
}
