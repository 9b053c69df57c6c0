import Testing

@testable import Martlet

@Suite struct BrokerURLTests {
  @Test(arguments: [
    ("embedded:./data", BrokerURL.System.embedded), ("embedded:", .embedded), ("embedded:/var/lib/a b.db", .embedded),
    ("redis://127.0.0.1:6379", .redis), ("redis://u:p%40@h/2", .redis), ("rediss://h", .redis), ("REDIS://h", .redis),
    ("amqp://guest:guest@localhost:5672/%2f", .rabbitMQ), ("amqps://[::1]:5671", .rabbitMQ),
  ])
  func readsWhatIsValid(text: String, system: BrokerURL.System) throws {
    #expect(try BrokerURL(text).system == system)
  }

  @Test(arguments: [
    "", "orders", "kafka://h", "redis:h", "redis://", "amqp:///vhost", "amqp://a b", "embedded:a\u{0}b", "://h",
  ])
  func refusesTheRestWithTheValidForms(text: String) throws {
    let error = #expect(throws: BrokerError.self) { try BrokerURL(text) }
    #expect(error?.code == .configuration)
    #expect(error?.isRetriable == false)
    #expect(error?.message.contains("embedded:PATH") == true)
    #expect(error?.message.contains("amqp://[user") == true)
  }

  @Test(arguments: [
    ("redis://user:s3cret@h:1/2", "redis://user:***@h:1/2"),
    ("redis://:s3cret@h", "redis://:***@h"),
    ("amqp://u:a/s3cret@h", "amqp://u:***@h"),
    ("amqp://u:a@s3cret@h", "amqp://u:***@h"),
    ("redis://h?password=s3cret", "redis://h"),
    ("kafka://u:s3cret@h", "kafka://u:***@h"),
    ("amqp://guest@h/v", "amqp://guest@h/v"),
    ("embedded:./d@t:a", "embedded:./d@t:a"),
    ("redis:user:s3cret@h", "redis:***@h"),
  ])
  func hidesPasswords(text: String, shown: String) {
    #expect(BrokerURL.redacted(text) == shown)
  }
}
