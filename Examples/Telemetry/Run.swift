import Foundation
import Martlet

/// One run: sends the lines of all devices and waits until each device is done.
struct Run {
  let host: FunctionHost
  let collector: Collector
  let report: Report
  /// Lines per second; nil is as fast as can be.
  let pace: Double?
  /// Called when three quarters of the lines are sent.
  let whenMostIsSent: @Sendable () -> Void

  /// - Returns: what was found out, by device.
  func process(_ source: Source, run: String) async throws -> [String: Collector.Device] {
    try await withThrowingTaskGroup(of: [String: Collector.Device]?.self) { tasks in
      tasks.addTask {
        try await send(source, run: run)
        return nil
      }
      tasks.addTask { try await wait(for: source) }
      for try await case let devices? in tasks { return devices }
      throw CancellationError()
    }
  }

  /// Sends line by line, all devices side by side, as they would.
  private func send(_ source: Source, run: String) async throws {
    let start = ContinuousClock.now
    let longest = source.devices.map(\.lines.count).max() ?? 0
    var sent = 0
    // A stretch of each device at a time; shorter ones where the pace would not be even otherwise.
    let stretch = pace.map { max(1, min(50, Int($0 / 10) / max(1, source.devices.count))) } ?? 50
    for first in stride(from: 0, through: longest, by: stretch) {
      for group in stride(from: 0, to: source.devices.count, by: 20) {
        let devices = source.devices[group..<min(group + 20, source.devices.count)]
        let stretches = devices.flatMap { device in
          events(of: device, from: first, to: first + stretch, run: run)
        }
        guard !stretches.isEmpty else { continue }
        if let pace { try await Task.sleep(until: start + .seconds(Double(sent) / pace)) }
        try await patiently { try await host.send(stretches, to: .lines) }
        sent += stretches.count
        if sent > source.lineCount / 4 * 3 { whenMostIsSent() }
      }
    }
  }

  /// Some lines of a device, and `end` behind the last one.
  private func events(of device: Source.Device, from first: Int, to last: Int, run: String) -> [Outgoing<String>] {
    let key = "\(run)/\(device.name)"
    return (first..<max(first, min(last, device.lines.count + 1))).map { index in
      let body = index < device.lines.count ? String(device.lines[index]) : Reading.end
      return Outgoing(body, key: key, messageID: "\(key)#\(index + 1)")
    }
  }

  private func wait(for source: Source) async throws -> [String: Collector.Device] {
    var report = report
    while await collector.count < source.devices.count {
      report.progress(done: await collector.count, of: source.devices.count)
      try await Task.sleep(for: .milliseconds(100))
    }
    return await collector.devices
  }

  /// Tries again as long as the broker says that waiting helps. What is sent twice has the same ids, and counts once.
  private func patiently(_ work: () async throws -> Void) async throws {
    while true {
      do { return try await work() } catch let error as BrokerError where error.isRetriable {
        try await Task.sleep(for: .seconds(1))
      }
    }
  }
}
