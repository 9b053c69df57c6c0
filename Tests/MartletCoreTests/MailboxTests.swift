import Glibc
import MartletCore
import Testing

@Suite struct MailboxTests {
  private func isSignalled(_ mailbox: Mailbox<Int>) -> Bool {
    var descriptor = pollfd(fd: mailbox.signal.descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&descriptor, 1, 0) == 1
  }

  @Test func aBurstIsOneSignal() {
    let mailbox = Mailbox<Int>()
    #expect(!isSignalled(mailbox))
    for number in 0..<3 { mailbox.send(number) }
    #expect(isSignalled(mailbox))
    #expect(mailbox.takeAll() == [0, 1, 2])
    #expect(!isSignalled(mailbox))
  }

  @Test func whatIsTakenBeforeItsSignalWasSeenLeavesTheSignal() {
    let mailbox = Mailbox<Int>()
    #expect(mailbox.takeAll(isSignalled: false) == [])
    mailbox.send(1)
    #expect(mailbox.takeAll(isSignalled: false) == [1])
    #expect(isSignalled(mailbox))
    mailbox.send(2)
    #expect(mailbox.takeAll() == [2])
    #expect(!isSignalled(mailbox))
  }

  @Test func aClosedOneTakesNothing() {
    let mailbox = Mailbox<Int>()
    mailbox.send(1)
    #expect(mailbox.close() == [1])
    #expect(!mailbox.send(2))
  }
}
