import MartletCore
import Testing

@testable import MartletRabbitMQ

@Suite struct AckWindowTests {
  private let start = ContinuousClock.now

  private func window(_ count: Int) -> AckWindow {
    var window = AckWindow()
    for tag in 1...count { #expect(on(&window) { $0.delivered(UInt64(tag), at: start) }) }
    return window
  }

  private func due(_ window: inout AckWindow, after time: Duration = .zero) -> [String] {
    var sent: [String] = []
    window.takeDue(now: start + time) {
      sent.append("\($0.tag)\($0.multiple ? "+" : "")")
    } acknowledged: { _ in
    }
    return sent
  }

  @Test func aFinishedPrefixIsOneFrame() {
    var window = window(5)
    for tag in [3, 1, 2] as [UInt64] { #expect(on(&window) { $0.settle(tag, nil) }) }
    #expect(due(&window) == ["3+"])
    #expect(window.open == 2)
    #expect(due(&window) == [])
  }

  @Test func behindASlowDeliveryTheyGoOneByOne() {
    var window = window(4)
    for tag in [2, 4] as [UInt64] { #expect(on(&window) { $0.settle(tag, nil) }) }
    #expect(due(&window, after: .milliseconds(49)) == [])
    #expect(window.dueTime == start + .milliseconds(50))
    #expect(due(&window, after: .milliseconds(50)) == ["2", "4"])
    #expect(window.dueTime == nil)
    // The broker closes the channel over a number that it has seen: 4 must not come again.
    #expect(on(&window) { $0.settle(3, nil) })
    #expect(due(&window, after: .milliseconds(60)) == ["3"])
    #expect(on(&window) { $0.settle(1, nil) })
    #expect(due(&window) == ["1+"])
    #expect(window.isFlushed)
  }

  @Test func patienceCountsFromTheArrivalOfWhatIsWaitedFor() {
    var window = window(1)
    #expect(on(&window) { $0.settle(1, nil) })
    #expect(due(&window) == ["1+"])
    // After a pause,
    for tag in [2, 3] as [UInt64] { #expect(on(&window) { $0.delivered(tag, at: start + .seconds(1)) }) }
    #expect(on(&window) { $0.settle(3, nil) })
    #expect(due(&window, after: .milliseconds(1049)) == [])
    #expect(due(&window, after: .milliseconds(1050)) == ["3"])
    // and where the prefix ends among later ones.
    for tag in [4, 5] as [UInt64] { #expect(on(&window) { $0.delivered(tag, at: start + .seconds(2)) }) }
    for tag in [2, 5] as [UInt64] { #expect(on(&window) { $0.settle(tag, nil) }) }
    #expect(due(&window, after: .milliseconds(2010)) == ["2+"])
    #expect(window.dueTime == start + .milliseconds(2050))
  }

  @Test func aMultipleNeverNamesWhatWasAcknowledged() {
    var window = window(3)
    #expect(on(&window) { $0.settle(3, nil) })
    #expect(due(&window, after: .seconds(1)) == ["3"])
    for tag in [1, 2] as [UInt64] { #expect(on(&window) { $0.settle(tag, nil) }) }
    #expect(due(&window) == ["2+"])
  }

  @Test func settlesOnlyWhatIsOpen() {
    var window = window(2)
    #expect(!on(&window) { $0.settle(0, nil) })
    #expect(!on(&window) { $0.settle(3, nil) })
    #expect(on(&window) { $0.settle(1, nil) })
    #expect(!on(&window) { $0.settle(1, nil) })
    #expect(due(&window) == ["1+"])
    #expect(!on(&window) { $0.settle(1, nil) })
    #expect(!on(&window) { $0.delivered(4, at: start) })
    #expect(on(&window) { $0.delivered(3, at: start) })
  }

  @Test func aBatchIsAnsweredWithItsLastAcknowledgement() {
    let answers = Locked<[String]>([])
    var window = window(3)
    let batch = SettledBatch(remaining: 2, errors: [:], isLate: false) { result in
      answers.withLock { $0.append("\(result)") }
    }
    var isComplete = false
    #expect(on(&window) { $0.settle(1, batch) })
    #expect(on(&window) { $0.settle(3, batch) })
    window.takeDue(now: start) { _ in
    } acknowledged: {
      isComplete = $0.acknowledged()
    }
    #expect(!isComplete)
    window.takeDue(now: start + .seconds(1)) { _ in
    } acknowledged: {
      isComplete = $0.acknowledged()
    }
    #expect(isComplete)
    batch.answer()
    batch.answer()
    #expect(answers.withLock { $0 } == ["applied"])
  }

  @Test func aLostChannelLosesWhatWasNotAcknowledged() {
    let answers = Locked<[String]>([])
    var window = window(2)
    let batch = SettledBatch(remaining: 1, errors: [:], isLate: false) { result in
      answers.withLock { $0.append("\(result)") }
    }
    #expect(on(&window) { $0.settle(2, batch) })
    window.removeAll { $0.lost() }
    #expect(answers.withLock { $0 } == ["ownershipLost"])
    #expect(on(&window) { $0.delivered(1, at: start) })
  }
}
