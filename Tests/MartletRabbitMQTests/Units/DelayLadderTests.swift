import Testing

@testable import MartletRabbitMQ

@Suite struct DelayLadderTests {
  @Test(arguments: [
    (Duration.milliseconds(10), 10), (.milliseconds(1), 10), (.milliseconds(100), 100), (.milliseconds(101), 110),
    (.seconds(1), 1000), (.seconds(655), 655_000), (.milliseconds(655_361), 655_380), (.seconds(86_400), 86_400_000),
    (.seconds(100_000_000), 1_342_177_270),
  ])
  func waitsNeverLess(delay: Duration, milliseconds: Int) throws {
    let route = try #require(DelayLadder.route(to: "orders", after: delay))
    let digits = route.routingKey.split(separator: ".").dropLast()
    #expect(digits.count == DelayLadder.levels)
    let waits = digits.enumerated().map { index, digit in
      digit == "1" ? DelayLadder.milliseconds(ofLevel: DelayLadder.levels - 1 - index) : 0
    }
    #expect(waits.reduce(0, +) == milliseconds)
    let top = try #require(digits.firstIndex(of: "1"))
    #expect(route.exchange == "martlet.delay.\(DelayLadder.levels - 1 - top)")
    #expect(digits.count { $0 == "1" } <= DelayLadder.digits || delay > DelayLadder.longest)
  }

  @Test func nothingIsNoDelay() {
    #expect(DelayLadder.route(to: "orders", after: .zero) == nil)
    #expect(DelayLadder.route(to: "orders", after: .seconds(-5)) == nil)
  }

  @Test func theLongestNameFits() throws {
    let name = String(repeating: "q", count: QueueLayout.longestName)
    #expect(try #require(DelayLadder.route(to: name, after: .seconds(1))).routingKey.utf8.count <= 255)
    #expect(DelayLadder.pattern(of: name).utf8.count <= 255)
    #expect(QueueLayout.suspects(of: name).utf8.count <= 255)
  }

  @Test func aQueueGetsOnlyItsOwn() throws {
    let key = try #require(DelayLadder.route(to: "eu.orders", after: .seconds(1))).routingKey
    #expect(matches(key, DelayLadder.pattern(of: "eu.orders")))
    #expect(!matches(key, DelayLadder.pattern(of: "orders")))
    #expect(!matches(key, DelayLadder.pattern(of: "asia.orders")))
  }

  @Test func eachLevelLooksAtItsOwnDigit() throws {
    let key = try #require(DelayLadder.route(to: "orders", after: .milliseconds(50))).routingKey
    for level in 0..<DelayLadder.levels {
      let digit = [0, 2].contains(level) ? 1 : 0
      #expect(matches(key, DelayLadder.pattern(ofLevel: level, digit: digit)))
      #expect(!matches(key, DelayLadder.pattern(ofLevel: level, digit: 1 - digit)))
    }
  }

  /// As a topic exchange does: `*` is one word, a final `#` any number.
  private func matches(_ key: String, _ pattern: String) -> Bool {
    var words = key.split(separator: ".")[...]
    for part in pattern.split(separator: ".") {
      if part == "#" { return true }
      guard let word = words.popFirst(), part == "*" || part == word else { return false }
    }
    return words.isEmpty
  }
}
