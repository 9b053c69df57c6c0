import Testing

@testable import MartletRabbitMQ

@Suite struct ConfirmWindowTests {
  private typealias Window = ConfirmWindow<String>

  private func window(_ items: String) -> Window {
    var window = Window()
    for item in items { window.append(String(item)) }
    return window
  }

  private func confirm(_ window: inout Window, _ tag: UInt64, multiple: Bool = false, isAck: Bool = true) -> [String] {
    var said: [String] = []
    window.confirm(tag, multiple: multiple, isAck: isAck) { said.append("\($0) \($1)") }
    return said
  }

  @Test func confirmsOneAndMany() {
    var window = window("abcde")
    #expect(confirm(&window, 2) == ["b confirmed"])
    #expect(confirm(&window, 2) == [])
    #expect(confirm(&window, 4, multiple: true) == ["a confirmed", "c confirmed", "d confirmed"])
    #expect(window.count == 1)
    window.append("f")
    #expect(confirm(&window, 6) == ["f confirmed"])
    #expect(confirm(&window, 0, multiple: true) == ["e confirmed"])
    #expect(window.count == 0)
  }

  @Test func ignoresNumbersThatWereNeverSent() {
    var window = window("ab")
    #expect(confirm(&window, 3) == [])
    #expect(confirm(&window, .max, multiple: true) == [])
    #expect(confirm(&window, 2, multiple: true).count == 2)
    #expect(confirm(&window, 1) == [])
  }

  @Test func aReturnComesBeforeItsConfirm() {
    var window = window("aba")
    #expect(on(&window) { $0.markReturned { $0 == "a" } })
    #expect(on(&window) { $0.markReturned { $0 == "a" } })
    #expect(!on(&window) { $0.markReturned { $0 == "a" } })
    #expect(confirm(&window, 3, multiple: true) == ["a unroutable", "b confirmed", "a unroutable"])
  }

  @Test func refusals() {
    var window = window("abc")
    #expect(confirm(&window, 2, multiple: true, isAck: false) == ["a refused", "b refused"])
    #expect(on(&window) { $0.removeAll() } == ["c"])
    window.append("d")
    #expect(confirm(&window, 1) == ["d confirmed"])
  }

  @Test func stayedFastWithAStuckHead() {
    var window = Window()
    for index in 0..<5000 { window.append("\(index)") }
    for tag in 2...5000 { _ = confirm(&window, UInt64(tag)) }
    #expect(window.count == 1)
    #expect(on(&window) { $0.removeAll() } == ["0"])
  }

  @Test func whatIsOnItsWayIsKnownByItsNewest() {
    var window = ConfirmWindow<String>()
    #expect(window.isSettled(through: window.lastTag))
    for item in ["a", "b", "c"] { window.append(item) }
    let tag = window.lastTag
    window.append("d")
    window.confirm(3, multiple: false, isAck: true) { _, _ in }
    #expect(!window.isSettled(through: tag))
    window.confirm(2, multiple: true, isAck: true) { _, _ in }
    #expect(window.isSettled(through: tag))
    #expect(!window.isSettled(through: window.lastTag))
    _ = window.removeAll()
    #expect(window.isSettled(through: tag))
  }
}
