import Testing

@testable import MartletRabbitMQ

@Suite struct StreamWindowTests {
  private func window(granting count: Int, bytes: Int = 4 << 20) -> StreamWindow {
    var window = StreamWindow(bytes: bytes)
    window.granted(count)
    return window
  }

  @Test(arguments: [(1, 1), (5, 5), (300, 16), (60_000, 16)])
  func beginsWithWhatWasGrantedAndNoMoreThanAFew(granted: Int, credit: UInt16) {
    var window = window(granting: granted)
    #expect(on(&window) { $0.subscribe() } == credit)
    #expect(!window.mustGrow)
  }

  @Test(arguments: [(300, 300), (60_000, 500)])
  func growsOnceWhenEventsAreSmall(granted: Int, size: Int) {
    var window = window(granting: granted)
    _ = window.subscribe()
    for _ in 0..<15 { window.note(bytes: 200) }
    #expect(!window.mustGrow)
    window.note(bytes: 100)
    #expect(window.mustGrow && window.size == size)
    _ = window.subscribe()
    #expect(!window.mustGrow && window.credit == size)
  }

  @Test func largeEventsMakeItSmallerAtOnceAndSmallOnesLargerAgain() {
    var window = window(granting: 300)
    for _ in 0..<16 { window.note(bytes: 100) }
    _ = window.subscribe()
    // A quarter of the window at a time.
    #expect(on(&window) { $0.acknowledge(handedOut: 74) } == nil)
    #expect(on(&window) { $0.acknowledge(handedOut: 75) } == 75)
    window.note(bytes: 1 << 20)
    #expect(window.size == 4 && !window.mustGrow)
    // 296 of those that were handed out stay unacknowledged: four are on their way.
    #expect(on(&window) { $0.acknowledge(handedOut: 200) } == nil)
    #expect(on(&window) { $0.acknowledge(handedOut: 371) } == nil)
    #expect(on(&window) { $0.acknowledge(handedOut: 372) } == 76)
    window.note(bytes: 64 << 20)
    #expect(window.size == 1)
    for _ in 0..<32 { window.note(bytes: 100) }
    #expect(window.size == 300)
    #expect(on(&window) { $0.acknowledge(handedOut: 380) } == 380)
  }

  @Test func whatIsLessThanAQuarterIsAcknowledgedLater() {
    var window = window(granting: 40)
    for _ in 0..<16 { window.note(bytes: 100) }
    _ = window.subscribe()
    #expect(on(&window) { $0.acknowledge(handedOut: 9) } == nil)
    #expect(on(&window) { $0.acknowledgeRest() } == 9)
    #expect(on(&window) { $0.acknowledgeRest() } == nil)
    #expect(on(&window) { $0.acknowledge(handedOut: 18) } == nil)
    #expect(on(&window) { $0.acknowledge(handedOut: 19) } == 19)
  }

  @Test func aLargerGrantIsWorthAnotherSubscription() {
    var window = window(granting: 20)
    for _ in 0..<16 { window.note(bytes: 100) }
    _ = window.subscribe()
    window.granted(39)
    #expect(!window.mustGrow)
    window.granted(40)
    #expect(window.mustGrow)
    #expect(on(&window) { $0.subscribe() } == 40)
  }
}
