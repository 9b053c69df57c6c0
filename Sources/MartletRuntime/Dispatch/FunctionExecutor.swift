import MartletCore

/// Where functions run: as many threads as cores, one queue, first come first served.
///
/// A function that blocks its thread keeps it; when work waits and no thread has taken any for a while, `relieve` adds
/// one. So a blocking call, or an endless loop, costs its own invocation and nobody else's.
final class FunctionExecutor: TaskExecutor, Sendable {
  /// Threads that blocking functions can hold beside the regular ones.
  static let maxExtraThreads = 64

  private let queue = JobQueue()
  private let name: String
  private let threads: Int
  private let state: Locked<(running: Int, started: Int, taken: UInt64)>

  init(name: String, threads: Int) {
    self.name = name
    self.threads = threads
    state = Locked((threads, threads, 0))
    for number in 0..<threads { startThread(number) }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    guard !queue.push(job) else { return }
    // A function that outlived its host goes on: what it holds must be let go some time.
    NamedThread.start("\(name)-late") { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }.detach()
  }

  /// Whether other work waits: a worker that loops gives way then.
  var hasWaitingJobs: Bool { queue.count > 0 }

  /// Called now and then: adds a thread if jobs wait and none was taken since the last call.
  func relieve() {
    let (waiting, taken) = queue.progress
    let number: Int? = state.withLock { state in
      defer { state.taken = taken }
      guard waiting > 0, taken == state.taken, state.running < threads + Self.maxExtraThreads else { return nil }
      state.running += 1
      state.started += 1
      return state.started
    }
    if let number { startThread(number) }
  }

  /// Runs one of the waiting jobs on the caller's thread, for tests that have no threads but decide the order.
  /// - Parameter choose: picks one, given how many wait.
  /// - Returns: false if none waits.
  func runNext(choosing choose: (Int) -> Int) -> Bool {
    guard let job = queue.take(choosing: choose) else { return false }
    job.runSynchronously(on: asUnownedTaskExecutor())
    return true
  }

  /// Lets the threads end when the queue is empty.
  func stop() { queue.close() }

  private func startThread(_ number: Int) {
    NamedThread.start("\(name)-\(number)") { [self] in
      let sleeper = Sleeper()
      while let job = queue.pop(sleeper, keepingAsleep: threads) {
        job.runSynchronously(on: asUnownedTaskExecutor())
      }
      state.withLock { $0.running -= 1 }
    }.detach()
  }
}
