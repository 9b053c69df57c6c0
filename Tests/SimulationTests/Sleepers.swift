/// Functions that wait for the simulated clock.
///
/// `@unchecked Sendable`: it lives on the thread of its simulation, and so does whoever cancels.
final class Sleepers: @unchecked Sendable {
  private struct Sleeper {
    let id: UInt64
    let end: UInt64
    let continuation: UnsafeContinuation<Void, Never>
  }

  private var sleepers: [Sleeper] = []
  private var nextID: UInt64 = 0
  private var isOver = false

  var isEmpty: Bool { sleepers.isEmpty }

  func sleep(until end: UInt64, heedsCancellation: Bool) async {
    nextID += 1
    let id = nextID
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        if isOver || (heedsCancellation && Task.isCancelled) { return continuation.resume() }
        sleepers.append(Sleeper(id: id, end: end, continuation: continuation))
      }
    } onCancel: {
      guard heedsCancellation, let index = sleepers.firstIndex(where: { $0.id == id }) else { return }
      sleepers.remove(at: index).continuation.resume()
    }
  }

  func wake(now: UInt64) {
    if now == .max { isOver = true }
    let due = sleepers.filter { $0.end <= now || now == .max }
    sleepers.removeAll { $0.end <= now || now == .max }
    for sleeper in due { sleeper.continuation.resume() }
  }
}
