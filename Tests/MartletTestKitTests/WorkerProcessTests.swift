import Glibc
import Testing

@testable import MartletTestKit

@Suite struct WorkerProcessTests {
  let soon = ContinuousClock.now + .seconds(60)

  @Test func hearsEveryLine() async throws {
    let process = try WorkerProcess("/bin/sh", arguments: ["-c", "echo one; echo; echo 'two words'; exit 3"])
    #expect(await process.end(until: soon) == 3)
    #expect(process.said == ["one", "", "two words"])
    #expect(!process.isRunning)
    process.kill()
  }

  @Test func isToldAndKilled() async throws {
    let process = try WorkerProcess("/bin/sh", arguments: ["-c", "while read line; do echo got $line; done; sleep 99"])
    process.tell("a")
    process.tell("b")
    #expect(await process.next(2, where: { $0.hasPrefix("got") }, until: soon))
    process.kill()
    #expect(await process.end(until: soon) == 128 + SIGKILL)
    process.tell("nobody listens")
  }

  @Test func stopsAndContinues() async throws {
    let process = try WorkerProcess("/bin/cat", arguments: [])
    process.signal(SIGSTOP)
    process.tell("later")
    #expect(await process.next(where: { $0 == "later" }, until: .now + .milliseconds(200)) == nil)
    process.signal(SIGCONT)
    #expect(await process.next(where: { $0 == "later" }, until: soon) == "later")
  }

  @Test func childrenHearEverySignal() async throws {
    let process = try WorkerProcess("/bin/cat", arguments: [])
    process.signal(SIGTERM)
    #expect(await process.end(until: soon) == 128 + SIGTERM)
  }

  @Test func saysWhatCannotBeStarted() {
    #expect(throws: ConformanceFailure.self) { try WorkerProcess("/no/such/program", arguments: []) }
  }
}
