/// Asks again and again until the answer is yes: for what can only be asked, such as what a broker holds. What tells by
/// itself, as a log or a process does, is better listened to.
/// - Parameters:
///   - what: what should come, as the failure names it; evaluated when it did not come.
///   - limit: how long it may take. Default 30 s.
///   - isSo: asked at once, and again a moment after each no.
/// - Throws: `ConformanceFailure` when the time is over; what `isSo` throws, at once.
public func eventually(
  _ what: @autoclosure () -> String, within limit: Duration = .seconds(30), _ isSo: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while try await !isSo() {
    guard ContinuousClock.now < deadline else {
      throw ConformanceFailure("in \(limit), \(what()); it did not come so")
    }
    try await Task.sleep(for: .milliseconds(10), clock: .continuous)
  }
}
