/// The windows of one device: one hour each, by the time of the readings.
///
/// The rule: a window is open until a reading of a later hour comes. A reading of an hour that is over is late: it is
/// counted, and belongs to no window. Readings with the same timestamp all count.
struct Windows: Codable, Sendable {
  /// The last line that counted: a line that comes again counts once.
  private(set) var last = 0
  private(set) var count = 0
  private(set) var late = 0
  private(set) var min: Double?
  private(set) var max: Double?
  /// The sum of the means of the windows that are over.
  private var means = 0.0
  /// The window that is open.
  private var hour: String?
  private var sum = 0.0
  private var readings = 0

  /// Takes a reading in. Answers what was found at the end.
  mutating func take(_ reading: Reading, of device: String?) -> Finding? {
    guard reading.number > last, let device else { return nil }
    last = reading.number
    guard let value = reading.value, let hour = reading.hour else {
      close()
      let summary = Finding.WindowSummary(count: count, late: late, mean: mean, min: min, max: max)
      return Finding(device: device, lines: reading.number - 1, windows: summary)
    }
    if let open = self.hour, hour < open {
      late += 1
      return nil
    }
    if hour != self.hour { close() }
    self.hour = hour
    sum += value
    readings += 1
    min = Swift.min(min ?? value, value)
    max = Swift.max(max ?? value, value)
    return nil
  }

  private mutating func close() {
    guard readings > 0 else { return }
    count += 1
    means += sum / Double(readings)
    (hour, sum, readings) = (nil, 0, 0)
  }

  /// The mean of the windows' means.
  var mean: Double? { count > 0 ? means / Double(count) : nil }
}
