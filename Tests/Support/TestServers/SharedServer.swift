import Foundation

/// The servers that all tests of a run share: those that `Tests/run.sh` started, or else ones of this process. Nobody
/// restarts them.
public enum SharedServer {
  private static let redis = Task { try await TestServer(.redis) }
  private static let rabbitMQ = Task { try await TestServer(.rabbitMQ) }

  /// The URL of the shared Redis: `MARTLET_TEST_REDIS`, or of one that is started now.
  public static func redisURL() async throws -> String {
    if let url = ProcessInfo.processInfo.environment["MARTLET_TEST_REDIS"] { return url }
    return try await redis.value.url
  }

  /// The URL of the shared RabbitMQ: `MARTLET_TEST_RABBITMQ`, or of one that is started now.
  public static func rabbitMQURL() async throws -> String {
    if let url = ProcessInfo.processInfo.environment["MARTLET_TEST_RABBITMQ"] { return url }
    return try await rabbitMQ.value.url
  }
}
