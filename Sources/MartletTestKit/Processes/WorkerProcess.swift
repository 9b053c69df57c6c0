import Foundation
public import Glibc
import Martlet

/// A child process that a test kills, stops, and listens to. What it writes to its standard output arrives line by
/// line; its standard error is ours. It is killed with the last reference to it, and a well-behaved one ends by itself
/// when its standard input does, so none outlives the test.
public final class WorkerProcess: Sendable {
  private struct State: Sendable {
    var lines: [String] = []
    /// As `waitpid` says it; nil while the process lives.
    var status: Int32?
  }

  /// Its process id.
  public let id: pid_t
  private let input: Int32
  private let isKilledAtTheEnd: Bool
  private let state: Observed<State>

  /// Starts a process.
  /// - Parameters:
  ///   - executable: the path of the executable.
  ///   - arguments: without the name of the executable.
  ///   - isKilledAtTheEnd: whether the last reference takes the process with it; otherwise its standard input ends, and
  ///     it has the time it wants. Default true.
  /// - Throws: `ConformanceFailure` where it cannot be started.
  public init(_ executable: String, arguments: [String], isKilledAtTheEnd: Bool = true) throws {
    guard let toChild = Descriptors.pair(), let fromChild = Descriptors.pair() else {
      throw ConformanceFailure("the system gives no sockets: \(String(cString: strerror(errno)))")
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, toChild.childs, 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild.childs, 1)
    // Threads of Swift's pool block signals, and a child inherits that; it shall hear every one of them.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var argv = ([executable] + arguments).map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    var child = pid_t()
    let status = Descriptors.whileAllAreMarked {
      posix_spawn(&child, executable, &actions, &attributes, &argv, environ)
    }
    close(toChild.childs)
    close(fromChild.childs)
    guard status == 0 else {
      close(toChild.ours)
      close(fromChild.ours)
      throw ConformanceFailure("\(executable) cannot be started: \(String(cString: strerror(status)))")
    }
    id = child
    self.isKilledAtTheEnd = isKilledAtTheEnd
    input = toChild.ours
    let state = Observed(State())
    self.state = state
    NamedThread.start("worker-output") { [output = fromChild.ours, child] in
      Self.read(output, of: child, to: state)
    }.detach()
  }

  deinit {
    if isKilledAtTheEnd { kill() }
    close(input)
  }

  private static func read(_ descriptor: Int32, of child: pid_t, to state: Observed<State>) {
    var rest: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      rest += buffer[..<count]
      let parts = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      rest = Array(parts.last ?? [])
      let lines = parts.dropLast().map { String(decoding: $0, as: UTF8.self) }
      state.update { $0.lines += lines }
    }
    close(descriptor)
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    let end = status
    state.update { $0.status = end }
  }

  /// Sends a signal: `SIGSTOP`, `SIGCONT`, `SIGTERM`. Nothing happens where the process has ended.
  public func signal(_ number: Int32) {
    // Under the lock, so that the id is not yet reaped, and cannot be another process's.
    state.update { if $0.status == nil { _ = Glibc.kill(id, number) } }
  }

  /// Stops it with `SIGSTOP`, at a moment when it holds no lock of a file: a process that is stopped inside of one stops
  /// everybody who shares the file, and that is the kernel's promise to it, not the broker's fault.
  /// - Throws: `ConformanceFailure` where no such moment is found within 10 s.
  public func pause() async throws {
    for _ in 0..<1000 {
      signal(SIGSTOP)
      while isRunning && !hasStopped { try await Task.sleep(for: .milliseconds(1)) }
      if !holdsFileLock { return }
      signal(SIGCONT)
      try await Task.sleep(for: .milliseconds(10))
    }
    throw ConformanceFailure("process \(id) holds a lock of a file at every look")
  }

  /// Goes on after `pause`.
  public func resume() { signal(SIGCONT) }

  /// Every thread, since one that is stopped later may still take a lock.
  private var hasStopped: Bool {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/task")) ?? []
    return threads.allSatisfy { thread in
      // "id (name) state …"; the name may hold anything.
      guard let stat = try? String(contentsOfFile: "/proc/\(id)/task/\(thread)/stat", encoding: .utf8),
        let end = stat.lastIndex(of: ")")
      else { return true }
      return stat[end...].dropFirst(2).first == "T"
    }
  }

  private var holdsFileLock: Bool {
    guard let locks = try? String(contentsOfFile: "/proc/locks", encoding: .utf8) else { return false }
    // "1: POSIX  ADVISORY  WRITE 4711 …"; one that waits has an arrow before its kind.
    return locks.split(separator: "\n").contains { line in
      !line.contains("->") && line.contains(" WRITE \(id) ")
    }
  }

  /// Kills it with `SIGKILL`: no chance for a last word.
  public func kill() { signal(SIGKILL) }

  /// Writes a line to its standard input.
  public func tell(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = bytes.withUnsafeBytes { send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  /// Everything it has written so far.
  public var said: [String] { state.value.lines }

  /// Whether it lives.
  public var isRunning: Bool { state.value.status == nil }

  /// Waits for a line, also among those already written; nil at the deadline or when the process ended without it.
  public func next(
    where isWanted: @escaping @Sendable (String) -> Bool, until deadline: ContinuousClock.Instant
  ) async -> String? {
    let found = await state.wait(until: deadline) { state -> String?? in
      if let line = state.lines.first(where: isWanted) { return .some(line) }
      return state.status == nil ? nil : .some(nil)
    }
    return found ?? nil
  }

  /// Waits until it has written `count` such lines; false at the deadline or when the process ended before.
  public func next(
    _ count: Int, where isWanted: @escaping @Sendable (String) -> Bool, until deadline: ContinuousClock.Instant
  ) async -> Bool {
    let found = await state.wait(until: deadline) { state -> Bool? in
      if state.lines.count(where: isWanted) >= count { return true }
      return state.status == nil ? nil : false
    }
    return found ?? false
  }

  /// Waits for its end: the exit code, or 128 + the signal; nil at the deadline.
  public func end(until deadline: ContinuousClock.Instant) async -> Int32? {
    await state.wait(until: deadline) { state in
      state.status.map { status in status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f }
    }
  }
}
