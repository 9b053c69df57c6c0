import Foundation
import Martlet

/// The findings of one run, by device.
actor Collector {
  /// What is reported of a device.
  struct Device: Codable, Sendable {
    var readings = 0
    var rejected = 0
    var alerts: [String] = []
    var windows: Finding.WindowSummary?
  }

  private let prefix: String
  private var detections: [String: (lines: Int, Finding.Detection)] = [:]
  private var windows: [String: Finding.WindowSummary] = [:]

  init(run: String) { prefix = run + "/" }

  /// What came before, or comes again, changes nothing.
  func enter(_ finding: Finding) {
    guard finding.device.hasPrefix(prefix) else { return }
    let device = String(finding.device.dropFirst(prefix.count))
    if let detection = finding.detection { detections[device] = (finding.lines, detection) }
    if let summary = finding.windows { windows[device] = summary }
  }

  /// How many devices are done.
  var count: Int { detections.keys.count { windows[$0] != nil } }

  var devices: [String: Device] {
    detections.reduce(into: [:]) { devices, entry in
      let (lines, detection) = entry.value
      devices[entry.key] = Device(
        readings: detection.readings, rejected: lines - detection.readings, alerts: detection.alerts,
        windows: windows[entry.key])
    }
  }
}
