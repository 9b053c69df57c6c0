/// What a function found out about a device, once its last line was read.
struct Finding: Codable, Sendable {
  /// `RUN/machine-3`.
  var device: String
  /// The lines that the device sent.
  var lines: Int
  var detection: Detection?
  var windows: WindowSummary?

  struct Detection: Codable, Sendable {
    var readings: Int
    var alerts: [String]
  }

  struct WindowSummary: Codable, Sendable, Hashable {
    var count: Int
    var late: Int
    var mean: Double?
    var min: Double?
    var max: Double?
  }
}
